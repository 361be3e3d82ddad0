"""Users a second of --mode=recommend, and the memory it takes.

    python -m benchmarks.recommend --bundle=DIR --users=1000000

asks for as many made-up users, of histories drawn from the bundle's own items,
in a process of its own, and prints a line of JSON.
"""

from benchmarks import setup  # isort: skip (first: it sets the environment)

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

import numpy as np

ROOT = pathlib.Path(__file__).parents[1]
CHILD = """
import json, pathlib, sys
from benchmarks import setup
from jaxrec.commands.recommend import recommend_file
bundle, users, output = map(pathlib.Path, sys.argv[1:4])
counts = recommend_file(bundle, users, output, k=int(sys.argv[4]))
print(json.dumps({'users': counts.users, 'seconds': counts.seconds,
                  'peak_mb': setup.peak_bytes() / 1e6}))
"""


def write_users(path: pathlib.Path, item_ids: list[str], count: int) -> None:
  """Histories of 0 to 60 items, 30 in the mean, popular ones more often."""
  rng = np.random.default_rng(0)
  ids = np.array(item_ids, object)
  with path.open('w', encoding='utf8') as file:
    for i in range(count):
      drawn = rng.random(rng.integers(0, 61)) ** 3 * len(ids)
      history = ids[drawn.astype(int)].tolist()
      file.write(json.dumps({'user_id': f'u{i}', 'history': history}) + '\n')


def main(argv: Sequence[str] | None = None) -> None:
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--bundle', type=pathlib.Path, required=True)
  parser.add_argument('--users', type=int, default=100_000)
  parser.add_argument('--k', type=int, default=10)
  parser.add_argument('--to', default='.jsonl', choices=('.jsonl', '.parquet'))
  args = parser.parse_args(argv)
  import jaxrec

  start = time.monotonic()
  bundle = args.bundle.resolve()
  model = jaxrec.load(bundle)
  loaded = time.monotonic() - start
  with tempfile.TemporaryDirectory() as directory:
    users = pathlib.Path(directory) / 'users.jsonl'
    write_users(users, model.item_ids, args.users)
    output = users.with_name(f'out{args.to}')
    done = subprocess.run(
      [sys.executable, '-c', CHILD, bundle, users, output, str(args.k)],
      cwd=ROOT,
      stdout=subprocess.PIPE,
      text=True,
      check=True,
    )
    measured = json.loads(done.stdout.splitlines()[-1])
    measured['output_mb'] = output.stat().st_size / 1e6
  measured |= {'items': len(model), 'load_seconds': loaded}
  measured['users_per_second'] = measured['users'] / measured['seconds']
  print(json.dumps({name: round(x, 2) for name, x in measured.items()}))


if __name__ == '__main__':
  setup.run(main)
