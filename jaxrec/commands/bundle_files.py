"""The files of a bundle but for its functions and its manifest."""

import dataclasses
import pathlib
import shutil
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from flax import nnx
from flax.traverse_util import flatten_dict

from jaxrec import workdirs
from jaxrec.bundle import layout, strings
from jaxrec.commands.bundle_functions import (
  column_spans,
  dotted,
  whole_text_model,
  write_functions,
)
from jaxrec.data.items.catalog import load_tokenizer
from jaxrec.inference.kept_texts import without_mean
from jaxrec.retrieval.neighbours import Neighbours, arrays_of
from jaxrec.training.experiment import Experiment
from jaxrec.training.validation import Validated

# The parameter that a cosine is multiplied with, where there is that term.
TEXT, SCALE = 'text', 'terms.text.scale'
CATEGORY = 'category'  # The column that items are filtered by, if it is there.
# Of a directory of Hugging Face, beside the tokenizer.json that is written.
TOKENIZER_FILES = (
  'tokenizer_config.json',
  'special_tokens_map.json',
  'vocab.txt',
)


@dataclasses.dataclass(frozen=True)
class Trained:
  """What training left, on the host.

  Attributes:
    step: of the checkpoint.
    params: the model's, nested; an encoder's, where there is one, in part.
    vectors: float32 [N, W], of all items.
    pooled: float32 [N, D], of all items' texts; None where `vectors` have them.
    gains: of the ensemble's members, by name.
    members: of the ensemble, fitted to what `params` have learned from.
    calibrated: see `_calibrated`.
    validated: see `Judge.validate`.
    popularity: float32 [N], how much was done with each item lately.
    half_life: days, of what counts as lately.
  """

  step: int
  params: dict
  vectors: np.ndarray
  pooled: np.ndarray | None
  gains: Mapping[str, float]
  members: Mapping[str, Neighbours]
  calibrated: dict
  validated: Validated
  popularity: np.ndarray
  half_life: float


def write(
  experiment: Experiment,
  workdir: pathlib.Path,
  trained: Trained,
  out: pathlib.Path,
) -> dict[str, Any]:
  """Writes all files of a bundle but its manifest.

  Args:
    experiment: of the training.
    workdir: of it.
    trained: what it left.
    out: the directory.

  Returns:
    What the manifest is to say.
  """
  from safetensors.numpy import save_file

  has_texts = TEXT in experiment.config.model.terms
  config, dataset = experiment.config, experiment.dataset
  columns = dict(dataset.items)
  fields = experiment.parts.facts.prepared.get('fields', ())
  save_file(
    {
      'vectors': trained.vectors,
      'popularity': trained.popularity,
      **strings.packed(columns),
      **({} if trained.pooled is None else _kept_texts(trained.pooled)),
    },
    out / layout.ITEMS,
  )
  weighing = [name for name, gain in trained.gains.items() if gain]
  if weighing:
    save_file(
      {
        f'{name}.{part}': np.ascontiguousarray(x)
        for name in weighing
        for part, x in arrays_of(trained.members[name]).items()
      },
      out / layout.ENSEMBLE,
    )
  _write_encoder(experiment, trained, out / layout.ENCODER)
  item_width = trained.vectors.shape[1]
  used = write_functions(experiment, item_width, out / layout.FUNCTIONS)
  rest = {k: v for k, v in trained.params.items() if k != 'encoder'}
  flat = {'.'.join(path): x for path, x in flatten_dict(rest).items()}
  save_file(
    {
      name: np.array(x, order='C')  # Of no dimension, too.
      for name, x in flat.items()
      if name in used | {SCALE, 'bias'}
    },
    out / layout.RECOMMENDER,
  )
  workdirs.write_json(out / layout.CONFIG, config.to_dict())
  results = workdirs.read(workdir) or {}
  is_of_step = results.get('best_step') == trained.step
  threshold = None
  if (
    experiment.judge.protocol.name == 'impressions'
    and trained.calibrated['slope']
  ):
    threshold = _sigmoid(
      trained.calibrated['slope'] * trained.validated.threshold
      + trained.calibrated['intercept']
    )
  behaviours, target = list(dataset.behaviours), dataset.target_behaviour
  return {
    'dataset': dataset.name,
    'protocol': experiment.judge.protocol.name,
    'step': trained.step,
    'validation': trained.validated.metrics,
    'test': results['metrics'] if is_of_step else None,
    'versions': workdirs.versions(),
    'fingerprints': experiment.fingerprints,
    'num_items': len(experiment.catalog),
    'columns': list(columns),
    'category': CATEGORY if CATEGORY in columns else None,
    'text_template': dataset.template(config.data.text_template),
    'own_names': dict(dataset.own_names),
    'behaviours': behaviours,
    'usual_behaviour': behaviours.index(target) if target in behaviours else 0,
    'fields': [dataclasses.asdict(field) for field in fields],
    'calibration': trained.calibrated,
    'threshold': threshold,
    'ensemble': dict(trained.gains),
    'popularity': {'half_life_days': trained.half_life, 'known_before': 'test'},
    'model': {
      'history_length': config.input.history_length,
      'max_tokens': config.model.text.max_tokens,
      'text_width': experiment.encoder.sizes['width'],
      'item_width': item_width,
      'scoring': config.model.terms[TEXT].scoring if has_texts else None,
      'scale': SCALE if has_texts else None,
      'longest': float(np.linalg.norm(trained.vectors, axis=1).max()),
      'per_item': dotted(experiment.parts.per_item),
      'columns': column_spans(experiment),
    },
  }


def _kept_texts(pooled: np.ndarray) -> dict[str, np.ndarray]:
  """Vectors of texts as `inference.kept_texts` reads them."""
  mean = np.asarray(pooled, np.float32).mean(0)
  units = without_mean(pooled, mean).astype(np.float16)
  return {layout.TEXTS: units, layout.TEXT_MEAN: mean}


def _sigmoid(x: float) -> float:
  return float(0.5 * (1 + np.tanh(0.5 * x)))


def _write_encoder(experiment, trained: Trained, out: pathlib.Path) -> None:
  """A directory of Hugging Face: what was trained over what was pretrained."""
  encoder = experiment.encoder
  shapes = nnx.eval_shape(lambda: whole_text_model(encoder))
  params = encoder.model.load(
    encoder.directory, nnx.to_pure_dict(nnx.state(shapes, nnx.Param))
  )
  tuned = trained.params.get('encoder', {}).get('bert', {})
  if 'embeddings' in tuned:
    params['embeddings'] = tuned['embeddings']
  if 'layers' in tuned:  # The top ones.
    params['layers'] = jax.tree.map(
      lambda old, new: np.concatenate([old[: len(old) - len(new)], new]),
      params['layers'],
      tuned['layers'],
    )
  encoder.model.save(out, params, encoder.sizes)
  tokenizer = load_tokenizer(encoder.directory)
  tokenizer.no_padding()
  tokenizer.enable_truncation(experiment.config.model.text.max_tokens)
  tokenizer.save(str(out / layout.TOKENIZER))
  for name in TOKENIZER_FILES:
    if (encoder.directory / name).is_file():
      shutil.copyfile(encoder.directory / name, out / name)
