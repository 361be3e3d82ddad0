"""A bundle of own logs: item vectors that are no texts, and closed forms."""

import dataclasses

import jax
import numpy as np
import pytest

import jaxrec
from jaxrec.bundle import layout
from jaxrec.console import Display
from jaxrec.ensemble.ensemble import Ensemble
from jaxrec.inference.kept_texts import without_mean
from jaxrec.retrieval.neighbours import Histories
from jaxrec.training.experiment import Experiment
from tests.bundles import GAINS

NEW = {'item_id': 'new', 'title': 'Neu', 'sold_at': ''}


@pytest.fixture
def model(own_logs):
  return jaxrec.load(own_logs[2])


def logits_of(scored):
  return np.array([x.logit for x in scored])


def texts_score(model, history, wanted, ages=None):
  """What the member of the texts says, of ids of the training."""
  rows = model._answerer.item_vectors._trained
  matrix = model._answerer.members.matrices['texts']
  count = len(history)
  added = matrix.scores(
    Histories(
      np.zeros(count, np.int64),
      np.array([rows[x] for x in history]),
      np.arange(count)[::-1] if ages is None else np.array(ages),
    )
  )
  scores = dict(zip(added.items.tolist(), added.values.tolist(), strict=True))
  return scores.get(rows[wanted], 0.0)


def test_lists_are_the_trainers(own_logs, model):
  """Ids and logits, with closed forms of what was refitted in them."""
  config, workdir, _ = own_logs
  experiment = Experiment.from_config(config, Display(quiet=True))
  with jax.set_mesh(experiment.mesh):
    state, frozen = experiment.init()
    params = experiment.restore_chosen(workdir, state).params
    scorer = dataclasses.replace(
      experiment.judge.scorer(params, frozen),
      ensemble=Ensemble(experiment.refit().judge.members, GAINS),
    )
    test = experiment.dataset.test
    ranked = scorer.rank(test, True, 10)
  ids = experiment.dataset.items['item_id']
  spans = [slice(*test.history_offsets[i : i + 2]) for i in range(len(test))]
  lists = model.recommend_many(
    [[ids[int(x)] for x in test.history[here]] for here in spans],
    times=[test.history_times[here].tolist() for here in spans],
    explain=True,
  )
  for best, items, scores in zip(
    lists, ranked.items, ranked.scores, strict=True
  ):
    assert [x.item_id for x in best] == [ids[int(x)] for x in items if x >= 0]
    np.testing.assert_allclose(
      logits_of(best), scores[: len(best)] + float(params['bias']), atol=1e-4
    )
  terms = [x.terms for best in lists for x in best]
  assert {*terms[0]} == {'item', 'rules', 'ease', 'texts', 'bias'}
  assert all(any(x[name] for x in terms) for name in ('rules', 'texts', 'item'))
  assert not any(x['ease'] for x in terms)


def test_the_bundle_says_what_is_in_it(own_logs, model):
  assert model.manifest['ensemble'] == GAINS
  assert set(model._answerer.members.matrices) == {'rules', 'texts'}
  assert (own_logs[2] / layout.ENSEMBLE).is_file()
  assert model.manifest['calibration']['kind'] == 'softmax'


def test_users_of_one_call_are_those_of_calls_of_their_own(model):
  ids = model.item_ids
  histories = [ids[:5], [], ids[7:8], [*ids[3:9], {'text': 'a thing'}]]
  candidates = [ids[10:13]] * len(histories)
  together = model.recommend_many(histories, 7, explain=True)
  scored = model.score_many(histories, candidates, explain=True)
  for history, best, its in zip(histories, together, scored, strict=True):
    alone = model.recommend(history, 7, explain=True)
    assert [x.item_id for x in alone] == [x.item_id for x in best]
    np.testing.assert_allclose(logits_of(alone), logits_of(best), atol=1e-5)
    again = model.score(history, [x.item_id for x in best], explain=True)
    np.testing.assert_allclose(logits_of(again), logits_of(best), atol=1e-5)
    for a, b in zip(again, best, strict=True):
      assert a.terms == pytest.approx(b.terms, abs=1e-5)
      assert a.contributions == pytest.approx(b.contributions, abs=1e-5)
    alone = model.score(history, candidates[0])
    np.testing.assert_allclose(logits_of(alone), logits_of(its), atol=1e-5)


def test_explanations_add_up_to_the_logit(model):
  ids = model.item_ids
  history = [*ids[:4], {'text': 'a thing'}]
  best = model.recommend(history, 5, explain=True)
  none = model.score([], [x.item_id for x in best])
  for item, without in zip(best, none, strict=True):
    assert sum(item.terms.values()) == pytest.approx(item.logit, abs=1e-4)
    changed = item.logit - without.logit
    assert sum(item.contributions) == pytest.approx(changed, abs=1e-4)
  assert any(x.terms['texts'] for x in best)
  # Of one entry it is what that entry changes, the closed forms' part too.
  (one,) = model.score(ids[:1], [best[0].item_id], explain=True)
  assert one.contributions[0] == pytest.approx(
    one.logit - none[0].logit, abs=1e-5
  )


@pytest.mark.parametrize('given', [[], 3])
def test_scores_and_probabilities_have_the_order_of_the_logits(model, given):
  history = model.item_ids[:given] if given else []
  every = model.recommend(history, 99, strategy='probability')
  chances = [x.probability for x in every]
  assert chances == sorted(chances, reverse=True)
  assert 0.999 < sum(chances) <= 1
  assert (np.diff(logits_of(every)) <= 0).all()
  scored = model.score(history, [x.item_id for x in every])
  np.testing.assert_allclose([x.probability for x in scored], chances, 1e-4)
  scores = np.array([x.score for x in scored])
  assert np.abs(scores).max() < 1 and (np.diff(scores) <= 0).all()
  if history:
    best = model.recommend(history, 99)
    np.testing.assert_allclose([x.score for x in best], scores, atol=1e-6)


def test_columns_may_have_the_names_of_their_file(model):
  """Which calls `sold_at` 'sold at'."""
  assert model.manifest['own_names'] == {'sold at': 'sold_at'}
  ours = {'title': 'Neu', 'sold_at': 'café'}
  files = {'title': 'Neu', 'sold at': 'café'}
  added = model.add_items([{'item_id': 'p', **ours}, {'item_id': 'q', **files}])
  assert added[0].text == added[1].text
  assert added[1].fields == {'item_id': 'q', **ours}
  scored = model.score([files, ours], ['p', 'q'])
  np.testing.assert_allclose(*logits_of(scored), rtol=1e-5)


def test_ages_are_of_events(model):
  """Items of one time are one event; what is later counts more."""
  a, b, c = model.item_ids[:3]
  wanted = model.item_ids[8]
  term = lambda history, **more: model.score(
    history, [wanted], explain=True, **more
  )[0].terms['texts']
  gain = GAINS['texts']
  for times, ages in ((None, (2, 1, 0)), ([5, 5, 9], (1, 1, 0))):
    assert term([a, b, c], times=times) == pytest.approx(
      gain * texts_score(model, [a, b, c], wanted, ages), abs=1e-5
    )


def test_items_that_come_and_go(model):
  """Closed forms know items of the training, wherever these lie."""
  ids = model.item_ids
  history, (first, second) = ids[:4], ids[4:6]
  before = {x.item_id: x for x in model.recommend(history, 99, explain=True)}
  columns = model.item(first).fields
  model.remove_items([first, second])
  left = model.recommend(history, 99, explain=True)
  assert {x.item_id for x in left} == set(before) - {first, second}
  # Another item takes the row, not what was known of the one that was there.
  model.add_items([NEW])
  model.add_items([columns])
  assert model._index.ids.index('new') == 4 and model._index.rows[first] == 5
  after = {x.item_id: x for x in model.recommend(history, 99, explain=True)}
  assert set(after) == set(before) - {second} | {'new'}
  assert after['new'].terms['rules'] == after['new'].terms['texts'] == 0
  for item_id in after.keys() - {'new'}:
    assert after[item_id].logit == pytest.approx(
      before[item_id].logit, abs=1e-5
    )
    assert after[item_id].terms == pytest.approx(
      before[item_id].terms, abs=1e-5
    )
  # In histories, too, and by its columns with its id.
  alike = [[first], [columns]]
  here, given = (
    logits_of(model.score(history, ids[:3] + ids[6:9])) for history in alike
  )
  np.testing.assert_allclose(here, given, atol=1e-5)
  (of_new,) = model.score(['new'], [ids[7]], explain=True)
  assert of_new.terms['rules'] == of_new.terms['texts'] == 0


def test_texts_are_kept_beside_the_vectors(model):
  index = model._index
  assert index.texts is not None and index.table.shape[1] == 8
  model.add_items([NEW, {'item_id': 'copy', 'title': 'Neu', 'sold_at': ''}])
  found = model.search('Neu', 2)
  assert {x.item_id for x in found} == {'new', 'copy'}
  text = model.item('new').text
  nearest = model._answerer.item_vectors.nearest(model._index, text, 2)
  assert {model._index.ids[row] for row in nearest} == {'new', 'copy'}
  model.remove_items(['copy'])
  every = model._answerer.item_vectors.nearest(model._index, text, 99)
  ids = [model._index.ids[row] for row in every]
  assert ids[0] == 'new' and sorted(ids) == sorted(model.item_ids)
  # What was kept is what the encoder says now, but for the halves' precision.
  first = model.item_ids[0]
  row = model._index.rows[first]
  kept = model._index.texts_of(np.array([row]))
  model.add_items([model.item(first).fields])
  made = model._index.texts_of(np.array([row]))
  np.testing.assert_allclose(made, kept, atol=2e-3)
  assert np.linalg.norm(made) == pytest.approx(1, abs=1e-5)


def test_lists_differ_by_texts(model):
  texts = [f'{i} box' for i in range(20)]
  model.add_items({'item_id': x, 'title': x, 'sold_at': ''} for x in texts)
  history = model.item_ids[:2]
  first, *rest = [x.item_id for x in model.recommend(history, 20, only=texts)]
  model.add_items(
    {'item_id': f'same{i}', 'title': first, 'sold_at': ''} for i in range(3)
  )
  options = {'k': 5, 'only': ['same0', 'same1', 'same2', *rest]}
  best = [x.item_id for x in model.recommend(history, **options)]
  assert {x[:4] for x in best[:3]} == {'same'}
  differ = model.recommend(history, **options, diversity=0.5)
  ids = [x.item_id for x in differ]
  assert ids[0] == best[0] and not ids[1].startswith('same')


def test_vectors_without_their_mean():
  mean = np.array([1.0, 2.0], np.float32)
  pooled = np.array([[4.0, 6.0], [1.0, 2.0]], np.float32)
  np.testing.assert_allclose(
    without_mean(pooled, mean), [[0.6, 0.8], [0, 0]], atol=1e-6
  )
