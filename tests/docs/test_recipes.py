"""The recipes of docs/contributing.md, followed: each part trains."""

import sys

import numpy as np

import jaxrec
from configs import ecommerce, news
from jaxrec.baselines import BASELINES
from jaxrec.commands.train import train_and_evaluate
from jaxrec.data.datasets import DATASETS
from jaxrec.models.heads import HEADS
from jaxrec.models.terms import TERMS
from jaxrec.models.text.registry import TEXT_MODELS, text_model_of
from jaxrec.training.objectives import OBJECTIVES
from jaxrec.training.trackers import TRACKERS
from tests.baselines.worlds import dense, make_world

# Each is followed by itself; they are trained together, which is quicker.
HEARD = '\n'.join(
  [
    # A hit of the first day, and what all hear on the next ones.
    *(f'l{listener} 9 0' for listener in range(4)),
    *(f'l{i} {day} {86_400 * day}' for i in range(8) for day in (1, 2)),
    # What one of each half has heard of late, and the other half hears next.
    *(f'l0 5 {86_400 * 3}', f'l4 6 {86_400 * 4}'),
    *(f'l{i} {6 if i < 4 else 5} {86_400 * 5}' for i in range(8)),
  ]
)


def test_a_member_of_the_ensemble(recipe):
  known, _ = make_world(0)
  part = recipe('BoughtWith')
  member = part.BoughtWith(part.BoughtWithConfig(neighbours=3, least=1))
  fitted = member.fit(known.sequences, known.vectors)
  actions = dense(known)
  counts = actions.T @ actions
  for item, row in enumerate(fitted.items):
    others = np.delete(counts[item], item)
    np.testing.assert_array_equal(
      np.sort(fitted.weights[item]), np.sort(others)[-3:]
    )
    np.testing.assert_array_equal(
      fitted.weights[item],
      np.where(fitted.weights[item] > 0, counts[item, row], 0),
    )


def test_a_language_model(recipe, tmp_path, monkeypatch):
  # Taken out again by monkeypatch, for it was not there before.
  monkeypatch.setitem(TEXT_MODELS, 'our-bert', TEXT_MODELS['bert'])
  recipe('our-bert')
  (tmp_path / 'config.json').write_text('{"model_type": "our-bert"}')
  assert text_model_of(tmp_path) == TEXT_MODELS['bert']


def test_a_head_an_objective_and_a_tracker(
  recipe, tiny_config, tmp_path, monkeypatch, one_device
):
  monkeypatch.setitem(HEADS, 'blend', recipe('Blend').Blend)
  monkeypatch.setitem(OBJECTIVES, 'squared', recipe('Squared').Squared)
  monkeypatch.setitem(TRACKERS, 'print', recipe('PrintTracker').PrintTracker)
  config = tiny_config('mind_small', news)
  with config.unlocked():
    config.model.head = {'type': 'blend', 'share': 0.25}
    config.objectives = {'squared': {}}
    config.tracking = {'print': {}}
  results = train_and_evaluate(config, tmp_path / 'run')
  head = results['config']['model']['head']
  assert (head['type'], head['share'], head['gaps']) == ('blend', 0.25, False)
  assert list(results['config']['objectives']) == ['squared']
  assert np.isfinite(results['metrics']['auc'])
  assert not list((tmp_path / 'run').glob('events.*'))  # TensorBoard's.


def test_a_dataset_a_baseline_and_a_term(
  recipe, tiny_config, tmp_path, monkeypatch, one_device
):
  """Trained, exported, explained, and asked of a text it never saw."""
  monkeypatch.setitem(DATASETS, 'radio', f'{recipe("Radio").__name__}:Radio')
  monkeypatch.setitem(BASELINES, 'newest', 'jaxrec.baselines.newest:Newest')
  # As if its file lay beside the others.
  monkeypatch.setitem(sys.modules, 'jaxrec.baselines.newest', recipe('Newest'))
  monkeypatch.setitem(TERMS, 'popular', recipe('Popular').Popular)
  songs = [f'Song {i} by Singer {i % 3}\n' for i in range(12)]
  (tmp_path / 'songs.txt').write_text(''.join(songs), encoding='utf8')
  (tmp_path / 'heard.txt').write_text(HEARD, encoding='utf8')
  config = tiny_config('interactions', ecommerce)
  config.data.name = 'radio'
  config.data.dir = str(tmp_path)
  config.data.interactions_file = config.data.items_file = ''
  config.data.text_template = '{song} by {singer}'
  config.evaluation.baselines = 'newest,popularity'
  with config.unlocked():
    config.model.terms = {'text': {}, 'popular': {'gain': 0.5}}
  results = train_and_evaluate(config, tmp_path / 'run')
  assert results['data']['sequences']['interactions'] == HEARD.count('\n') + 1
  newest, popularity = (
    results['baselines'][name] for name in ('newest', 'popularity')
  )
  assert newest['auc'] > popularity['auc']
  jaxrec.export(config, tmp_path / 'run', tmp_path / 'bundle')
  model = jaxrec.load(tmp_path / 'bundle')
  known, new = model.score([], ['0', {'song': 'New', 'singer': 'Nobody'}])
  assert np.isfinite([known.logit, new.logit]).all()
  best = model.recommend(['1', '2'], k=1, explain=True)[0]
  assert len(best.contributions) == 2 and 'popular' in best.terms
