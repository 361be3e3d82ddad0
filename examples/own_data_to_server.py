"""From two tables of your own to a model that is served.

    python examples/own_data_to_server.py --out=/tmp/own

makes two small tables, trains on them, writes a bundle and asks it. With tables
of your own (.csv, .tsv, .jsonl or .parquet; docs/your-data.md has the columns):

    python examples/own_data_to_server.py --interactions=interactions.csv \
      --items=items.csv --out=/tmp/own
"""

import argparse
import csv
import pathlib
import random
from collections.abc import Mapping
from typing import Any

import jaxrec
from jaxrec.presets import ecommerce

KINDS = ('coffee', 'tea', 'bread', 'cheese')
MAKERS = ('Alto', 'Brio', 'Corvo', 'Duna', 'Elba', 'Faro', 'Gala', 'Hova')


def write_tables(directory: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
  """A shop whose customers have a taste each; (interactions, items)."""
  directory.mkdir(parents=True, exist_ok=True)
  interactions, items = directory / 'interactions.csv', directory / 'items.csv'
  with items.open('w', newline='', encoding='utf8') as file:
    table = csv.writer(file)
    table.writerow(['item_id', 'title', 'kind'])
    for kind in KINDS:
      for maker in MAKERS:
        table.writerow([f'{kind}-{maker}', f'{maker} {kind}', kind])
  draw = random.Random(0)
  with interactions.open('w', newline='', encoding='utf8') as file:
    table = csv.writer(file)
    table.writerow(['user_id', 'item_id', 'timestamp'])
    for user in range(60):
      taste = KINDS[user % len(KINDS)]
      makers = draw.sample(MAKERS, 6)
      for day, maker in enumerate(makers):
        kind = taste if draw.random() < 0.8 else draw.choice(KINDS)
        time = 1_700_000_000 + 86_400 * day + user
        table.writerow([f'u{user}', f'{kind}-{maker}', time])
  return interactions, items


def train_and_export(
  interactions: pathlib.Path,
  items: pathlib.Path,
  out: pathlib.Path,
  changes: Mapping[str, Any] | None = None,
) -> pathlib.Path:
  """Trains on two tables; returns the bundle.

  Args:
    interactions, items: the tables.
    out: where the run and the bundle go.
    changes: of the config, {'training.num_steps': 400}.
  """
  config = ecommerce.get_config('interactions')
  config.data.interactions_file = str(interactions.absolute())
  config.data.items_file = str(items.absolute())
  config.update_from_flattened_dict(dict(changes or {}))
  jaxrec.train(config, out / 'run')
  jaxrec.export(config, out / 'run', out / 'bundle')
  return out / 'bundle'


def ask(bundle: pathlib.Path) -> None:
  """Prints what is recommended after one item, and to somebody unknown."""
  model = jaxrec.load(bundle)
  first = model.item(model.item_ids[0])
  for who, history in {
    f'who bought {first.text}': [first.item_id],
    'somebody unknown': [],
  }.items():
    print(f'\nfor {who}:')
    for place, best in enumerate(model.recommend(history, k=3), start=1):
      print(f'  {place}. {model.item(best.item_id).text} ({best.score:.3f})')


def main(argv: list[str] | None = None, changes=None) -> None:
  """Reads the arguments, and does one after the other."""
  parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
  parser.add_argument('--interactions', type=pathlib.Path)
  parser.add_argument('--items', type=pathlib.Path)
  parser.add_argument('--out', type=pathlib.Path, required=True)
  args = parser.parse_args(argv)
  tables = args.interactions, args.items
  if None in tables:
    tables = write_tables(args.out / 'tables')
  bundle = train_and_export(*tables, args.out, changes)
  ask(bundle)
  added = args.out / 'added'
  print('\nto serve it (pip install .[serve] brings what that needs):')
  print(f'  python -m jaxrec.serve --bundle={bundle} --data_dir={added}')


if __name__ == '__main__':
  main()
