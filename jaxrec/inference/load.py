"""From a bundle's files to a Model that can be asked."""

import pathlib
from collections.abc import Callable

import numpy as np
import safetensors
from safetensors.numpy import load_file

from jaxrec.bundle import functions, layout
from jaxrec.bundle.strings import unpacked
from jaxrec.data.items.fields import Field
from jaxrec.errors import UserError
from jaxrec.inference.answering import Answerer
from jaxrec.inference.answers import Scale
from jaxrec.inference.chances import Chances
from jaxrec.inference.index import IndexedItems
from jaxrec.inference.item_texts import ItemTextReader
from jaxrec.inference.item_vectors import ItemVectors
from jaxrec.inference.kept_texts import KeptTexts
from jaxrec.inference.members import Members
from jaxrec.inference.model import Model
from jaxrec.inference.requests import HistoryReader
from jaxrec.inference.search import Search
from jaxrec.inference.text_vectors import TextVectors
from jaxrec.inference.user_vectors import UserVectors
from jaxrec.models.text.weights import load_params
from jaxrec.retrieval.choice import Choice
from jaxrec.retrieval.neighbours import member_of


def load(bundle: str | pathlib.Path) -> Model:
  """See `jaxrec.load`."""
  directory = pathlib.Path(bundle).expanduser()
  manifest = layout.verified(directory)
  try:
    return _loaded(directory, manifest)
  except (KeyError, safetensors.SafetensorError) as e:
    raise UserError(
      f'{directory} is no bundle that this jaxrec reads ({e!r}): export again'
    ) from e


def _loaded(directory: pathlib.Path, manifest: dict) -> Model:
  sizes = manifest['model']
  arrays = load_file(directory / layout.ITEMS)
  params = _Params(directory / layout.RECOMMENDER)
  texts = ItemTextReader(
    manifest['text_template'],
    manifest['columns'],
    manifest.get('own_names') or {},  # 0.1.0 has none.
  )
  index = IndexedItems.of(
    arrays['vectors'],
    arrays['popularity'],
    unpacked(arrays, manifest['columns']),
    manifest['category'],
    KeptTexts(arrays[layout.TEXTS], arrays[layout.TEXT_MEAN])
    if layout.TEXTS in arrays
    else None,
    _text_columns(sizes),
  )
  encode, project, user, score = (
    functions.load(directory / layout.FUNCTIONS, name)
    for name in ('encode', 'project', 'user', 'score')
  )
  text_vectors = TextVectors(
    directory / layout.ENCODER / layout.TOKENIZER,
    encode,
    _encoder_params(directory / layout.ENCODER, encode),
    max_tokens=sizes['max_tokens'],
    width=sizes['text_width'],
  )
  per_item = [name for name in project.params if name in sizes['per_item']]
  behaviours = tuple(manifest['behaviours'])
  calibration = manifest['calibration']
  user_vectors = UserVectors(
    user,
    score,
    {n: params[n] for n in (*user.params, *score.params, 'bias')},
    sizes['history_length'],
  )
  members = _members(directory, manifest)
  scale_name = sizes.get('scale', 'scale')  # 0.1.0 did not name it.
  scale = Scale(
    None if scale_name is None else float(params[scale_name]),
    float(params['bias']),
    calibration['slope'],
    calibration['intercept'],
    sizes.get('longest'),  # 0.1.0 has none, and names no kind.
    Choice.of(calibration['parameters'])
    if calibration.get('kind') == 'softmax'
    else None,
  )
  answerer = Answerer(
    manifest=manifest,
    reader=HistoryReader(
      texts,
      sizes['history_length'],
      behaviours if any(behaviours) else (),
      manifest['usual_behaviour'],
    ),
    user_vectors=user_vectors,
    item_vectors=ItemVectors(
      texts=texts,
      text_vectors=text_vectors,
      function=project,
      params={n: params[n] for n in project.params if n not in per_item},
      per_item={name: params.rows(name) for name in per_item},
      trained=index.trained,
      item_fields=[
        Field(f['name'], tuple(f['names']), tuple(f['edges']))
        for f in manifest['fields']
      ],
      width=arrays['vectors'].shape[1],
    ),
    scale=scale,
    chances=Chances(scale, user_vectors, members),
    search=Search(texts),
    members=members,
  )
  return Model(answerer, index)


def _text_columns(sizes: dict) -> slice:
  """Which columns of item vectors are those of their texts, if any are."""
  spans = {name: slice(b, e) for name, b, e in sizes.get('columns', ())}
  return spans.get('text', slice(0, sizes['text_width']))


def _members(directory: pathlib.Path, manifest: dict) -> Members:
  """The ensemble; without members of a bundle that has none."""
  gains = manifest.get('ensemble') or {}
  weighing = [name for name, gain in gains.items() if gain]
  if not weighing:
    return Members(gains)
  arrays = load_file(directory / layout.ENSEMBLE)
  parts = ('items', 'weights', 'scalars')
  return Members(
    gains,
    {
      name: member_of({part: arrays[f'{name}.{part}'] for part in parts})
      for name in weighing
    },
  )


class _Params:
  """The arrays of a safetensors file, read when they are asked for."""

  def __init__(self, path: pathlib.Path):
    self._file = safetensors.safe_open(path, 'np')

  def __getitem__(self, name: str) -> np.ndarray:
    return self._file.get_tensor(name)

  def rows(self, name: str) -> Callable[[list[int]], np.ndarray]:
    """A function: indices -> these rows alone, from the disk."""
    view = self._file.get_slice(name)

    def read(rows: list[int]) -> np.ndarray:
      empty = np.zeros((0, *view.get_shape()[1:]), np.float32)
      return np.concatenate([empty, *(view[row : row + 1] for row in rows)])

    return read


def _encoder_params(
  directory: pathlib.Path, function: functions.Function
) -> dict[str, np.ndarray]:
  """The encoder's parameters as its function takes them: 'a.b.c' by array."""
  nested: dict = {}
  for name, (shape, dtype) in function.params.items():
    *groups, leaf = name.split('.')
    part = nested
    for group in groups:
      part = part.setdefault(group, {})
    part[leaf] = np.broadcast_to(np.zeros((), dtype), shape)
  return flat(load_params(directory, nested['bert']), 'bert')


def flat(params: dict, prefix: str = '') -> dict[str, np.ndarray]:
  """{'a': {'b': x}} -> {'a.b': x}."""
  arrays: dict[str, np.ndarray] = {}
  for name, value in params.items():
    path = f'{prefix}.{name}' if prefix else name
    arrays |= flat(value, path) if isinstance(value, dict) else {path: value}
  return arrays
