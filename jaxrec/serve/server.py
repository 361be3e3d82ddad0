"""A server from its start to its end: socket, journal, warm-up, signals."""

import contextlib
import dataclasses
import pathlib
import signal
import socket
import sys
from typing import Any

from jaxrec.errors import UserError

LOOPBACK = ('localhost', '127.0.0.1', '::1')
BACKLOG = 2048  # Connections that wait to be accepted.
STOP_SECONDS = 30  # In which what is under way has to finish.


@dataclasses.dataclass(frozen=True)
class ServerOptions:
  """How a bundle is served.

  Attributes:
    bundle: its directory.
    host, port: where it listens; port 0: any that is free.
    data_dir: where changed items are kept; None: they cannot be changed.
    adopt_items: whether `data_dir` may be another bundle's.
    api_key: required of requests; None: none is.
    allowed_hosts: names that requests may be sent to; None: at a loopback
      address those of this machine, elsewhere any.
    max_body_bytes: of a request.
    max_requests: under way at a time.
    max_batch: requests computed together; None: by the device.
    batch_seconds: that a request waits for others.
    warm_up: whether programs are compiled before it listens.
    log_requests: whether there is a line for each.
    root_path: where a proxy has the server, '/jaxrec'; '': at its root.
    keep_alive_seconds: that an idle connection stays open.
    users: a file of users whom requests may name; None: they send histories.
  """

  bundle: str
  host: str = '127.0.0.1'
  port: int = 8000
  data_dir: pathlib.Path | None = None
  adopt_items: bool = False
  api_key: str | None = None
  allowed_hosts: tuple[str, ...] | None = None
  max_body_bytes: int = 1 << 20
  max_requests: int = 256
  max_batch: int | None = None
  batch_seconds: float = 0.002
  warm_up: bool = True
  log_requests: bool = False
  root_path: str = ''
  keep_alive_seconds: int = 5
  users: pathlib.Path | None = None

  @property
  def hosts(self) -> tuple[str, ...] | None:
    """Names that requests may be sent to; None: any."""
    if self.allowed_hosts is not None:
      return self.allowed_hosts
    if self.host in LOOPBACK or self.host.startswith('127.'):
      return (*LOOPBACK, self.host)
    return None


def say(line: str) -> None:
  """Prints a line for whoever started the server."""
  print(f'jaxrec: {line}', flush=True)


def load(bundle: str) -> Any:
  """The model; what is compiled for it is kept.

  Raises:
    UserError: it is no bundle.
  """
  import jaxrec
  from jaxrec.parallel.compiled import keep_compiled

  keep_compiled()
  return jaxrec.load(bundle)


def serve(model: Any, options: ServerOptions) -> None:
  """Answers until SIGTERM or Ctrl-C, then finishes what is under way.

  Args:
    model: as `jaxrec.load` returns it.
    options: see there.

  Raises:
    UserError: the port is taken, or the journal or the users do not do.
  """
  # Here, since a mistake in a flag is told before these are imported.
  import uvicorn

  from jaxrec.bundle import layout
  from jaxrec.serve import known_users, schema
  from jaxrec.serve.app import create_app
  from jaxrec.serve.gate import Limits
  from jaxrec.serve.journal import Journal
  from jaxrec.serve.live_items import LiveItems
  from jaxrec.serve.metrics import Metrics
  from jaxrec.serve.service import Service, fingerprint
  from jaxrec.serve.warm import warm_up

  limits = Limits(
    api_key=options.api_key,
    hosts=options.hosts,
    max_body_bytes=options.max_body_bytes,
    max_requests=options.max_requests,
    root_path=options.root_path,
  )
  with contextlib.ExitStack() as stack:
    bound = stack.enter_context(_bound(options.host, options.port))
    journal = None
    if options.data_dir is not None:
      journal = Journal(
        options.data_dir, fingerprint(model.manifest), options.adopt_items
      )
    users = None
    if options.users is not None:
      users = known_users.read(
        options.users,
        layout.column_names(pathlib.Path(options.bundle).expanduser()),
        kinds=any(model.manifest.get('behaviours') or ()),
        longest=schema.HISTORY,
        say=say,
      )
    metrics = Metrics()
    max_batch = options.max_batch or _max_batch()
    service = Service(
      LiveItems(model, journal),
      metrics,
      max_batch,
      options.batch_seconds,
      users,
    )
    if options.warm_up:
      warm_up(model, max_batch, say)
    if limits.api_key is None and limits.hosts is None:
      print(
        'jaxrec: whoever reaches this address may read and change items: '
        '--api_key_file requires a key',
        file=sys.stderr,
      )
    # As where a server is meant to end: by no error.
    for name in (signal.SIGTERM, signal.SIGINT):
      signal.signal(name, lambda *_: None)
    config = uvicorn.Config(
      create_app(service, metrics, limits),
      log_config=None,
      access_log=options.log_requests,
      # Otherwise a line for whatever comes in that is no HTTP.
      log_level='info' if options.log_requests else 'error',
      server_header=False,
      ws='none',
      # Of connections; an idle one costs little.
      limit_concurrency=4 * options.max_requests,
      timeout_graceful_shutdown=STOP_SECONDS,
      timeout_keep_alive=options.keep_alive_seconds,
    )
    bound.listen(BACKLOG)  # Whoever reads the next line may ask at once.
    say(
      f'{len(model):,} items of {options.bundle} at {_url(bound)} '
      '(Ctrl-C stops)'
    )
    uvicorn.Server(config).run(sockets=[bound])
  say('stopped')


def _bound(host: str, port: int) -> socket.socket:
  """A socket of that address, which does not listen yet."""
  try:
    info = socket.getaddrinfo(
      host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    bound = socket.socket(info[0], socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(info[4])
    return bound
  except OSError as e:
    raise UserError(
      f'cannot listen at {host}:{port}: {e.strerror or e}: give another '
      '--host or --port'
    ) from None


def _url(bound: socket.socket) -> str:
  host, port = bound.getsockname()[:2]
  return f'http://[{host}]:{port}' if ':' in host else f'http://{host}:{port}'


def _max_batch() -> int:
  import jax

  # The model pads to 1, 4, 16, 64: on a CPU padding costs what users do.
  return 16 if jax.default_backend() == 'cpu' else 64
