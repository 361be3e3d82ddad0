"""What a workdir says of itself in config.json and results.json."""

import importlib.metadata
import json
import math
import os
import pathlib
import platform
from collections.abc import Mapping
from typing import Any

from jaxrec.config import flattened
from jaxrec.data import raw_files
from jaxrec.errors import UserError
from jaxrec.files import write_text

CONFIG, RESULTS = 'config.json', 'results.json'
# Keys that change neither the model nor the order of its training, only where
# and how it is computed (and with that, the last bits).
FREE_KEYS = (
  'mesh',
  'tracking',
  'data.cache_dir',
  'data.dir',  # What lies there is known by its fingerprint.
  'data.interactions_file',  # Likewise, whatever it is called.
  'data.items_file',
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
# Fingerprints beside that of the data, in words.
OTHER_INPUTS = {
  'tokens': 'the tokens of the items',
  'encoder': 'the weights of model.text.pretrained',
}
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
  import jax

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
  return _read_json(workdir / RESULTS)


def read_config(workdir: pathlib.Path) -> dict | None:
  """config.json, if there is one."""
  return _read_json(workdir / CONFIG)


def check_workdir(
  workdir: pathlib.Path,
  config: Mapping[str, Any],
  fingerprints: Mapping[str, str],
  written: Mapping[str, Any] | None,
  files: raw_files.Files | None = None,
) -> None:
  """Makes the workdir, or checks that what is there is of the same run.

  Args:
    workdir: of a run.
    config: nested dicts, all keys of it.
    fingerprints: of what else must be the same.
    written: what config.json holds, in the keys of now; None: there is none.
    files: of the data, to name those that changed.

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
  new, old = flattened(config), flattened(written.get('config', {}))
  differing = [
    f'{key} (there {old.get(key)}, now {new.get(key)})'
    for key in sorted(new.keys() | old.keys())
    if new.get(key) != old.get(key) and not is_free(key)
  ]
  inputs = _other_inputs(fingerprints, written, files or {})
  if differing or inputs:
    kept = [word for word, x in (('values', differing), ('files', inputs)) if x]
    raise UserError(
      f'workdir {workdir} belongs to another run: '
      f'{", ".join([*differing, *inputs])}: use another --workdir, or the '
      f'{" and ".join(kept)} of then'
    )


def is_free(key: str) -> bool:
  """Whether a key of a config may change from one start to the next."""
  return any(key == f or key.startswith(f'{f}.') for f in FREE_KEYS)


def _other_inputs(
  fingerprints: Mapping[str, str],
  written: Mapping[str, Any],
  files: raw_files.Files,
) -> list[str]:
  """What differs of data, tokens and weights, a phrase for each."""
  before = written.get('fingerprints', {})
  phrases = []
  for key in sorted(fingerprints.keys() | before.keys()):
    then, now = before.get(key), fingerprints.get(key)
    if then == now:
      continue
    what = f'(there {then}, now {now})'
    if key != 'data':
      phrases.append(f'{OTHER_INPUTS.get(key, key)} {what}')
    elif 'files' not in written:
      phrases.append(
        f'its data (fingerprint there {then}, now {now}; it is from before '
        'jaxrec listed the files: which one changed cannot be said)'
      )
    elif changed := raw_files.changes(written['files'], files):
      return [f'its data: {", ".join(changed)}']  # The rest follows from it.
    else:
      phrases.append(
        f'its data (fingerprint there {then}, now {now}; the files are as they '
        'were, the version of jaxrec that reads them is another)'
      )
  return phrases


def claim_workdir(
  workdir: pathlib.Path,
  config: Mapping[str, Any],
  fingerprints: Mapping[str, str],
  files: raw_files.Files | None = None,
  *,
  anew: bool = False,
) -> None:
  """Writes config.json where there is none: from here on it is this run's.

  To be called when the config has proved to make a model, so that a mistake
  in it does not take the workdir.

  Args:
    workdir, config, fingerprints, files: as `check_workdir` has them.
    anew: whether it is written where there is one, too.
  """
  import jax

  import jaxrec

  if jax.process_index() or not (anew or read_config(workdir) is None):
    return
  try:
    claim = {
      'config': config,
      'fingerprints': fingerprints,
      'files': raw_files.described(files or {}),
      'started_in': os.getcwd(),  # Where relative names were looked up.
      'version': jaxrec.__version__,
    }
    write_json(workdir / CONFIG, claim)
  except OSError as e:
    raise UserError(f'workdir {workdir}: cannot be written: {e}') from e


def _read_json(path: pathlib.Path) -> Any:
  if not path.is_file():
    return None
  try:
    return json.loads(path.read_text(encoding='utf8'))
  except ValueError as e:
    raise UserError(f'{path}: not JSON ({e}): move it away') from e
