"""What a workdir says of itself in config.json and results.json."""

import importlib.metadata
import json
import math
import pathlib
import platform
from collections.abc import Mapping
from typing import Any

import jax

from jaxrec.config import flattened
from jaxrec.errors import UserError
from jaxrec.files import write_text

# Keys that change neither the model nor the order of its training, only where
# and how it is computed (and with that, the last bits).
FREE_KEYS = (
  'mesh',
  'tracking',
  'data.cache_dir',
  'data.dir',  # What lies there is known by its fingerprint.
  'model.text.pretrained',  # Likewise.
  'model.text.attention',
  'model.text.prefix_cache',
  'model.text.remat',
  'model.text.unroll',
  'evaluation.batch_size',
  'evaluation.baselines',
  'evaluation.num_bootstrap',
  'training.log_every',
  'training.checkpoint_every',
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
  import jaxrec

  return {
    'python': platform.python_version(),
    **{package: importlib.metadata.version(package) for package in PACKAGES},
    'jaxrec': jaxrec.__version__,
    'device': f'{jax.device_count()} x {jax.devices()[0].device_kind}',
  }


def write_json(path: pathlib.Path, value: Any) -> None:
  """Writes JSON, NaN as null; whole or not at all."""
  text = json.dumps(plain(value), indent=2, allow_nan=False)
  write_text(path, text + '\n')


def plain(value: Any) -> Any:
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


def check_workdir(
  workdir: pathlib.Path,
  config: Mapping[str, Any],
  fingerprints: Mapping[str, str],
  written: Mapping[str, Any] | None,
) -> None:
  """Makes the workdir, or checks that what is there is of the same run.

  Args:
    workdir: of a run.
    config: nested dicts, all keys of it.
    fingerprints: of what else must be the same.
    written: what config.json holds, in the keys of now; None: there is none.

  Raises:
    UserError: the workdir belongs to another config or other data, or cannot
      be made.
  """
  try:
    workdir.mkdir(parents=True, exist_ok=True)
  except OSError as e:
    raise UserError(f'workdir {workdir}: cannot be written: {e}') from e
  if written is None:
    return
  identity = {'config': config, 'fingerprints': fingerprints}
  differing = []
  for part in identity:
    new, old = flattened(identity[part]), flattened(written.get(part, {}))
    for key in sorted(new.keys() | old.keys()):
      free = any(key == f or key.startswith(f'{f}.') for f in FREE_KEYS)
      if new.get(key) != old.get(key) and not (part == 'config' and free):
        differing.append(f'{key} (there {old.get(key)}, now {new.get(key)})')
  if differing:
    raise UserError(
      f'workdir {workdir} belongs to another run: {", ".join(differing)}: use '
      'another --workdir, or the values there'
    )


def claim_workdir(
  workdir: pathlib.Path,
  config: Mapping[str, Any],
  fingerprints: Mapping[str, str],
) -> None:
  """Writes config.json where there is none: from here on it is this run's.

  To be called when the config has proved to make a model, so that a mistake
  in it does not take the workdir.
  """
  if read_config(workdir) is None and jax.process_index() == 0:
    try:
      write_json(
        workdir / 'config.json',
        {'config': config, 'fingerprints': fingerprints},
      )
    except OSError as e:
      raise UserError(f'workdir {workdir}: cannot be written: {e}') from e


def _read_json(path: pathlib.Path) -> Any:
  if not path.is_file():
    return None
  try:
    return json.loads(path.read_text())
  except ValueError as e:
    raise UserError(f'{path}: not JSON ({e}): move it away') from e
