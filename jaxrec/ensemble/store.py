"""Members as arrays on disk, in the cache."""

import pathlib
from collections.abc import Callable

from jaxrec.data.columns.files import read_columns, write_columns
from jaxrec.retrieval.neighbours import Neighbours, arrays_of, member_of

FORMAT = 1  # To be counted up when what members compute changes.


def kept(directory: pathlib.Path, fit: Callable[[], Neighbours]) -> Neighbours:
  """What lies in `directory`; else what `fit` gives, which is put there.

  Args:
    directory: to be named after all that goes into the member.
    fit: makes it.
  """
  if not directory.is_dir():
    write_columns(directory, arrays_of(fit()))
  return member_of(read_columns(directory))
