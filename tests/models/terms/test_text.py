"""The term of texts: it starts as the cosine, or product, of texts' means."""

import numpy as np
import pytest
from flax import nnx

from jaxrec.errors import UserError
from jaxrec.models.facts import Facts
from jaxrec.models.terms.term import Channel, ItemInputs
from jaxrec.models.terms.text import Text, TextConfig, unit

M, D = 4, 5
POOLED = np.random.default_rng(0).normal(size=(M, D)).astype(np.float32)
POOLED[3] = 0


def make(**options):
  return Text(TextConfig(**options), Facts(D), rngs=nnx.Rngs(0))


def columns_of(term):
  """Of the items, and of users who have read each of them alone."""
  items = term.item_columns(ItemInputs(POOLED, np.arange(M), {})).read
  users = term.user_columns(items[:, None], np.zeros((M, 1), np.int32))
  assert users.scored is None
  return np.asarray(items), np.asarray(users.read)[:, 0]


def test_a_cosine_times_its_scale_to_start_with():
  items, users = columns_of(make(scale=3.0))
  want = POOLED[:3] / np.linalg.norm(POOLED[:3], axis=1, keepdims=True)
  np.testing.assert_allclose(items[:3], want, atol=1e-5)
  assert not items[3].any() and np.isfinite(users).all()
  np.testing.assert_allclose(
    users[:3] @ items[:3].T, 3 * want @ want.T, atol=1e-4
  )


def test_a_dot_has_no_scale_to_start_with():
  items, users = columns_of(make(scoring='dot', scale=3.0))
  np.testing.assert_allclose(items, POOLED, atol=1e-6)
  np.testing.assert_allclose(users, POOLED, atol=1e-6)


def test_the_direction_of_nothing_has_a_finite_gradient():
  grads = nnx.grad(lambda term: unit(term.project(POOLED * 0)).sum())(make())
  assert np.isfinite(np.asarray(grads.project.kernel[...])).all()


def test_it_starts_without_the_mean_where_asked():
  class Source:
    def text_mean(self, kind):
      return np.full(D, {'catalog': 1.0, 'histories': 2.0}[kind])

  start = lambda centered: Text.start(
    TextConfig(centered=centered), Facts(D), Source()
  )
  assert start('') == {}
  for centered, mean in (('catalog', 1.0), ('histories', 2.0)):
    ((path, bias),) = start(centered).items()
    assert path == ('project', 'bias')
    np.testing.assert_array_equal(bias, np.full(D, -mean))


def test_its_channel_is_the_text():
  channels = Text.channels(TextConfig(decay=0.5), Facts(D))
  assert channels == (Channel(D, 0.5),)


@pytest.mark.parametrize('decay', [0.0, 1.1])
def test_a_decay_is_a_share(decay):
  with pytest.raises(UserError, match=r'decay=.*above 0 and at most 1'):
    TextConfig(decay=decay)
