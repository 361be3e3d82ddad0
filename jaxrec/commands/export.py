"""--mode=export: a trained workdir -> a bundle, see `bundle.layout`."""

import dataclasses
import pathlib
import shutil

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from flax.traverse_util import flatten_dict, unflatten_dict
from jax import export as jax_export

from jaxrec import workdirs
from jaxrec.baselines import Known
from jaxrec.baselines.popularity import RecentPopularity
from jaxrec.batch import Context
from jaxrec.bundle import functions, layout, strings
from jaxrec.console import Display
from jaxrec.data.items.catalog import load_tokenizer
from jaxrec.errors import UserError
from jaxrec.evaluation import calibration, protocols
from jaxrec.models.recommender import ItemEncoder
from jaxrec.models.text import weights
from jaxrec.models.text.bert import Bert
from jaxrec.preflight import check_trained
from jaxrec.training.experiment import Experiment, Validated
from jaxrec.training.state import merge_params

# Parameters of one row for each item.
PER_ITEM = ('ids.read', 'ids.scored', 'item_bias', 'trend.counts')
CATEGORY = 'category'  # The column that items are filtered by, if it is there.
DRAWN = 100  # Items against which a target is calibrated, drawn for each.
HALF_LIVES = (0.1, 1.0, 7.0, 30.0, 365.0)  # Days, of the prior.
# Of a directory of Hugging Face, beside the tokenizer.json that is written.
TOKENIZER_FILES = (
  'tokenizer_config.json',
  'special_tokens_map.json',
  'vocab.txt',
)


def export_workdir(config, workdir: pathlib.Path, bundle: pathlib.Path) -> dict:
  """Writes the model of a trained workdir as a bundle.

  Args:
    config: a ConfigDict; must be the one the workdir was trained with.
    workdir: of a training run.
    bundle: the directory; a bundle that is there is replaced.

  Returns:
    The manifest.

  Raises:
    UserError: nothing is trained there, or by another config; `bundle` is
      something else, or cannot be written.
  """
  layout.check_place(bundle)
  check_trained(workdir)
  if jax.process_count() > 1:
    raise UserError(
      '--mode=export: one process writes a bundle, whatever trained the '
      'workdir: start it alone'
    )
  display = Display()
  experiment = Experiment.from_config(config, display)
  workdirs.check_workdir(workdir, config, experiment.fingerprints)
  with layout.replacing(bundle) as partial:
    with jax.set_mesh(experiment.mesh):
      trained = _trained(experiment, workdir)
    told = _write(experiment, workdir, trained, partial)
    layout.seal(partial, workdirs.plain(told))
    manifest = layout.verified(partial)
  size = sum(file['bytes'] for file in manifest['files'].values())
  display.say(
    f'{bundle}: step {trained.step}, {len(experiment.catalog):,} items, '
    f'{size / 1e6:,.0f} MB; jaxrec.load({str(bundle)!r}) asks it'
  )
  return manifest


@dataclasses.dataclass(frozen=True)
class _Trained:
  """What training left, on the host.

  Attributes:
    step: of the checkpoint.
    params: the model's, nested; an encoder's, where there is one, in part.
    vectors: float32 [N, W], of all items.
    calibrated: see `_calibrated`.
    validated: see `Experiment.validate`.
  """

  step: int
  params: dict
  vectors: np.ndarray
  calibrated: dict
  validated: Validated


def _trained(experiment: Experiment, workdir: pathlib.Path) -> _Trained:
  state, frozen = experiment.init()
  chosen = experiment.restore_chosen(workdir, state)
  # What has learned from validation cannot be calibrated there.
  validated = experiment.validate(chosen.judged, frozen)
  judge = experiment.scorer(chosen.judged, frozen)
  everything = np.arange(len(experiment.catalog))
  table = experiment.scorer(chosen.params, frozen).table_of(everything)
  return _Trained(
    step=chosen.step,
    params=jax.tree.map(np.asarray, merge_params(chosen.params, frozen)),
    vectors=np.asarray(table, np.float32),
    calibrated=_calibrated(experiment, judge, validated),
    validated=validated,
  )


# ------------------------------------------------------------------- choices
def _calibrated(experiment: Experiment, scorer, validated: Validated) -> dict:
  """Slope and intercept of the probability, and what that is the chance of.

  Of lists, that a candidate is clicked which is shown. Where the whole catalog
  is ranked, that an item is what the user does next: fitted on the validation
  targets, each against DRAWN others, whose share of all others the intercept
  is corrected for, as in a case-control study (Prentice & Pyke, 1979).
  """
  name = experiment.protocol.name
  fitted, correction, on = validated.calibrated, 0.0, 'candidates shown'
  if name != 'impressions':
    split, count = experiment.dataset.validation, len(experiment.catalog)
    if name == 'cold_items':
      examples, on = split, 'the newest items, each a candidate'
    else:
      drawn = protocols.Sampled(name, DRAWN, count, experiment.config.seed)
      examples, _ = drawn.examples(split)
      correction = np.log(min(DRAWN / max(count - 1, 1), 1.0))
      on = f'targets against {DRAWN} drawn items each, corrected to the catalog'
    fitted = None
    if len(examples):
      fitted = calibration.fit(scorer.pairs(examples), examples.labels)
  if fitted is None:
    why = 'no validation example has both a click and another item'
    return {'slope': None, 'intercept': None, 'on': None, 'why': why}
  slope, intercept = fitted
  return {
    'slope': slope,
    'intercept': float(intercept + correction),
    'on': f'validation: {on}',
    'why': None,
  }


def _popularity(experiment: Experiment) -> tuple[np.ndarray, float]:
  """How much was done with each item lately, and the half-life in days.

  Of HALF_LIVES the one by which most of what was done in validation is among
  the 100 first; then of all that is known before the test.
  """
  dataset = experiment.dataset

  def counts(split, days):
    known = Known(
      dataset.known(split),
      experiment.encoder.vectors,
      experiment.config.data.history_length,
      experiment.config.seed,
    )
    return RecentPopularity(half_life=days).fit(known).counts

  examples = dataset.validation
  targets = examples.candidates[np.asarray(examples.labels) > 0]

  def found(days):
    best = np.argsort(-counts('validation', days), kind='stable')[:100]
    return np.isin(targets, best).mean() if len(targets) else 0.0

  days = max(HALF_LIVES, key=found)
  return counts('test', days).astype(np.float32), days


# -------------------------------------------------------------------- writing
def _write(experiment, workdir, trained: _Trained, out: pathlib.Path) -> dict:
  """All files but the manifest; what that is to say."""
  from safetensors.numpy import save_file

  config, dataset = experiment.config, experiment.dataset
  columns = dict(dataset.items)
  popularity, days = _popularity(experiment)
  save_file(
    {
      'vectors': trained.vectors,
      'popularity': popularity,
      **strings.packed(columns),
    },
    out / layout.ITEMS,
  )
  _write_encoder(experiment, trained, out / layout.ENCODER)
  item_width = trained.vectors.shape[1]
  used = _write_functions(experiment, item_width, out / layout.FUNCTIONS)
  rest = {k: v for k, v in trained.params.items() if k != 'encoder'}
  flat = {'.'.join(path): x for path, x in flatten_dict(rest).items()}
  save_file(
    {
      name: np.array(x, order='C')  # Of no dimension, too.
      for name, x in flat.items()
      if name in used | {'scale', 'bias'}
    },
    out / layout.RECOMMENDER,
  )
  workdirs.write_json(out / layout.CONFIG, config.to_dict())
  told = workdirs.read(workdir) or {}
  threshold = None
  if experiment.protocol.name == 'impressions' and trained.calibrated['slope']:
    threshold = _sigmoid(
      trained.calibrated['slope'] * trained.validated.threshold
      + trained.calibrated['intercept']
    )
  behaviours, target = list(dataset.behaviours), dataset.target_behaviour
  return {
    'dataset': dataset.name,
    'protocol': experiment.protocol.name,
    'step': trained.step,
    'validation': trained.validated.metrics,
    'test': told['metrics'] if told.get('best_step') == trained.step else None,
    'versions': workdirs.versions(),
    'fingerprints': experiment.fingerprints,
    'num_items': len(experiment.catalog),
    'columns': list(columns),
    'category': CATEGORY if CATEGORY in columns else None,
    'text_template': config.data.text_template,
    'behaviours': behaviours,
    'usual_behaviour': behaviours.index(target) if target in behaviours else 0,
    'fields': [dataclasses.asdict(field) for field in experiment.fields],
    'calibration': trained.calibrated,
    'threshold': threshold,
    'popularity': {'half_life_days': days, 'known_before': 'test'},
    'model': {
      'history_length': config.data.history_length,
      'max_tokens': config.encoder.max_tokens,
      'text_width': experiment.encoder.sizes['width'],
      'item_width': item_width,
      'scoring': config.scoring,
      'per_item': list(PER_ITEM),
    },
  }


def _sigmoid(x: float) -> float:
  return float(0.5 * (1 + np.tanh(0.5 * x)))


def _write_encoder(experiment, trained: _Trained, out: pathlib.Path) -> None:
  """A directory of Hugging Face: what was trained over what was pretrained."""
  encoder = experiment.encoder
  shapes = nnx.eval_shape(lambda: _bert(encoder.sizes))
  params = weights.load_params(
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
  weights.save_params(out, params, encoder.sizes)
  tokenizer = load_tokenizer(encoder.directory)
  tokenizer.no_padding()
  tokenizer.enable_truncation(experiment.config.encoder.max_tokens)
  tokenizer.save(str(out / layout.TOKENIZER))
  for name in TOKENIZER_FILES:
    if (encoder.directory / name).is_file():
      shutil.copyfile(encoder.directory / name, out / name)


def _bert(sizes: dict) -> Bert:
  """The whole of it in one stack, so that its parameters are one form's.

  The products of attention that suit a CPU are those of any platform.
  """
  return Bert(
    **sizes,
    trainable_layers=-1,
    attention='batched',
    remat='none',
    dtype=jnp.float32,
    rngs=nnx.Rngs(0),
  )


def _write_functions(
  experiment: Experiment, item_width: int, out: pathlib.Path
) -> set[str]:
  """`encode`, `project`, `user` and `score`; the recommender's parameters used.

  In float32 on every platform: what is asked for one item is cheap.
  """

  def recommender():
    model = experiment.make_model()
    if hasattr(model, 'encoder'):
      del model.encoder
    return model

  def encoder():
    return ItemEncoder(
      _bert(experiment.encoder.sizes),
      num_segments=1,
      pooling=experiment.config.encoder.pooling,
    )

  scope = jax_export.SymbolicScope()
  shaped = lambda dims, dtype='float32': functions.shaped(scope, dims, dtype)
  graphdef, arguments = _split(recommender, shaped)
  of_encoder, encoder_arguments = _split(encoder, shaped)
  model = lambda params: _merge(graphdef, params)
  fields = len(experiment.fields)
  width = experiment.encoder.sizes['width']

  def encode(params, x):
    return _merge(of_encoder, params)(
      x['tokens'], x['positions'], x['segments']
    )

  def project(params, x):
    return model(params).project_items(x['pooled'], x['items'], x['fields'])

  def user(params, x):
    context = Context(*(x[name] for name in Context._fields))
    return model(params).user_vectors(x['vectors'], x['mask'], context)

  def score(params, x):
    return model(params).score(x['users'], x['items'])

  rows, history = ('r', 'l'), ('b', 'h')
  packed = ('tokens', 'positions', 'segments')
  inputs = {
    'encode': {name: shaped(rows, 'int32') for name in packed},
    'project': {
      'pooled': shaped(('m', width)),
      'items': shaped(('m',), 'int32'),
      'fields': shaped(('m', fields, 'v'), 'int32'),
    },
    'user': {
      'vectors': shaped((*history, item_width)),
      'mask': shaped(history, 'bool'),
      **{name: shaped(history, 'int32') for name in Context._fields},
      'days': shaped(history),
      'today': shaped(history[:1], 'int32'),
    },
    'score': {
      'users': shaped(('b', item_width)),
      'items': shaped(('b', 'c', item_width)),
    },
  }
  used = set()
  with jax.default_matmul_precision('highest'):
    functions.save(out, 'encode', encode, encoder_arguments, inputs['encode'])
    for function in (project, user, score):
      name = function.__name__
      used |= set(functions.save(out, name, function, arguments, inputs[name]))
  return used


def _split(make, shaped) -> tuple:
  """graphdef, and arguments by name, 'a.b.c'; PER_ITEM are of any N."""
  graphdef, state = nnx.split(nnx.eval_shape(make))
  flat = flatten_dict(nnx.to_pure_dict(state))
  arguments = {}
  for path, x in flat.items():
    name, shape = '.'.join(path), x.shape
    if name in PER_ITEM:
      shape = ('n', *shape[1:])
    arguments[name] = shaped(shape, x.dtype)
  return graphdef, arguments


def _merge(graphdef, params: dict):
  return nnx.merge(
    graphdef,
    unflatten_dict({tuple(name.split('.')): x for name, x in params.items()}),
  )
