"""Members against their formulas written out densely, and the gains."""

import numpy as np
import pytest

from jaxrec.baselines.rules import SequentialRules
from jaxrec.ensemble import MEMBERS
from jaxrec.ensemble.ensemble import Ensemble, histories_of
from jaxrec.ensemble.store import kept
from jaxrec.ensemble.texts import centered_units
from jaxrec.evaluation import gains, metrics
from jaxrec.evaluation.protocols import WholeCatalog
from jaxrec.retrieval.neighbours import (
  Added,
  Histories,
  Neighbours,
  combined,
  looked_up,
  strongest,
)
from tests.baselines.worlds import dense, make_world

LENGTH = 5


def matrix_of(member: Neighbours) -> np.ndarray:
  """float64 [N, N]."""
  count = len(member.items)
  whole = np.zeros((count, count))
  rows = np.repeat(np.arange(count), member.items.shape[1])
  np.add.at(whole, (rows, member.items.ravel()), member.weights.ravel())
  return whole


def filled(added: Added, shape) -> np.ndarray:
  whole = np.zeros(shape)
  np.add.at(whole, (added.owners, added.items), added.values)
  return whole


def fitted(name, known, **changes):
  config = MEMBERS[name].Config(neighbours=known.num_items, **changes)
  return MEMBERS[name](config).fit(known.sequences, known.vectors)


def test_rules_are_those_of_the_baseline_but_for_an_item_itself():
  known, _ = make_world(0)
  want = SequentialRules(steps=4).fit(known).weights.toarray()
  np.fill_diagonal(want, 0)
  got = matrix_of(fitted('rules', known, steps=4))
  np.testing.assert_allclose(got, want, rtol=1e-6)


@pytest.mark.parametrize('texts', [0.0, 2.0])
def test_ease_with_texts_is_its_formula(texts):
  known, _ = make_world(1)
  actions, units = dense(known), centered_units(known.vectors)
  gram = actions.T @ actions + texts**2 * units @ units.T
  inverse = np.linalg.inv(gram + 3 * np.eye(len(gram)))
  want = inverse / -np.diag(inverse)[None]
  np.fill_diagonal(want, 0)
  unseen = actions.sum(0) == 0
  if not texts:  # Items that nobody acted on take no part.
    want[unseen], want[:, unseen] = 0, 0
  got = matrix_of(fitted('ease', known, penalty=3.0, texts=texts))
  np.testing.assert_allclose(got, np.maximum(want, 0), atol=1e-5)


def test_texts_are_the_cosines_without_the_mean():
  known, _ = make_world(2)
  units = centered_units(known.vectors)
  want = np.maximum(units @ units.T, 0)
  np.fill_diagonal(want, 0)
  np.testing.assert_allclose(matrix_of(fitted('texts', known)), want, atol=1e-6)


def test_the_strongest_are_kept():
  rows = np.random.default_rng(0).normal(size=(6, 9))
  rows[0] = -1
  items, weights = strongest(rows, 3)
  for row, chosen, values in zip(rows, items, weights, strict=True):
    want = np.sort(np.maximum(row, 0))[-3:]
    np.testing.assert_allclose(np.sort(values), want, rtol=1e-6)
    np.testing.assert_allclose(row[chosen[values > 0]], values[values > 0])


def test_scores_are_logs_of_faded_sums_over_distinct_items():
  rng = np.random.default_rng(0)
  items, weights = strongest(rng.random((8, 8)), 4)
  member = Neighbours(items, weights, decay=0.6, unit=0.3)
  histories = Histories(
    np.array([0, 0, 0, 0, 2]),
    np.array([3, 5, 3, -1, 7]),
    np.array([3, 2, 1, 0, 0]),
  )
  matrix = matrix_of(member)
  want = np.zeros((3, 8))
  want[0] = 0.6 * matrix[3] + 0.6**2 * matrix[5]
  want[2] = matrix[7]
  got = filled(member.scores(histories), (3, 8))
  np.testing.assert_allclose(got, np.log1p(want / 0.3), rtol=1e-5)
  both = combined({'a': member, 'b': member}, {'a': 0.5, 'b': 0.0}, histories)
  np.testing.assert_allclose(filled(both, (3, 8)), 0.5 * got, rtol=1e-5)


@pytest.mark.parametrize('timed', [True, False])
def test_examples_histories_are_their_last_items_and_events(timed):
  _, examples = make_world(3, timed=timed)
  rows = np.arange(len(examples))
  owners, items, ages = histories_of(examples, rows, LENGTH)
  for i in rows:
    part = slice(*examples.history_offsets[i : i + 2])
    history = examples.history[part]
    times = np.arange(len(history))
    if timed:
      times = examples.history_times[part]
    _, events = np.unique(times, return_inverse=True)
    np.testing.assert_array_equal(items[owners == i], history[-LENGTH:])
    after = events.max(initial=0) - events
    np.testing.assert_array_equal(ages[owners == i], after[-LENGTH:])


def test_candidates_get_what_is_added_to_them():
  known, examples = make_world(4)
  members = {name: fitted(name, known) for name in MEMBERS}
  ensemble = Ensemble(members, {'rules': 1.0, 'ease': 0.3, 'texts': 0.2})
  shape = len(examples), known.num_items
  whole = filled(ensemble.of_examples(examples, LENGTH)(0, shape[0]), shape)
  owners = np.repeat(
    np.arange(len(examples)), np.diff(examples.candidate_offsets)
  )
  np.testing.assert_allclose(
    ensemble.pairs(examples, LENGTH),
    whole[owners, examples.candidates],
    rtol=1e-5,
  )


def test_what_is_kept_comes_back(tmp_path):
  known, _ = make_world(5)
  first = kept(tmp_path / 'x', lambda: fitted('rules', known))
  again = kept(tmp_path / 'x', lambda: pytest.fail('it was kept'))
  np.testing.assert_array_equal(first.items, again.items)
  np.testing.assert_array_equal(first.weights, again.weights)
  assert (first.decay, first.unit) == (again.decay, again.unit)


class Network:
  """A scorer of random vectors, as `gains.contenders` asks one."""

  history_length = LENGTH

  def __init__(self, num_items):
    self.items = np.random.default_rng(0).normal(size=(num_items, 4))

  def encoded(self, examples):
    rng = np.random.default_rng(len(examples))
    users = rng.normal(size=(len(examples), 4)).astype(np.float32)
    return users, self.items.astype(np.float32)


@pytest.mark.parametrize('seen', ['masked', 'kept'])
def test_contenders_rank_as_the_whole_catalog_does(seen):
  known, examples = make_world(6)
  members = {name: fitted(name, known) for name in MEMBERS}
  protocol = WholeCatalog('leave_one_out', seen)
  network = Network(known.num_items)
  weights = {'network': 1.0, 'rules': 0.7, 'ease': 2.0, 'texts': 0.1}
  got = gains.contenders(network, members, protocol, examples, seed=0)
  ranked, _ = protocol.examples(examples)
  users, items = network.encoded(ranked)
  scores = users @ items.T
  histories = histories_of(ranked, np.arange(len(ranked)), LENGTH)
  for name, member in members.items():
    scores += weights[name] * filled(member.scores(histories), scores.shape)
  want = np.zeros(len(ranked))
  for i in range(len(ranked)):
    targets = ranked.candidates[ranked.shown(i)]
    others = np.ones(known.num_items, bool)
    if seen == 'masked':
      others[ranked.history_of(i, 99)] = False
    others[targets] = False
    want[i] = any(
      (scores[i][others] > scores[i, t]).sum() < 10 for t in targets
    )
  hits, valid = got.judged(weights)['hr@10']
  np.testing.assert_array_equal(hits[valid > 0], want[valid > 0])


def test_gains_are_0_of_what_hurts_and_above_of_what_helps():
  rng = np.random.default_rng(0)
  size, count = 40, 60
  owners = np.repeat(np.arange(size), count)
  is_target = np.tile(np.arange(count) == 0, size)
  noise = lambda: rng.normal(size=size * count).astype(np.float32)
  contenders = gains.Contenders(
    owners=owners,
    is_target=is_target,
    scores={
      'network': noise() + is_target,
      'good': noise() + 2 * is_target,
      'bad': -5 * is_target.astype(np.float32),
    },
    num_examples=size,
    others=np.full(size, count - 1),
  )
  chosen = gains.choose(contenders, 'ndcg@10')
  assert chosen['bad'] == 0 and chosen['good'] > 0.5
  told = gains.parts(contenders, chosen, 'ndcg@10')
  assert told['good']['whole'] > told['good']['without']
  assert told['network']['whole'] > told['network']['alone']
  assert set(told) == {'network', 'good', 'bad'}
  assert metrics.finalize(contenders.judged({'network': 1.0}))['hr@10'] > 0


def test_of_some_items_alone():
  """What is asked about few items is what the whole says of them."""
  known, _ = make_world(2)
  member = fitted('ease', known)
  histories = Histories(
    np.array([0, 0, 1]), np.array([1, 3, 2]), np.array([1, 0, 0])
  )
  among = np.zeros(known.num_items, bool)
  among[[0, 4, 5]] = True
  shape = 2, known.num_items
  whole = filled(member.scores(histories), shape)
  some = filled(member.scores(histories, among), shape)
  assert some.any()
  np.testing.assert_allclose(some, np.where(among, whole, 0))
  owners, items = np.array([0, 1, 1, 0]), np.array([4, 5, -1, -1])
  np.testing.assert_allclose(
    looked_up(member.scores(histories, among), owners, items),
    [whole[0, 4], whole[1, 5], 0, 0],
    rtol=1e-6,
  )
