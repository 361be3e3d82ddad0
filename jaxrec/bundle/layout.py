"""A bundle's files, and the manifest that knows them.

    manifest.json             what the rest is, and the sha256 of every file
    config.json               of the training
    items.safetensors         item vectors, popularity, columns of the catalog;
                              texts' vectors where item vectors have none
    ensemble.safetensors      closed forms beside the network, where some weigh
    recommender.safetensors   parameters of the functions, but for the encoder's
    encoder/                  a Hugging Face BERT: weights, config, tokenizer
    functions/*.mlir, *.json  see `functions`

No file is a pickle. A bundle is written beside its place and moved there whole.
"""

import concurrent.futures
import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import stat
from collections.abc import Iterator

from jaxrec.errors import UserError
from jaxrec.files import write_text

KIND, FORMAT = 'jaxrec bundle', 1
MANIFEST, CONFIG = 'manifest.json', 'config.json'
ITEMS, RECOMMENDER = 'items.safetensors', 'recommender.safetensors'
ENSEMBLE = 'ensemble.safetensors'
TEXTS, TEXT_MEAN = 'texts', 'texts.mean'  # In ITEMS, see `KeptTexts`.
ENCODER, FUNCTIONS = 'encoder', 'functions'
TOKENIZER = 'tokenizer.json'
SUM = 'sha256'  # In the manifest: of all else in it.


def seal(directory: pathlib.Path, contents: dict) -> None:
  """Writes the manifest of what lies in `directory`.

  Args:
    directory: the bundle, all other files in it.
    contents: what else the manifest says; JSON.
  """
  files = {
    name: {'bytes': (directory / name).stat().st_size, 'sha256': digest}
    for name, digest in _digests(directory, sorted(_files(directory)))
  }
  manifest = {'kind': KIND, 'format': FORMAT, **contents, 'files': files}
  manifest[SUM] = _sum(manifest)
  text = json.dumps(manifest, indent=2, ensure_ascii=False, allow_nan=False)
  write_text(directory / MANIFEST, text + '\n')
  # safetensors' files are their owner's alone; the manifest's is the umask's.
  mode = stat.S_IMODE((directory / MANIFEST).stat().st_mode)
  for name in files:
    (directory / name).chmod(mode)


def verified(directory: pathlib.Path) -> dict:
  """The manifest, after every file was found to be as it says.

  Raises:
    UserError: names the first file that is missing, extra or changed.
  """
  manifest = _read(directory)
  listed, present = manifest['files'], _files(directory)
  for name in sorted(listed.keys() - present):
    raise UserError(f'{directory / name} is missing: export the bundle again')
  for name in sorted(present - listed.keys()):
    raise UserError(
      f'{directory / name} does not belong to the bundle: move it away, or '
      'export again'
    )
  for name, digest in _digests(directory, sorted(present)):
    written = listed[name]['sha256']
    if digest != written:
      raise UserError(
        f'{directory / name} was changed: its sha256 is {digest[:16]}..., the '
        f'manifest says {written[:16]}...: export the bundle again'
      )
  return manifest


def is_bundle(directory: pathlib.Path) -> bool:
  """Whether there is a manifest that looks like one of ours."""
  try:
    manifest = json.loads((directory / MANIFEST).read_text(encoding='utf8'))
  except (OSError, ValueError):
    return False
  return isinstance(manifest, dict) and manifest.get('kind') == KIND


def column_names(directory: pathlib.Path) -> dict[str, str]:
  """What own tables called their columns (`data.columns`), by our names.

  {} where a bundle does not say, or is none.
  """
  try:
    config = json.loads((directory / CONFIG).read_text(encoding='utf8'))
    names = config['data']['columns']
  except (OSError, ValueError, KeyError, TypeError):
    return {}
  return names if isinstance(names, dict) else {}


def check_there(directory: pathlib.Path) -> None:
  """UserError unless `directory` has a manifest, of whatever."""
  if not directory.is_dir():
    raise UserError(f'{directory}: no such directory: give what export wrote')
  if not (directory / MANIFEST).is_file():
    raise UserError(
      f'{directory} is no bundle: it has no {MANIFEST}; --mode=export makes one'
    )


def check_place(directory: pathlib.Path) -> None:
  """UserError unless a bundle may be written there: nothing else is lost."""
  if not directory.exists() and not directory.is_symlink():
    return
  if not directory.is_dir():
    raise UserError(f'--bundle={directory} is a file: give a directory')
  if any(directory.iterdir()) and not is_bundle(directory):
    raise UserError(
      f'--bundle={directory} holds other things than a bundle: give a new '
      'directory'
    )


@contextlib.contextmanager
def replacing(directory: pathlib.Path) -> Iterator[pathlib.Path]:
  """A new directory that takes the place of `directory` if all goes well.

  Raises:
    UserError: there is something else than a bundle, or no room.
  """
  check_place(directory)
  aside = lambda word: directory.with_name(
    f'{directory.name}.{word}{os.getpid()}'
  )
  partial, old = aside('partial'), aside('old')
  try:
    partial.mkdir(parents=True)
    yield partial
    if directory.exists():
      directory.rename(old)
    partial.rename(directory)
    shutil.rmtree(old, ignore_errors=True)
  except OSError as e:
    raise UserError(f'--bundle={directory}: cannot be written: {e}') from e
  finally:
    shutil.rmtree(partial, ignore_errors=True)


# ----------------------------------------------------------------- details
def _read(directory: pathlib.Path) -> dict:
  check_there(directory)
  path = directory / MANIFEST
  try:
    manifest = json.loads(path.read_text(encoding='utf8'))
  except ValueError as e:
    raise UserError(f'{path} was changed: it is no JSON ({e})') from e
  if not isinstance(manifest, dict) or manifest.get('kind') != KIND:
    raise UserError(f"{path} is not a bundle's manifest")
  if manifest.get('format') != FORMAT:
    raise UserError(
      f'{path}: bundles of format {manifest.get("format")!r} are read by '
      f'another version of jaxrec; this one reads {FORMAT}'
    )
  if manifest.get(SUM) != _sum(manifest):
    raise UserError(f'{path} was changed: export the bundle again')
  return manifest


def _sum(manifest: dict) -> str:
  rest = {key: value for key, value in manifest.items() if key != SUM}
  return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def _files(directory: pathlib.Path) -> set[str]:
  """Every file but the manifest, by its name in the bundle."""
  return {
    path.relative_to(directory).as_posix()
    for path in directory.rglob('*')
    if not path.is_dir()
  } - {MANIFEST}


def _digests(
  directory: pathlib.Path, names: list[str]
) -> list[tuple[str, str]]:
  """(name, sha256) of files, several at a time: hashing leaves Python alone."""

  def digest(name: str) -> str:
    try:
      with open(directory / name, 'rb') as f:
        return hashlib.file_digest(f, 'sha256').hexdigest()
    except OSError as e:
      raise UserError(f'{directory / name} cannot be read: {e}') from e

  with concurrent.futures.ThreadPoolExecutor() as pool:
    return list(zip(names, pool.map(digest, names), strict=True))
