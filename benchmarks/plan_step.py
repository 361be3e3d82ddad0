"""The training step that is planned, lowered from shapes for any mesh."""

import math

import jax
import jax.numpy as jnp
from flax import nnx

from benchmarks.plan_model import Sizes, Work
from jaxrec.batch import Batch
from jaxrec.models.build import build_recommender
from jaxrec.models.facts import Facts
from jaxrec.models.heads.lstm import LstmConfig
from jaxrec.models.terms.text import TextConfig
from jaxrec.models.text.bert import SHARDING, Bert
from jaxrec.models.text.item_encoder import ItemEncoder
from jaxrec.parallel import sharding
from jaxrec.training.objectives.impressions import ImpressionsObjective
from jaxrec.training.optimizer import OptimizerConfig, make_tx
from jaxrec.training.state import TrainState
from jaxrec.training.steps import make_train_step


def lower_step(mesh, sizes: Sizes, work: Work):
  """The training step from shapes: (Lowered, state's bytes on one device)."""

  def make_model():
    bert = Bert(
      vocab_size=sizes.vocab_size,
      max_positions=512,
      num_types=2,
      width=sizes.width,
      mlp_width=sizes.mlp_width,
      num_heads=sizes.num_heads,
      num_layers=sizes.num_layers,
      dropout_rate=0.1,
      attention='xla',  # As on accelerators.
      dtype=jnp.bfloat16,
      rngs=nnx.Rngs(0),
    )
    return build_recommender(
      LstmConfig(width=sizes.hidden_width),
      {'text': TextConfig()},
      Facts(sizes.width),
      encoder=ItemEncoder(bert, num_segments=sizes.row_segments),
      positive_rate=1 / sizes.candidates,
      rngs=nnx.Rngs(1),
    )

  tx = make_tx(OptimizerConfig(warmup_steps=1_000), 20_000, {'encoder': 2e-5})

  def init():
    params = nnx.to_pure_dict(nnx.state(make_model(), nnx.Param))
    return TrainState(jnp.int32(0), params, tx.init(params)), {}

  graphdef, _ = nnx.split(nnx.eval_shape(make_model))
  shapes = jax.eval_shape(init)
  specs = sharding.param_specs(shapes, mesh, SHARDING)
  placed = sharding.shardings(specs, mesh)
  state = jax.tree.map(
    lambda x, s: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=s),
    shapes,
    placed,
  )
  step = jax.jit(
    make_train_step(
      graphdef,
      tx,
      objectives=[ImpressionsObjective(ImpressionsObjective.Config())],
      gather=sharding.gather_params((specs[0].params, specs[1])),
      seed=0,
    ),
    donate_argnums=0,
    out_shardings=(placed[0], sharding.whole(mesh)),
  )
  with jax.set_mesh(mesh):
    lowered = step.lower(*state, _batch(mesh, sizes, work))
  held = sum(
    math.prod(x.sharding.shard_shape(x.shape)) * x.dtype.itemsize
    for x in jax.tree.leaves(state)
  )
  return lowered, held


def _batch(mesh, sizes: Sizes, work: Work) -> Batch:
  over = jax.sharding.NamedSharding(mesh, sharding.BATCH)
  leaf = lambda dtype, *shape: jax.ShapeDtypeStruct(shape, dtype, sharding=over)
  rows = leaf(jnp.int32, work.rows, sizes.row_tokens)
  b, h, c = work.examples, sizes.history, sizes.candidates
  return Batch(
    history=leaf(jnp.int32, b, h),
    history_mask=leaf(jnp.bool_, b, h),
    candidates=leaf(jnp.int32, b, c),
    candidate_mask=leaf(jnp.bool_, b, c),
    labels=leaf(jnp.float32, b, c),
    example_mask=leaf(jnp.bool_, b),
    tokens=rows,
    positions=rows,
    segments=rows,
  )
