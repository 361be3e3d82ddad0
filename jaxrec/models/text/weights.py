"""Hugging Face BERT weights in and out of `bert.Bert`.

A directory holds config.json and the weights: model.safetensors, or several
files and their model.safetensors.index.json. Kernels here are [in, out], the
transpose of PyTorch's, and query, key and value lie side by side in one.
"""

import hashlib
import json
import pathlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from jaxrec.errors import UserError

CONFIG, WEIGHTS, INDEX = (
  'config.json',
  'model.safetensors',
  'model.safetensors.index.json',
)

# Argument of Bert -> key of config.json.
KEYS = {
  'vocab_size': 'vocab_size',
  'max_positions': 'max_position_embeddings',
  'num_types': 'type_vocab_size',
  'width': 'hidden_size',
  'mlp_width': 'intermediate_size',
  'num_heads': 'num_attention_heads',
  'num_layers': 'num_hidden_layers',
}
EPSILON_KEY, EPSILON = 'layer_norm_eps', 1e-12
# The only value that Bert computes. None: the key must be there.
SUPPORTED = {
  'model_type': ('bert', None),
  'hidden_act': ('gelu', 'gelu'),
  'position_embedding_type': ('absolute', 'absolute'),
  'is_decoder': (False, False),
}

# Module of Bert -> its parts in a Hugging Face file, side by side.
EMBEDDINGS = {
  'tokens': ('embeddings.word_embeddings',),
  'positions': ('embeddings.position_embeddings',),
  'types': ('embeddings.token_type_embeddings',),
  'norm': ('embeddings.LayerNorm',),
}
LAYER = {
  'qkv': tuple(f'attention.self.{x}' for x in ('query', 'key', 'value')),
  'out': ('attention.output.dense',),
  'norm1': ('attention.output.LayerNorm',),
  'up': ('intermediate.dense',),
  'down': ('output.dense',),
  'norm2': ('output.LayerNorm',),
}
STACKS = ('frozen_layers', 'layers')  # From the bottom up.
BUFFERS = ('embeddings.position_ids', 'embeddings.token_type_ids')
FLOATS = ('F64', 'F32', 'F16', 'BF16')


def bert_config(directory: str | pathlib.Path) -> dict[str, Any]:
  """Arguments of `Bert` from `directory`/config.json.

  Returns:
    vocab_size, max_positions, num_types, width, mlp_width, num_heads,
    num_layers and norm_epsilon (1e-12 where the file has none).

  Raises:
    UserError: no such file, not JSON, a key missing, or a model that Bert does
      not compute; names the key and its value.
  """
  path = pathlib.Path(directory) / CONFIG
  config = _json(path)
  for key, (wanted, default) in SUPPORTED.items():
    value = config.get(key)
    value = default if value is None else value
    if value != wanted:
      raise UserError(f'{path}: {key} is {value!r}; supported: {wanted!r}')
  missing = [key for key in KEYS.values() if key not in config]
  if missing:
    raise UserError(f'{path} lacks {", ".join(missing)}')
  for key in KEYS.values():
    if type(config[key]) is not int or config[key] < 1:
      raise UserError(f'{path}: {key} is {config[key]!r}, no positive integer')
  epsilon = config.get(EPSILON_KEY, EPSILON)
  if type(epsilon) not in (int, float) or epsilon <= 0:
    raise UserError(f'{path}: {EPSILON_KEY} is {epsilon!r}, no positive number')
  arguments = {ours: config[key] for ours, key in KEYS.items()}
  if arguments['width'] % arguments['num_heads']:
    raise UserError(
      f'{path}: hidden_size {arguments["width"]} is no multiple of '
      f'num_attention_heads {arguments["num_heads"]}'
    )
  return arguments | {'norm_epsilon': float(epsilon)}


def load_params(directory: str | pathlib.Path, params: dict) -> dict:
  """The encoder's weights in `directory`, shaped as `params`.

  Args:
    directory: holds model.safetensors, or its index and the files it names.
      Pooler and heads in them are ignored.
    params: pure dict of a Bert's params, arrays or ShapeDtypeStructs; only its
      shapes are read.

  Returns:
    The same tree of float32 NumPy arrays.

  Raises:
    UserError: a file is missing or damaged, a tensor is missing, left over, of
      another shape or type, or holds what is no number; names the file and the
      tensor.
  """
  sources = _sources(pathlib.Path(directory))
  loaded = _map(lambda leaf: np.zeros(leaf.shape, np.float32), params)
  for name, view in _parts(loaded, bert_config(directory)['vocab_size']):
    if name not in sources:
      raise UserError(
        f'{directory}: the weights lack {name} (or {CONFIG} is not theirs)'
      )
    view[...] = sources.pop(name).read(view.shape)
  if sources:
    source = sources[min(sources)]
    raise UserError(
      f'{source.path}: {source.stored} is left over ({len(sources)} tensors '
      f'in all): does {CONFIG} belong to these weights?'
    )
  return loaded


def save_params(
  directory: str | pathlib.Path,
  params: dict,
  config: Mapping[str, Any],
) -> None:
  """Writes config.json and model.safetensors as Hugging Face names them.

  Args:
    directory: made where it is not there; these two files are overwritten.
    params: pure dict of a Bert's params, arrays on the host or the device.
    config: as `bert_config` returns it.
  """
  from safetensors.numpy import save_file

  directory = pathlib.Path(directory)
  directory.mkdir(parents=True, exist_ok=True)
  arrays = _map(lambda leaf: np.asarray(leaf, np.float32), params)
  # save_file writes a buffer as it lies, whatever its strides.
  parts = _parts(arrays, config['vocab_size'])
  tensors = {name: np.ascontiguousarray(view) for name, view in parts}
  save_file(tensors, directory / WEIGHTS, {'format': 'pt'})
  written: dict[str, Any] = {'architectures': ['BertModel']}
  written |= {key: value for key, (value, _) in SUPPORTED.items()}
  written |= {key: config[ours] for ours, key in KEYS.items()}
  written |= {EPSILON_KEY: config['norm_epsilon']}
  text = json.dumps(written, indent=2, sort_keys=True)
  (directory / CONFIG).write_text(text + '\n', encoding='utf8')


def fingerprint(directory: str | pathlib.Path) -> str:
  """16 hex digits of a sha256 over config.json and the weights' bytes."""
  directory = pathlib.Path(directory)
  digest = hashlib.sha256()
  for path in (need(directory / CONFIG), *weight_files(directory)):
    digest.update(bytes.fromhex(sha256(path)))
  return digest.hexdigest()[:16]


# ------------------------------------------------------------------- files
def need(path: pathlib.Path) -> pathlib.Path:
  """`path`; UserError where no such file is, with what is there instead."""
  if not path.is_file():
    held = sorted(p.name for p in path.parent.glob('*'))[:8]
    there = f'it has {", ".join(held)}' if held else 'it is empty or missing'
    raise UserError(f'no {path.name} in {path.parent}: {there}')
  return path


def _json(path: pathlib.Path) -> dict:
  try:
    value = json.loads(need(path).read_text(encoding='utf8'))
  except ValueError as error:
    if isinstance(error, UserError):
      raise
    raise UserError(f'{path} is not JSON: {error}') from error
  if not isinstance(value, dict):
    raise UserError(f'{path} holds a {type(value).__name__}, not an object')
  return value


def sha256(path: pathlib.Path) -> str:
  """Of a file's bytes, in hexadecimal digits."""
  with open(path, 'rb') as f:
    return hashlib.file_digest(f, 'sha256').hexdigest()


def weight_files(directory: pathlib.Path) -> list[pathlib.Path]:
  """The safetensors files, in order of name; UserError where one is missing."""
  if not (directory / WEIGHTS).is_file():
    if (index := directory / INDEX).is_file():
      files = _json(index).get('weight_map')
      if not isinstance(files, dict) or not files:
        raise UserError(f'{index} has no weight_map of tensors to files')
      return [need(directory / file) for file in sorted(set(files.values()))]
    if (pickle := directory / 'pytorch_model.bin').is_file():
      raise UserError(
        f'{pickle}: a pickle can run code and is not read. Convert it where '
        'torch and transformers are installed: '
        'AutoModel.from_pretrained(directory).save_pretrained(directory)'
      )
  return [need(directory / WEIGHTS)]


class _Source(NamedTuple):
  """A stored tensor; the file is mapped, not read."""

  path: pathlib.Path
  handle: Any
  stored: str

  def read(self, shape: tuple[int, ...]) -> np.ndarray:
    """The tensor, of a float type; UserError where it is another."""
    tensor = self.handle.get_slice(self.stored)
    if tuple(tensor.get_shape()) != shape:
      raise UserError(
        f'{self.path}: {self.stored} is {list(tensor.get_shape())}, '
        f'{CONFIG} asks for {list(shape)}'
      )
    if tensor.get_dtype() not in FLOATS:
      raise UserError(
        f'{self.path}: {self.stored} is {tensor.get_dtype()}; '
        f'supported: {", ".join(FLOATS)}'
      )
    if tensor.get_dtype() == 'BF16':
      import ml_dtypes  # noqa: F401 (makes bfloat16 known to NumPy)
    values = self.handle.get_tensor(self.stored)
    count = np.count_nonzero(~np.isfinite(values))
    if count:
      raise UserError(
        f'{self.path}: {self.stored} holds {count:,} values that are not '
        'finite: get the file again'
      )
    return values


def _sources(directory: pathlib.Path) -> dict[str, _Source]:
  """The encoder's tensors by today's names, without prefix."""
  import safetensors

  sources = {}
  for path in weight_files(directory):
    try:
      handle = safetensors.safe_open(path, 'np')
    except safetensors.SafetensorError as error:
      with open(path, 'rb') as f:
        is_pointer = f.read(64).startswith(b'version https://git-lfs')
      raise UserError(
        f'{path} is a git-lfs pointer, not the weights: run git lfs pull'
        if is_pointer
        else f'{path} is truncated or no safetensors file: {error}'
      ) from error
    for stored in handle.keys():  # noqa: SIM118 (it cannot be iterated itself)
      name = stored.removeprefix('bert.')
      name = re.sub(r'LayerNorm\.gamma$', 'LayerNorm.weight', name)
      name = re.sub(r'LayerNorm\.beta$', 'LayerNorm.bias', name)
      if name.startswith(('embeddings.', 'encoder.')) and name not in BUFFERS:
        sources[name] = _Source(path, handle, stored)
  return sources


# -------------------------------------------------------------------- tree
def _map(f: Callable, tree: dict) -> dict:
  """`f` of every leaf of nested dicts."""
  return {
    key: _map(f, value) if isinstance(value, dict) else f(value)
    for key, value in tree.items()
  }


def _parts(params: dict, vocab_size: int) -> Iterator[tuple[str, np.ndarray]]:
  """(Hugging Face name, view of our array laid out as PyTorch's) pairs."""

  def parts(names, leaf, array):
    suffix = 'bias' if leaf == 'bias' else 'weight'
    views = [array] if len(names) == 1 else np.moveaxis(array, -2, 0)
    for name, view in zip(names, views, strict=True):
      yield f'{name}.{suffix}', view.T if leaf == 'kernel' else view

  for module, leaves in params['embeddings'].items():
    for leaf, array in leaves.items():
      if module == 'tokens':
        array = array[:vocab_size]  # Padded, see Embeddings.
      yield from parts(EMBEDDINGS[module], leaf, array)
  below = 0
  for stack in (params[name] for name in STACKS if name in params):
    for module, leaves in stack.items():
      for leaf, arrays in leaves.items():
        for i, array in enumerate(arrays, below):
          names = [f'encoder.layer.{i}.{part}' for part in LAYER[module]]
          yield from parts(names, leaf, array)
    below += len(stack['out']['bias'])
