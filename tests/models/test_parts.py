"""Every part there is; and that a new one needs no more than its own lines."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from flax.traverse_util import flatten_dict

from configs import video
from jaxrec.config import from_mapping, to_mapping
from jaxrec.console import Display
from jaxrec.errors import at_least
from jaxrec.models.heads import HEADS
from jaxrec.models.heads.head import (
  Head,
  HeadConfig,
  after_all,
  earlier,
  in_order,
)
from jaxrec.models.heads.mean import weighted_mean
from jaxrec.models.terms import TERMS
from jaxrec.models.terms.term import ItemColumns, Term
from jaxrec.parallel.sharding import put_batch
from jaxrec.training.experiment import Experiment
from jaxrec.training.settings import Config
from jaxrec.training.state import merge_params

PLAIN = {  # Nothing but the mean of texts.
  'model.terms': 'text',
  'model.head.type': 'mean',
}


@pytest.fixture
def films(tiny_config, one_device):
  """changes -> an Experiment on films, the mean of texts but for these."""

  def make(**changes):
    config = tiny_config('movielens', video, **PLAIN | changes)
    return Experiment.from_config(config, Display(quiet=True))

  return make


def logits_of(experiment):
  """Parameters and logits [B, C] at the start, of the first batch."""
  with jax.set_mesh(experiment.mesh):
    state, frozen = experiment.init()
    batch = next(iter(experiment.pipeline.batches(0, 1)))
    params = merge_params(state.params, frozen)
    graphdef = experiment.graphdef
    call = jax.jit(lambda params, batch: nnx.merge(graphdef, params)(batch))
    return params, call(params, put_batch(batch, experiment.mesh))


@pytest.mark.parametrize(
  ('registry', 'name'),
  [('TERMS', name) for name in TERMS] + [('HEADS', name) for name in HEADS],
)
def test_a_parts_config_is_written_as_it_is_read(registry, name):
  part = {'TERMS': TERMS, 'HEADS': HEADS}[registry][name]
  config = part.Config()
  values = to_mapping(config)
  assert from_mapping(part.Config, values) == config
  assert set(values) == {f.name for f in dataclasses.fields(config)}
  docs = ''.join(cls.__doc__ or '' for cls in part.Config.__mro__)
  for field in values:  # What users look up is written down, or inherited.
    assert f' {field}: ' in docs
  if registry == 'HEADS':
    assert config.type == name


@pytest.mark.parametrize('name', TERMS)
def test_a_term_alone_beside_the_texts(name, films):
  experiment = films(**{'model.terms': f'text,{name}'})
  params, logits = logits_of(experiment)
  assert logits.shape == (8, 32) and np.isfinite(logits).all()
  assert set(params['terms']) == {'text', name}
  paths = {'/'.join(path): x for path, x in flatten_dict(params).items()}
  for path in experiment.parts.per_item:
    assert len(paths[path]) == len(experiment.catalog)
  for path in experiment.parts.learning_rates:
    if path != 'encoder':
      assert any(p.startswith(f'{path}/') for p in paths)


@pytest.mark.parametrize('name', HEADS)
def test_a_head_beside_the_texts(name, films):
  _, logits = logits_of(films(**{'model.head.type': name}))
  assert logits.shape == (8, 32) and np.isfinite(logits).all()


# ------------------------------------------------------------------- a recipe
@dataclasses.dataclass(frozen=True)
class LatestConfig(HeadConfig):
  """The head of the latest items.

  Attributes:
    count: how many events back it looks.
  """

  type: ClassVar[str] = 'latest'
  count: int = 3

  def __post_init__(self):
    at_least(self, count=1)


class LatestHead(Head):
  """The mean of what was read in the latest events."""

  Config: ClassVar[type] = LatestConfig

  def __init__(self, config, *, channels, num_behaviours, rngs):
    del channels, num_behaviours, rngs
    self.count = config.count

  def __call__(self, history, mask, context, at, inputs=None):
    read, ages = earlier(mask, context, at)
    return weighted_mean(history, read & (ages < self.count), ages)


@dataclasses.dataclass(frozen=True)
class TitleLengthConfig:
  """The term of titles' lengths.

  Attributes:
    start: what a character adds to the logit, to start with.
  """

  start: float = 0.0


class TitleLength(Term):
  """A number for each character of an item's title adds to its logits."""

  Config: ClassVar[type] = TitleLengthConfig

  def __init__(self, config, facts, *, rngs):
    self.by_character = nnx.Param(jnp.float32(config.start))

  @classmethod
  def features(cls, prepared, source):
    titles = source.dataset.items['title']
    lengths = [[len(titles[i])] for i in range(source.num_items)]
    return np.array(lengths, np.float32)

  def item_columns(self, inputs, *, key=None):
    return ItemColumns(bias=self.by_character * inputs.features['title_length'])


@pytest.fixture
def recipe(monkeypatch):
  """A new head and a new term, each registered by one line."""
  monkeypatch.setitem(HEADS, 'latest', LatestHead)
  monkeypatch.setitem(TERMS, 'title_length', TitleLength)


CHANGES = {'model.head.type': 'latest', 'model.terms.title_length.start': 0.25}


def test_a_new_head_and_a_new_term_are_trained_and_judged(recipe, films):
  experiment = films(**CHANGES)
  assert experiment.config.model.head == LatestConfig(count=3)
  with jax.set_mesh(experiment.mesh):
    state, frozen = experiment.init()
    before = float(state.params['terms']['title_length']['by_character'])
    for batch in experiment.pipeline.batches(0, 2):
      batch = put_batch(batch, experiment.mesh)
      state, metrics = experiment.train_step(state, frozen, batch)
      assert np.isfinite(float(metrics['loss']))
    after = float(state.params['terms']['title_length']['by_character'])
    validated = experiment.judge.validate(state.params, frozen)
  assert int(state.step) == 2
  assert before == 0.25 and after != before
  assert np.isfinite(list(validated.metrics.values())).all()


def test_they_do_what_they_are_for(recipe, films):
  with_term = films(**CHANGES)
  without = films(**{'model.head.type': 'latest'})
  (_, high), (_, low) = map(logits_of, (with_term, without))
  batch = next(iter(without.pipeline.batches(0, 1)))
  titles = without.dataset.items['title']
  shown = batch.items[batch.candidates]
  lengths = np.array([[len(titles[i]) for i in row] for row in shown])
  np.testing.assert_allclose(high - low, 0.25 * lengths, rtol=1e-4, atol=1e-4)

  head = LatestHead(
    LatestConfig(), channels=(), num_behaviours=0, rngs=nnx.Rngs(0)
  )
  history = np.random.default_rng(0).normal(size=(1, 5, 4)).astype(np.float32)
  mask = np.array([[True] * 5])
  context = in_order(jnp.asarray(mask))
  user = head(history, mask, context, after_all(mask, context.events))
  np.testing.assert_allclose(user[0, 0], history[0, 2:].mean(0), atol=1e-6)


def test_their_configs_are_checked_as_any(recipe):
  values = {'model': {'head': {'type': 'latest'}, 'terms': {'text': {}}}}
  values['model']['terms']['title_length'] = {'start': 1.0}
  config = Config.from_dict(values)
  assert config.model.terms['title_length'] == TitleLengthConfig(1.0)
  assert Config.from_dict(config.to_dict()) == config
