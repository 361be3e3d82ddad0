"""What a workdir says of itself: config.json and results.json."""

import importlib.metadata
import json
import math
import pathlib
import platform

import jax

from jaxrec.console import Display
from jaxrec.errors import UserError
from jaxrec.files import write_text

# Keys that change neither the model nor the order of its training, only where
# and how it is computed (and with that, the last bits).
FREE_KEYS = (
  'mesh',
  'data.cache_dir',
  'data.dir',  # What lies there is known by its fingerprint.
  'encoder.pretrained',  # Likewise.
  'encoder.attention',
  'encoder.prefix_cache',
  'encoder.remat',
  'encoder.unroll',
  'eval_batch_size',
  'evaluation.baselines',
  'evaluation.num_bootstrap',
  'log_every_steps',
  'checkpoint_every_steps',
)
PACKAGES = (
  'jax',
  'jaxlib',
  'flax',
  'optax',
  'orbax-checkpoint',
  'numpy',
  'tensorflow-datasets',
  'tokenizers',
)


def versions() -> dict[str, str]:
  """Versions of what a number may depend on, and the device's name."""
  found = {'python': platform.python_version()}
  for package in PACKAGES:
    found[package] = importlib.metadata.version(package)
  import jaxrec

  found['jaxrec'] = jaxrec.__version__
  found['device'] = f'{jax.device_count()} x {jax.devices()[0].device_kind}'
  return found


def write_json(path: pathlib.Path, value) -> None:
  """Writes JSON, NaN as null; whole or not at all."""
  text = json.dumps(plain(value), indent=2, allow_nan=False)
  write_text(path, text + '\n')


def plain(value):
  """`value` as JSON can hold it: what is not a number is None."""
  if isinstance(value, dict):
    return {key: plain(part) for key, part in value.items()}
  if isinstance(value, (list, tuple)):
    return [plain(part) for part in value]
  if isinstance(value, float) and not math.isfinite(value):
    return None
  return value


def read(workdir: pathlib.Path) -> dict | None:
  """results.json, if there is one."""
  return _read_json(workdir / 'results.json')


def read_config(workdir: pathlib.Path) -> dict | None:
  """config.json, if there is one."""
  return _read_json(workdir / 'config.json')


def check_workdir(workdir: pathlib.Path, config, fingerprints: dict) -> None:
  """Makes the workdir, or checks that what is there is of the same run.

  Raises:
    UserError: the workdir belongs to another config or other data, or cannot
      be made.
  """
  try:
    workdir.mkdir(parents=True, exist_ok=True)
  except OSError as e:
    raise UserError(f'workdir {workdir}: cannot be written: {e}') from e
  theirs = read_config(workdir)
  if theirs is None:
    return
  mine = _identity(config, fingerprints)
  differing = []
  for part in mine:
    new, old = _flat(mine[part]), _flat(theirs.get(part, {}))
    for key in sorted(new.keys() | old.keys()):
      free = any(key == f or key.startswith(f'{f}.') for f in FREE_KEYS)
      if new.get(key) != old.get(key) and not (part == 'config' and free):
        differing.append(f'{key} (there {old.get(key)}, now {new.get(key)})')
  if differing:
    raise UserError(
      f'workdir {workdir} belongs to another run: {", ".join(differing)}: use '
      'another --workdir, or the values there'
    )


def claim_workdir(workdir: pathlib.Path, config, fingerprints: dict) -> None:
  """Writes config.json where there is none: from here on it is this run's.

  To be called when the config has proved to make a model, so that a mistake
  in it does not take the workdir.
  """
  if read_config(workdir) is None and jax.process_index() == 0:
    try:
      write_json(workdir / 'config.json', _identity(config, fingerprints))
    except OSError as e:
      raise UserError(f'workdir {workdir}: cannot be written: {e}') from e


def show(results: dict, display: Display) -> None:
  """The final table: ours beside the baselines, with intervals."""
  protocol, main = results['protocol'], results['protocol']['main_metric']
  number = lambda value: '' if value is None else f'{value:.4f}'
  rest = [m for m in ('auc', 'mrr', 'ndcg@5', 'ndcg@10', 'hr@10') if m != main]
  intervals = {'jaxrec': results['intervals'], **results['baseline_intervals']}
  rows = {}
  for name, found in {
    'jaxrec': results['metrics'],
    **results['baselines'],
  }.items():
    low, high = intervals[name][main]
    between = '' if low is None else f'{low:.3f}-{high:.3f}'
    against = results['comparisons'].get(name, {}).get(main)
    rows[name] = {
      main: number(found[main]),
      '95 %': between,
      **{metric: number(found[metric]) for metric in rest},
      'ahead': f'{against["difference"]:+.4f}' if against else '',
      'p': f'{against["p"]:.3f}' if against else '',
    }
  display.table(
    f'{results["dataset"]}, {results["split"]} split: {protocol["name"]}, '
    f'among {protocol["candidates"]}; {protocol["examples"]:,} examples',
    rows,
  )
  if results.get('caveat'):
    display.say(f'NOT A TEST: {results["caveat"]}')
  clicks = ('accuracy', 'precision', 'recall', 'f1')
  if 'f1' in results['metrics']:
    told = ', '.join(f'{m} {number(results["metrics"][m])}' for m in clicks)
    display.say(f'jaxrec calls candidates clicked with {told}')


def _identity(config, fingerprints: dict) -> dict:
  given = json.loads(config.to_json_best_effort())
  return {'config': given, 'fingerprints': fingerprints}


def _read_json(path: pathlib.Path):
  if not path.is_file():
    return None
  try:
    return json.loads(path.read_text())
  except ValueError as e:
    raise UserError(f'{path}: not JSON ({e}): move it away') from e


def _flat(tree: dict, prefix: str = '') -> dict:
  flat = {}
  for key, value in tree.items():
    if isinstance(value, dict):
      flat |= _flat(value, f'{prefix}{key}.')
    else:
      flat[f'{prefix}{key}'] = value
  return flat
