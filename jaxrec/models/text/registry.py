"""Language models by the `model_type` of their Hugging Face directory.

A new one is a file with a module and how its weights are read and written, a
line in TEXT_MODELS, and a test beside the reference implementation; see
docs/contributing.md.
"""

import dataclasses
import json
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

from flax import nnx

from jaxrec.errors import UserError, choices
from jaxrec.models.text import bert, weights


@dataclasses.dataclass(frozen=True)
class TextModel:
  """A language model that packed rows of texts are read by.

  Attributes:
    make: the nnx.Module, of its sizes, of TextModelConfig's choices by name
      and `rngs`; see `bert.Bert`. Its parameters are cut into a prefix that
      does not train and a suffix that does.
    sizes: a directory -> the arguments of `make` that its config.json says.
    load: (directory, parameters) -> the same tree of float32 arrays.
    save: (directory, parameters, sizes) writes its Hugging Face form.
    sharding: rules of its parameters, see `sharding.param_specs`.
    frozen: of the parts of its parameters, those that do not train unless all
      of it does.
  """

  make: Callable[..., nnx.Module]
  sizes: Callable[[pathlib.Path], dict[str, Any]]
  load: Callable[[pathlib.Path, dict], dict]
  save: Callable[[pathlib.Path, dict, Mapping[str, Any]], None]
  sharding: tuple = ()
  frozen: tuple[str, ...] = ()


TEXT_MODELS = {
  'bert': TextModel(
    make=bert.Bert,
    sizes=weights.bert_config,
    load=weights.load_params,
    save=weights.save_params,
    sharding=bert.SHARDING,
    frozen=('embeddings', 'frozen_layers'),
  ),
}


def text_model_of(directory: pathlib.Path) -> TextModel:
  """The language model whose weights lie in a Hugging Face directory.

  Raises:
    UserError: its config.json is missing, or names a model that is not known.
  """
  path = directory / weights.CONFIG
  try:
    model_type = json.loads(path.read_text(encoding='utf8'))['model_type']
  except (OSError, ValueError, KeyError, TypeError):
    return TEXT_MODELS['bert']  # Whose reader says what is wrong with the file.
  if model_type not in TEXT_MODELS:
    raise UserError(f'{path}: model_type {choices(model_type, TEXT_MODELS)}')
  return TEXT_MODELS[model_type]
