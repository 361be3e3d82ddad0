"""The functions of a bundle: what encodes, projects, reads and scores."""

import pathlib
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import nnx
from flax.traverse_util import flatten_dict, unflatten_dict
from jax import export as jax_export

from jaxrec.batch import Context
from jaxrec.bundle import functions
from jaxrec.encoding.text_encoder import TextEncoder
from jaxrec.models.terms.term import ItemInputs
from jaxrec.models.text.item_encoder import ItemEncoder
from jaxrec.training.experiment import Experiment

# Of a history that is asked for: each row is one user's.
CONTEXT = [name for name in Context._fields if name != 'segments']


def whole_text_model(encoder: TextEncoder) -> nnx.Module:
  """The whole of it in one stack, so that its parameters are one form's.

  The products of attention that suit a CPU are those of any platform.
  """
  return encoder.model.make(
    **encoder.sizes,
    trainable_layers=-1,
    attention='batched',
    remat='none',
    dtype=jnp.float32,
    rngs=nnx.Rngs(0),
  )


def write_functions(
  experiment: Experiment, item_width: int, out: pathlib.Path
) -> set[str]:
  """`encode`, `project`, `user` and `score`; the recommender's parameters used.

  In float32 on every platform: what is asked for one item is cheap.
  """

  def recommender():
    return parts.make(experiment.positive_rate, with_encoder=False)

  def encoder():
    return ItemEncoder(
      whole_text_model(experiment.encoder),
      num_segments=1,
      pooling=experiment.config.model.text.pooling,
    )

  parts = experiment.parts
  scope = jax_export.SymbolicScope()
  shaped = lambda dims, dtype='float32': functions.shaped(scope, dims, dtype)
  per_item = dotted(parts.per_item)
  graphdef, arguments = _split(recommender, shaped, per_item)
  of_encoder, encoder_arguments = _split(encoder, shaped)
  model = lambda params: _merge(graphdef, params)
  fields = len(parts.facts.prepared.get('fields', ()))
  width = experiment.encoder.sizes['width']

  def encode(params, x):
    return _merge(of_encoder, params)(
      x['tokens'], x['positions'], x['segments']
    )

  def project(params, x):
    features = {'fields': x['fields']}
    return model(params).project_items(x['pooled'], x['items'], features)

  def user(params, x):
    context = Context(**{name: x[name] for name in CONTEXT})
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
      **{name: shaped(history, 'int32') for name in CONTEXT},
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


def column_spans(experiment: Experiment) -> list[tuple[str, int, int]]:
  """Whose columns of item vectors are which, see `Recommender`."""
  parts, spans = experiment.parts, []

  def trace():
    model = parts.make(experiment.positive_rate, with_encoder=False)
    one = {name: jnp.asarray(x[:1]) for name, x in parts.features.items()}
    pooled = jnp.zeros((1, parts.facts.text_width))
    spans.extend(model.column_spans(ItemInputs(pooled, jnp.zeros(1, int), one)))
    return jnp.zeros(())

  jax.eval_shape(trace)
  return spans


def dotted(paths: list[str]) -> list[str]:
  """Paths of parameters as bundles name them."""
  return [path.replace('/', '.') for path in paths]


def _split(make, shaped, per_item: Sequence[str] = ()) -> tuple:
  """graphdef, and arguments by name, 'a.b.c'; those `per_item` of any N."""
  graphdef, state = nnx.split(nnx.eval_shape(make))
  flat = flatten_dict(nnx.to_pure_dict(state))
  arguments = {}
  for path, x in flat.items():
    name, shape = '.'.join(path), x.shape
    if name in per_item:
      shape = ('n', *shape[1:])
    arguments[name] = shaped(shape, x.dtype)
  return graphdef, arguments


def _merge(graphdef, params: dict):
  return nnx.merge(
    graphdef,
    unflatten_dict({tuple(name.split('.')): x for name, x in params.items()}),
  )
