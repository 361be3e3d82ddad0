"""The console script `jaxrec VERB`, and python -m jaxrec.main --mode=VERB."""

import importlib
import sys
from types import ModuleType

from jaxrec import __version__
from jaxrec.cli import HELP, VERSION, fail
from jaxrec.errors import UserError, choices, not_installed

VERBS = {  # Each is the module of that name.
  'train': 'train on a config, and evaluate what was trained',
  'evaluate': 'evaluate a trained workdir anew, on any split',
  'prepare': 'read the data of a config, for runs to come',
  'export': 'write a trained workdir as a bundle that can be asked',
  'recommend': 'recommend to all users of a file, by a bundle',
  'serve': 'answer over HTTP, by a bundle',
  'compare': 'train several configs and seeds, all in one table',
  'completion': 'print what lets bash or zsh complete all of this',
}
# Scripts may give all of these the same flags, where they are modes: each takes
# those of the others, and does not use them.
SHARED = ('train', 'evaluate', 'prepare', 'export', 'recommend')


def run(argv: list[str] | None = None) -> None:
  """`jaxrec VERB --FLAG=VALUE ...`; exits with 2 after lines of error.

  Args:
    argv: what stands after `jaxrec`; None: of this process.
  """
  argv = sys.argv[1:] if argv is None else argv
  if not argv:
    print(overview(), file=sys.stderr)
    sys.exit(2)
  verb, *rest = argv
  if verb in HELP or verb == 'help':
    if rest[:1] and rest[0] in VERBS:
      _module(rest[0]).run(['--help'])
    else:
      print(overview())
  elif verb in VERSION or verb == 'version':
    print(f'jaxrec {__version__}')
  elif verb.startswith('-') and any(argument in HELP for argument in rest):
    print(overview())
  elif verb.startswith('-'):
    fail(UserError(f'give a verb first: jaxrec train {verb} ...'))
  elif verb not in VERBS:
    fail(UserError(f'verb {choices(verb, VERBS)}'))
  else:
    _module(verb).run(rest)


def run_mode(argv: list[str] | None = None) -> None:
  """`python -m jaxrec.main --mode=VERB --FLAG=VALUE ...`, by default train.

  Args:
    argv: what stands after the program; None: of this process.
  """
  argv = sys.argv[1:] if argv is None else argv
  mode, rest = _mode(argv)
  if any(argument in HELP for argument in argv):
    print(
      'python -m jaxrec.main --mode=VERB FLAGS is jaxrec VERB FLAGS; without '
      f'--mode, train.\n\n{overview()}'
    )
    if mode in VERBS:
      print()
      _module(mode).run(['--help'])
    return
  if any(argument in VERSION for argument in argv):
    print(f'jaxrec {__version__}')
    return
  if mode not in VERBS:
    fail(UserError(f'--mode: {choices(mode, VERBS)}'))
  if mode not in SHARED:
    _module(mode).run(rest)
    return
  also = [flag for verb in SHARED for flag in _module(verb).VERB.flags]
  _module(mode).run(rest, also)


def _mode(argv: list[str]) -> tuple[str, list[str]]:
  """The value of the last --mode, and the arguments without it."""
  mode, rest, arguments = 'train', [], iter(argv)
  for argument in arguments:
    flag, equals, value = argument.partition('=')
    if flag not in ('-mode', '--mode'):
      rest.append(argument)
    else:
      mode = value if equals else next(arguments, '')
  return mode, rest


def _module(verb: str) -> ModuleType:
  try:
    return importlib.import_module(f'jaxrec.cli.{verb}')
  except ModuleNotFoundError as e:
    if not e.name or e.name.partition('.')[0] == 'jaxrec':
      raise
    fail(UserError(not_installed(e.name)))  # Of a bundle's few packages, say.


def overview() -> str:
  """The verbs, with a line each."""
  verbs = [f'  {name:<11}{summary}' for name, summary in VERBS.items()]
  return '\n'.join(
    [
      'usage: jaxrec VERB --FLAG=VALUE ...',
      '',
      *verbs,
      '',
      'jaxrec VERB --help tells the flags of a verb; jaxrec --version.',
      'For example: jaxrec train --config=news --workdir=DIR',
    ]
  )
