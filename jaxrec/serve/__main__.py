"""The command: python -m jaxrec.serve --bundle=DIR."""

import argparse
import contextlib
import logging
import os
import pathlib
import re
import signal
import socket
import sys
from collections.abc import Sequence
from typing import Any

from jaxrec.errors import UserError, choices, one_line

_KEY = 'JAXREC_API_KEY'
_LOOPBACK = ('localhost', '127.0.0.1', '::1')


class _Parser(argparse.ArgumentParser):
  """Its errors are UserErrors."""

  def error(self, message: str):
    raise UserError(message)


def _parser() -> argparse.ArgumentParser:
  parser = _Parser(
    prog='python -m jaxrec.serve',
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
    '--adopt_items',
    action='store_true',
    help="takes over a --data_dir that was another bundle's",
  )
  add(
    '--api_key',
    help='asked of every request but for /, /docs and /healthz; better given '
    f'by --api_key_file or {_KEY}, which other users cannot see',
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
  add('--log_requests', action='store_true', help='a line for each')
  return parser


def _api_key(args: argparse.Namespace) -> str | None:
  """The key, where one was given.

  Raises:
    UserError: it is given twice, cannot be read, or no header could hold it.
  """
  if args.api_key is not None and args.api_key_file is not None:
    raise UserError('give one of --api_key and --api_key_file')
  key, where = args.api_key, '--api_key'
  if args.api_key_file is not None:
    where = args.api_key_file
    try:
      key = pathlib.Path(where).read_text(encoding='ascii').strip()
    except OSError as e:
      raise UserError(f'{where}: {e.strerror}') from None
    except UnicodeDecodeError:
      raise UserError(f'{where}: a key is of ASCII letters alone') from None
  elif key is None and _KEY in os.environ:
    key, where = os.environ[_KEY], _KEY
  if key is not None and not re.fullmatch(r'[!-~]+', key):
    raise UserError(
      f'{where}: a key is of ASCII letters, digits and signs, without spaces'
    )
  return key


def _parsed(argv: Sequence[str]) -> argparse.Namespace:
  """Raises UserError: a flag is unknown, missing, or out of range."""
  parser = _parser()
  # Either way of writing them: --data-dir, --data_dir.
  args, unknown = parser.parse_known_args(
    [
      re.sub(r'^--[a-z-]+', lambda m: '--' + m[0][2:].replace('-', '_'), a)
      for a in argv
    ]
  )
  if unknown:
    flag = unknown[0].partition('=')[0]
    known = [
      name for action in parser._actions for name in action.option_strings
    ]
    raise UserError(choices(flag, [name for name in known if name[:2] == '--']))
  if args.bundle is None:  # After the flags that may have been meant by it.
    raise UserError('--bundle is missing: give what --mode=export wrote')
  if not 0 <= args.port <= 65535:
    raise UserError(f'--port={args.port}: ports are 0 to 65535')
  for name in ('max_body_bytes', 'max_requests', 'max_batch'):
    if getattr(args, name) is not None and getattr(args, name) < 1:
      raise UserError(f'--{name}={getattr(args, name)}: at least 1')
  if not 0 <= args.batch_ms <= 1000:
    raise UserError(f'--batch_ms={args.batch_ms}: 0 to 1000')
  return args


def _hosts(args: argparse.Namespace) -> tuple[str, ...] | None:
  if args.allowed_hosts is not None:
    return tuple(args.allowed_hosts.lower().split(','))
  if args.host in _LOOPBACK or args.host.startswith('127.'):
    return (*_LOOPBACK, args.host)
  return None


def _bound(host: str, port: int) -> socket.socket:
  try:
    info = socket.getaddrinfo(
      host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    found = socket.socket(info[0], socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.bind(info[4])  # It listens once there is somebody to answer.
    return found
  except OSError as e:
    raise UserError(
      f'cannot listen at {host}:{port}: {e.strerror or e}: give another '
      '--host or --port'
    ) from None


def _say(words: str) -> None:
  print(f'jaxrec: {words}', flush=True)


def _load(bundle: str) -> Any:
  """The model; what is compiled for it is kept."""
  import jaxrec
  from jaxrec.serve.warm import keep_compiled

  keep_compiled()
  return jaxrec.load(bundle)


def _max_batch(args: argparse.Namespace) -> int:
  if args.max_batch is not None:
    return args.max_batch
  import jax

  # The model pads to 1, 4, 16, 64: on a CPU padding costs what users do.
  return 16 if jax.default_backend() == 'cpu' else 64


def serve(model: Any, args: argparse.Namespace) -> None:
  """Answers until SIGTERM or Ctrl-C, then finishes what is under way.

  Args:
    model: as `jaxrec.load` returns it.
    args: the command's.

  Raises:
    UserError: an argument does not do, or the port is taken.
  """
  import uvicorn

  from jaxrec.serve.app import Service, create_app, fingerprint
  from jaxrec.serve.gate import Limits
  from jaxrec.serve.journal import Store
  from jaxrec.serve.live_items import Catalog
  from jaxrec.serve.metrics import Metrics
  from jaxrec.serve.warm import warm_up

  limits = Limits(
    api_key=_api_key(args),
    hosts=_hosts(args),
    max_body_bytes=args.max_body_bytes,
    max_requests=args.max_requests,
  )
  with contextlib.ExitStack() as stack:
    bound = stack.enter_context(_bound(args.host, args.port))
    store = None
    if args.data_dir is not None:
      store = Store(
        pathlib.Path(args.data_dir).expanduser(),
        fingerprint(model.manifest),
        args.adopt_items,
      )
    metrics = Metrics()
    max_batch = _max_batch(args)
    service = Service(
      Catalog(model, store), metrics, max_batch, args.batch_ms / 1000
    )
    if not args.no_warm_up:
      warm_up(model, max_batch, _say)
    host, port = bound.getsockname()[:2]
    if ':' in host:
      host = f'[{host}]'
    if limits.api_key is None and _hosts(args) is None:
      print(
        'jaxrec: whoever reaches this address may read and change items: '
        '--api_key_file asks for a key',
        file=sys.stderr,
      )
    # As where a server is meant to end: by no error.
    for name in (signal.SIGTERM, signal.SIGINT):
      signal.signal(name, lambda *_: None)
    config = uvicorn.Config(
      create_app(service, metrics, limits),
      log_config=None,
      access_log=args.log_requests,
      # Otherwise a line for whatever comes in that is no HTTP.
      log_level='info' if args.log_requests else 'error',
      server_header=False,
      ws='none',
      # Of connections; an idle one costs little.
      limit_concurrency=4 * args.max_requests,
      timeout_graceful_shutdown=30,
    )
    bound.listen(2048)  # Whoever reads the next line may ask at once.
    _say(
      f'{len(model):,} items of {args.bundle} at http://{host}:{port} '
      '(Ctrl-C stops)'
    )
    uvicorn.Server(config).run(sockets=[bound])
  _say('stopped')


def main(argv: Sequence[str] | None = None) -> None:
  """The entry point; exits with 2 where a flag or the bundle does not do."""
  argv = sys.argv[1:] if argv is None else argv
  try:
    args = _parsed(argv)
    logging.basicConfig(
      format='%(asctime)s %(levelname)s %(message)s',
      level=logging.INFO if args.log_requests else logging.WARNING,
    )
    _say(f'loading {args.bundle}')
    serve(_load(args.bundle), args)
  except (UserError, OSError) as e:
    print(f'jaxrec: error: {one_line(e)}', file=sys.stderr)
    sys.exit(2)


if __name__ == '__main__':
  main()
