"""A bundle that was trained and exported, as it is served."""

import numpy as np
import pytest

import jaxrec
from jaxrec.serve.warm import warm_up
from tests.serve.conftest import connected


@pytest.fixture(scope='module')
def made():
  return {}


@pytest.fixture
def bundle(made, tiny_config, one_device, tmp_path_factory):
  """Of two steps on the tiny MIND."""
  if not made:
    from jaxrec.commands import export, train

    workdir = tmp_path_factory.mktemp('workdir')
    made['bundle'] = tmp_path_factory.mktemp('served') / 'bundle'
    config = tiny_config(**{'evaluation.baselines': 'none'})
    train.train_and_evaluate(config, workdir)
    export.export_workdir(config, workdir, made['bundle'])
  return made['bundle']


@pytest.mark.slow
def test_it_answers_as_the_model_does(bundle, app_of):
  model = jaxrec.load(bundle)
  warm_up(model, 4)
  ids = model.item_ids
  item = {'item_id': 'new/1', 'title': 'Rain on the coast'}
  body = {'history': [*ids[:3], {'title': 'Rain'}], 'k': 4, 'explain': True}
  with connected(app_of(model)) as client:
    answer = client.post('/recommend', json=body).json()
    wanted = model.recommend(body['history'], 4, explain=True)
    assert answer['read'] == list(wanted.read) and len(wanted) == 4
    for sent, scored in zip(answer['recommendations'], wanted, strict=True):
      assert sent['item_id'] == scored.item_id
      assert sent['text'] == model.item(scored.item_id).text
      for name in ('score', 'logit', 'contributions'):
        np.testing.assert_allclose(
          sent[name], getattr(scored, name), rtol=1e-4, atol=1e-5
        )
    about = client.get('/about').json()
    assert about['items'] == len(ids)
    assert about['categories'] == model.categories
    scored = {'history': ids[:2], 'candidates': [ids[4], {'title': 'Rain'}]}
    scores = client.post('/score', json=scored).json()['scores']
    assert [s['item_id'] for s in scores] == [ids[4], '#1']
    # What the model refuses is the fault of who asked.
    for path, body in (
      ('/recommend', {'categories': ['no such']}),
      ('/recommend', {'only': ['no such']}),
      ('/recommend', {'threshold': 0.5}),
      ('/recommend', {'history': ids[:2], 'times': [5, 4]}),
      ('/recommend', {'history': ids[:2], 'times': [5]}),
      ('/recommend', {'history': ids[:2], 'behaviours': ['a', 'b']}),
      ('/items', {'items': [{'item_id': 'a', 'price': 1}]}),
      ('/items', {'items': [item | {'titel': 'Rain'}]}),
      ('/items', {'items': [item, item]}),
    ):
      answer = client.post(path, json=body)
      assert answer.status_code == 422, (path, body, answer.text)
    client.post('/items', json={'items': [item]}).raise_for_status()
    client.delete(f'/items/{ids[0]}').raise_for_status()
    only = {'history': [{'title': 'Rain on the coast'}], 'only': ['new/1']}
    before = client.post('/recommend', json=only).json()
    assert before['recommendations'][0]['text'] == 'Rain on the coast'
  again = jaxrec.load(bundle)
  with connected(app_of(again)) as client:
    assert client.post('/recommend', json=only).json() == before
    assert client.get('/items/new/1').json()['text'] == 'Rain on the coast'
    assert client.get(f'/items/{ids[0]}').status_code == 404
    assert client.get('/about').json()['items'] == len(ids)
