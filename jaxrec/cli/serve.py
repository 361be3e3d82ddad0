"""jaxrec serve, python -m jaxrec.serve: a bundle over HTTP.

Its flags are argparse's, not absl's: a machine that serves has what a bundle
needs and what the extra `serve` brings, and no more.
"""

import argparse
import importlib.util
import logging
import os
import pathlib
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from jaxrec import __version__
from jaxrec.cli import VERSION, fail, print_anything
from jaxrec.errors import Mistakes, UserError, choices, not_installed
from jaxrec.inference import user_files
from jaxrec.serve import server

NEEDED = ('fastapi', 'uvicorn', 'prometheus_client')
KEY_VARIABLE = 'JAXREC_API_KEY'  # Of the environment.
AT_LEAST_ONE = ('max_body_bytes', 'max_requests', 'max_batch', 'keep_alive')


class _Parser(argparse.ArgumentParser):
  """Its errors are UserErrors."""

  def error(self, message: str) -> NoReturn:
    raise UserError(message)


def check_installed() -> None:
  """UserError unless all is there that the extra `serve` brings."""
  absent = [name for name in NEEDED if importlib.util.find_spec(name) is None]
  if absent:
    raise UserError(not_installed(' and '.join(absent), 'serve'))


def _parser() -> argparse.ArgumentParser:
  parser = _Parser(
    prog='jaxrec serve',
    description='Serves the recommendations of a bundle over HTTP.',
    allow_abbrev=False,
  )
  add = parser.add_argument
  add('--bundle', help='directory that --mode=export wrote')
  add('--host', default='127.0.0.1', help='address to listen at')
  add('--port', type=int, default=8000, help='0: any that is free')
  add(
    '--data_dir',
    help='where items added and removed are kept; without it they cannot be '
    'changed',
  )
  add(
    '--users',
    help='file of users whom requests may name by user_id: .jsonl, .csv, .tsv '
    'or .parquet of user_id and history, or the log of the training',
  )
  add(
    '--adopt_items',
    action='store_true',
    help="takes over a --data_dir that was another bundle's",
  )
  add(
    '--api_key',
    help='required of every request but for /, /docs and /healthz; better '
    f'given by --api_key_file or {KEY_VARIABLE}, which other users cannot see',
  )
  add('--api_key_file', help='file that holds the key')
  add(
    '--allowed_hosts',
    help='names, by comma, that requests may be sent to; at a loopback address '
    'localhost and that one, elsewhere any',
  )
  add('--max_body_bytes', type=int, default=1 << 20, help='of a request')
  add('--max_requests', type=int, default=256, help='under way at a time')
  add(
    '--max_batch',
    type=int,
    help='requests computed together at most; 16 on a CPU, 64 elsewhere',
  )
  add(
    '--batch_ms',
    type=float,
    default=2.0,
    help='milliseconds that a request waits for others',
  )
  add(
    '--no_warm_up',
    action='store_true',
    help='listens at once; the first requests wait for compilations',
  )
  add(
    '--root_path',
    default='',
    help='where a proxy has the server: /jaxrec; requests may come with it or '
    'without',
  )
  add(
    '--keep_alive',
    type=int,
    default=5,
    help='seconds that an idle connection stays open; more than that of a '
    'proxy in front',
  )
  add('--log_requests', action='store_true', help='a line for each')
  return parser


def spelt_flags() -> list[str]:
  """Its flags as they are typed, those with a value with their '='."""
  return [
    f'{name}=' if action.nargs is None else name
    for action in _parser()._actions
    for name in action.option_strings
    if name.startswith('--')
  ]


def options_of(argv: Sequence[str]) -> server.ServerOptions:
  """What flags say, with the key that a file or the environment holds.

  Raises:
    UserError: a flag is unknown, missing, or out of range; the key cannot be
      read.
  """
  flags = _flags(argv)
  users = None
  if flags.users is not None:
    users = pathlib.Path(flags.users).expanduser()
    user_files.check_name(users)
  return server.ServerOptions(
    bundle=flags.bundle,
    host=flags.host,
    port=flags.port,
    data_dir=None
    if flags.data_dir is None
    else pathlib.Path(flags.data_dir).expanduser(),
    adopt_items=flags.adopt_items,
    api_key=_api_key(flags.api_key, flags.api_key_file),
    allowed_hosts=None
    if flags.allowed_hosts is None
    else tuple(flags.allowed_hosts.lower().split(',')),
    max_body_bytes=flags.max_body_bytes,
    max_requests=flags.max_requests,
    max_batch=flags.max_batch,
    batch_seconds=flags.batch_ms / 1000,
    warm_up=not flags.no_warm_up,
    log_requests=flags.log_requests,
    root_path=_root_path(flags.root_path),
    keep_alive_seconds=flags.keep_alive,
    users=users,
  )


def _flags(argv: Sequence[str]) -> argparse.Namespace:
  parser = _parser()
  # They may be spelt with dashes as well: --data-dir is --data_dir.
  spelt = [
    re.sub(r'^--[a-z-]+', lambda m: '--' + m[0][2:].replace('-', '_'), argument)
    for argument in argv
  ]
  flags, unknown = parser.parse_known_args(spelt)
  if unknown:
    names = [flag.removesuffix('=') for flag in spelt_flags()]
    given = [word.partition('=')[0] for word in unknown]
    raise Mistakes(
      [
        f'flag {choices(word, names)}'
        if word.startswith('-')
        else f'unexpected argument {word!r}: options start with --'
        for i, word in enumerate(given)
        # What stands after an unknown flag was meant as its value.
        if word.startswith('-') or not i or not given[i - 1].startswith('-')
      ]
    )
  if flags.bundle is None:  # After the flags that may have been meant by it.
    raise UserError('--bundle is missing: give what --mode=export wrote')
  if not 0 <= flags.port <= 65535:
    raise UserError(f'--port={flags.port}: ports are 0 to 65535')
  for name in AT_LEAST_ONE:
    value = getattr(flags, name)
    if value is not None and value < 1:
      raise UserError(f'--{name}={value}: at least 1')
  if not 0 <= flags.batch_ms <= 1000:
    raise UserError(f'--batch_ms={flags.batch_ms}: 0 to 1000')
  return flags


def _root_path(text: str) -> str:
  """'/a/b' of 'a/b/'; UserError of what is no path."""
  path = '/' + text.strip('/')
  if not re.fullmatch(r'(/[\w.~-]+)*/?', path):
    raise UserError(f'--root_path={text}: give a path, say /jaxrec')
  return path.rstrip('/')


def _api_key(key: str | None, file: str | None) -> str | None:
  """The key, where one was given.

  Raises:
    UserError: it is given twice, cannot be read, or no header could hold it.
  """
  source = '--api_key'
  if key is not None and file is not None:
    raise UserError('give one of --api_key and --api_key_file')
  if file is not None:
    source = file
    try:
      key = pathlib.Path(file).read_text(encoding='ascii').strip()
    except OSError as e:
      raise UserError(f'{file}: {e.strerror}') from None
    except UnicodeDecodeError:
      raise UserError(f'{file}: a key is of ASCII letters alone') from None
  elif key is None and KEY_VARIABLE in os.environ:
    key, source = os.environ[KEY_VARIABLE], KEY_VARIABLE
  if key is not None and not re.fullmatch(r'[!-~]+', key):
    raise UserError(
      f'{source}: a key is of ASCII letters, digits and signs, without spaces'
    )
  return key


def run(
  argv: Sequence[str] | None = None,
  load: Callable[[str], Any] = server.load,
) -> None:
  """The command; exits with 2 where a flag or the bundle does not do.

  Args:
    argv: flags; None: those of this process.
    load: what makes a model of --bundle.
  """
  print_anything()
  argv = sys.argv[1:] if argv is None else argv
  if any(argument in VERSION for argument in argv):
    print(f'jaxrec {__version__}')
    return
  try:
    options = options_of(argv)
    check_installed()
    logging.basicConfig(
      format='%(asctime)s %(levelname)s %(message)s',
      level=logging.INFO if options.log_requests else logging.WARNING,
    )
    server.say(f'loading {options.bundle}')
    server.serve(load(options.bundle), options)
  except (UserError, OSError) as e:
    fail(e)
