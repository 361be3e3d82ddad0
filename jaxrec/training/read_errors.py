"""Why a checkpoint cannot be read: what was saved is damaged, or not."""

import errno

# Why a file cannot be read now that may be whole: no right to, too many that
# are open, no memory, a disk or a network that fails.
ENVIRONMENT = {
  errno.EACCES,
  errno.EPERM,
  errno.EMFILE,
  errno.ENFILE,
  errno.ENOMEM,
  errno.EIO,
  errno.ESTALE,
  errno.ETIMEDOUT,
}
# As tensorstore and JAX word the same; they have no errno.
ENVIRONMENT_WORDS = (
  'PERMISSION_DENIED',
  'Permission denied',
  'Operation not permitted',
  'Too many open files',
  'RESOURCE_EXHAUSTED',
  'Cannot allocate memory',
  'Input/output error',
  'Stale file handle',
)


def is_of_the_environment(error: BaseException | None) -> bool:
  """Whether it tells of this machine or process, not of what was saved."""
  while error is not None:
    if isinstance(error, MemoryError):
      return True
    if isinstance(error, OSError) and error.errno in ENVIRONMENT:
      return True
    if any(words in str(error) for words in ENVIRONMENT_WORDS):
      return True
    error = error.__cause__ or error.__context__
  return False
