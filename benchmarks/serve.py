"""Many clients at one server: is every answer right, and how long does it take?

    python -m benchmarks.serve --bundle=DIR

Starts `jaxrec.serve` at a free port of loopback and asks it from `--clients`
connections, each of which sends a request as soon as the one before is
answered: of 100, 80 recommend for a history of ids (1 to 50 of them), 5 for one
with a text, 10 score 20 candidates, 4 search, 1 adds an item. The clients share
the machine's cores with the server. Flags that are not known here are the
server's: --max_batch=1 shows what it gains by batches.
"""

from benchmarks import setup  # isort: skip (first: it sets the environment)

import argparse
import asyncio
import collections
import contextlib
import json
import os
import pathlib
import platform
import random
import re
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Sequence
from typing import NamedTuple

ROOT = pathlib.Path(__file__).parents[1]
SERVER = ('-m', 'jaxrec.serve')  # What Python runs.
KINDS = {'recommend': 80, 'with a text': 5, 'score': 10, 'search': 4, 'add': 1}
WORDS = ('the', 'new', 'first', 'what', 'game', 'team', 'world', 'day', 'home')


@contextlib.contextmanager
def served(bundle: str, flags: list[str]):
  """A server's port; it is stopped at the end, and must end well."""
  with tempfile.TemporaryDirectory() as items:
    command = [sys.executable, *SERVER, f'--bundle={bundle}']
    process = subprocess.Popen(
      [*command, '--port=0', f'--data_dir={items}', *flags],
      cwd=ROOT,
      stdout=subprocess.PIPE,
      text=True,
    )
    try:
      found = None
      while found is None:
        line = process.stdout.readline()
        if not line:
          raise SystemExit('the server did not start')
        print(line.strip(), flush=True)
        found = re.search(r'http://[^ ]+:(\d+)', line)
      yield int(found[1])
      process.terminate()
      if process.wait(60):
        raise SystemExit(f'the server ended with {process.returncode}')
    finally:
      process.kill()
      process.wait()
      process.stdout.close()


class Connection:
  """HTTP/1.1 over one connection, no more than is needed."""

  def __init__(self, port: int):
    self._port = port

  async def open(self):
    """Connects."""
    self._reader, self._writer = await asyncio.open_connection(
      '127.0.0.1', self._port
    )
    return self

  async def ask(self, path: str, body: dict | None = None) -> tuple[int, dict]:
    """Status and JSON of an answer."""
    content = b'' if body is None else json.dumps(body).encode()
    method = 'GET' if body is None else 'POST'
    head = (
      f'{method} {path} HTTP/1.1\r\nHost: localhost\r\n'
      f'Content-Type: application/json\r\nContent-Length: {len(content)}\r\n'
    )
    self._writer.write(f'{head}\r\n'.encode() + content)
    head = (await self._reader.readuntil(b'\r\n\r\n')).lower()
    length = int(re.search(rb'content-length: (\d+)', head)[1])
    answer = await self._reader.readexactly(length)
    status = int(head.split(b' ', 2)[1])
    return status, json.loads(answer) if answer[:1] == b'{' else answer

  def close(self) -> None:
    """Leaves."""
    self._writer.close()


class Known(NamedTuple):
  """What the clients know of the catalog.

  Attributes:
    ids: of some of its items.
    words: that some of its texts hold.
    items: how many there are.
  """

  ids: list[str]
  words: list[str]
  items: int


def request(kind: str, rng: random.Random, known: Known) -> tuple:
  """Path, body, and what tells whether the answer is right."""
  history = rng.choices(known.ids, k=rng.randint(1, 50))
  match kind:
    case 'recommend' | 'with a text':
      if kind == 'with a text':
        history.append({'text': ' '.join(rng.choices(WORDS, k=8))})
      k = rng.choice([5, 10, 20])
      unseen = known.items - len({x for x in history if isinstance(x, str)})
      right = lambda answer: (
        min(k, unseen) <= len(answer['recommendations']) <= k
      )
      return '/recommend', {'history': history, 'k': k}, right
    case 'score':
      candidates = rng.sample(known.ids, min(20, len(known.ids)))
      right = lambda answer: (
        [s['item_id'] for s in answer['scores']] == candidates
      )
      return '/score', {'history': history, 'candidates': candidates}, right
    case 'search':
      query = urllib.parse.urlencode({'q': rng.choice(known.words), 'k': 10})
      return (
        f'/items?{query}',
        None,
        lambda answer: 0 < len(answer['items']) <= 10,
      )
    case 'add':
      item_id = f'new-{rng.randrange(10**12)}'
      item = {'item_id': item_id, 'text': ' '.join(rng.choices(WORDS, k=8))}
      right = lambda answer: answer['added'] == [item_id]
      return '/items', {'items': [item]}, right


async def client(port, seed, known, until, taken, errors) -> None:
  """One client, until the time is over."""
  rng = random.Random(seed)
  connection = await Connection(port).open()
  kinds, weights = zip(*KINDS.items(), strict=True)
  while time.perf_counter() < until:
    [kind] = rng.choices(kinds, weights)
    path, body, right = request(kind, rng, known)
    began = time.perf_counter()
    status, answer = await connection.ask(path, body)
    taken[kind].append(time.perf_counter() - began)
    if status != 200 or not right(answer):
      errors.append(f'{path}: {status}: {str(answer)[:200]}')
  connection.close()


async def cpu_seconds(port: int) -> float:
  """What the server has computed so far, on all cores together."""
  connection = await Connection(port).open()
  _, text = await connection.ask('/metrics')
  connection.close()
  return float(re.search(rb'\nprocess_cpu_seconds_total (\S+)', text)[1])


async def run(args: argparse.Namespace, port: int) -> dict:
  """All clients at once; what they measured."""
  first = await Connection(port).open()
  ids, words = {}, []
  for word in ['', *WORDS]:
    query = urllib.parse.urlencode({'q': word, 'k': 100})
    _, answer = await first.ask(f'/items?{query}')
    ids |= dict.fromkeys(item['item_id'] for item in answer['items'])
    if answer['items']:
      words.append(word)
  _, about = await first.ask('/about')
  first.close()
  known = Known(list(ids), words[1:] or words, about['items'])
  taken = collections.defaultdict(list)
  errors = []
  computed = await cpu_seconds(port)
  began = time.perf_counter()
  clients = [
    client(port, args.seed + n, known, began + args.seconds, taken, errors)
    for n in range(args.clients)
  ]
  for outcome in await asyncio.gather(*clients, return_exceptions=True):
    if isinstance(outcome, BaseException):
      errors.append(f'a connection was lost: {outcome!r}')
  seconds = time.perf_counter() - began
  computed = await cpu_seconds(port) - computed
  everything = [t for times in taken.values() for t in times]
  return {
    'items': about['items'],
    'clients': args.clients,
    'seconds': round(seconds, 1),
    'requests': len(everything),
    'requests_per_second': round(len(everything) / seconds, 1),
    'server_cpu_ms_a_request': round(
      1000 * computed / max(len(everything), 1), 2
    ),
    'errors': len(errors),
    'first_errors': errors[:5],
    'all': percentiles(everything),
    **{kind: percentiles(taken[kind]) for kind in KINDS},
  }


def percentiles(seconds: list[float]) -> dict:
  """p50, p99 and the slowest, in milliseconds."""
  ordered = sorted(seconds)
  at = lambda share: round(1000 * ordered[int(share * (len(ordered) - 1))], 1)
  if not ordered:
    return {'requests': 0}
  return {
    'requests': len(ordered),
    'p50_ms': at(0.5),
    'p99_ms': at(0.99),
    'slowest_ms': at(1.0),
  }


def main(argv: Sequence[str] | None = None) -> None:
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--bundle', required=True, help='what is served')
  parser.add_argument('--clients', type=int, default=50)
  parser.add_argument('--seconds', type=float, default=60.0)
  parser.add_argument('--seed', type=int, default=0)
  parser.add_argument('--output', help='file for the JSON; it is printed too')
  args, flags = parser.parse_known_args(argv)
  with served(args.bundle, flags) as port:
    found = asyncio.run(run(args, port))
  found |= {
    'flags': flags,
    'cores': len(os.sched_getaffinity(0)),
    'load_average': os.getloadavg()[0],
    'machine': platform.machine(),
  }
  setup.print_json(found, args.output)
  cells = ' | '.join(
    f'{found[kind].get("p50_ms")} / {found[kind].get("p99_ms")}'
    for kind in ('all', *KINDS)
  )
  print(f'| {found["items"]:,} | {found["requests_per_second"]} | {cells} |')
  if found['errors']:
    raise SystemExit(f'{found["errors"]} errors')


if __name__ == '__main__':
  setup.run(main)
