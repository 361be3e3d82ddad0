import zipfile

import numpy as np
import pyarrow.parquet as pq
import pytest

from jaxrec.data.splits.sequences import sequences_of
from jaxrec.evaluation import metrics, predictions, protocols
from jaxrec.evaluation.showcase import showcase
from jaxrec.evaluation.slices import slices
from tests.evaluation.test_protocols import N, held_out, listed, make, scorer  # noqa: F401

IDS = [f'item{i}' for i in range(N)]


def write(directory, examples, judged, shown):
  return predictions.write(
    directory, 'predictions', examples, judged, IDS, shown=shown
  )


@pytest.fixture(scope='module')
def shown(held_out):  # noqa: F811
  examples = listed(held_out, masked=False)
  return examples, protocols.Shown().judge(scorer(), examples, 0.0)


def test_prediction_txt_is_as_mind_takes_it(tmp_path, shown):
  examples, judged = shown
  path = write(tmp_path, examples, judged, shown=True)
  with zipfile.ZipFile(path) as archive:
    assert archive.namelist() == ['prediction.txt']
    lines = archive.read('prediction.txt').decode().splitlines()
  assert [p.name for p in tmp_path.iterdir()] == ['predictions.zip']
  assert len(lines) == len(examples)
  for i, line in enumerate(lines):
    name, ranks = line.split(' ')
    assert name == examples.impression_ids[i]
    ranks = np.array(eval(ranks))
    assert sorted(ranks) == list(range(1, len(ranks) + 1))
    logits = judged.logits[examples.shown(i)]
    assert (np.diff(logits[np.argsort(ranks)]) <= 0).all()


@pytest.mark.parametrize('sampled', [0, 9])
def test_parquet_holds_what_was_judged(tmp_path, held_out, sampled):  # noqa: F811
  protocol = make(sampled=sampled)
  examples, _ = protocol.examples(held_out)
  judged = protocol.judge(scorer(), examples, 0.0)
  path = write(tmp_path, examples, judged, shown=False)
  rows = pq.read_table(path).to_pylist()
  ranks = judged.places.ranks()
  assert len(rows) == len(examples)
  for i, row in enumerate(rows):
    items = [int(name[4:]) for name in row['items']]
    assert items == [j for j in judged.top[i] if j >= 0]
    assert (np.diff(row['scores']) <= 0).all()
    shown = examples.shown(i)
    targets = examples.candidates[shown][examples.labels[shown] > 0]
    assert row['targets'] == [IDS[j] for j in targets]
    mine = judged.places.owners == i
    assert row['target_ranks'] == ranks[mine].tolist()
    for target, rank in zip(targets, row['target_ranks'], strict=True):
      if target in items:  # Among equals its place is open.
        score = row['scores'][items.index(target)]
        assert sum(other > score for other in row['scores']) < rank


def test_showcases_are_what_they_say(shown):
  examples, judged = shown
  found = showcase(examples, judged, IDS, IDS, seed=0)
  assert {'hit', 'miss', 'new user'} >= {f['kind'] for f in found} >= {'miss'}
  ranks = judged.places.ranks()
  for one in found:
    best = min(c['rank'] for c in one['clicked'])
    if one['kind'] == 'hit':
      assert best == 1
    elif one['kind'] == 'miss':
      assert best > 5
    else:
      assert not one['history']
    clicked = {c['id'] for c in one['clicked']}
    for item in one['recommended']:
      assert item['clicked'] == (item['id'] in clicked)
  assert found == showcase(examples, judged, IDS, IDS, seed=0)
  assert ranks.min() >= 1


def test_slices_part_the_examples(held_out):  # noqa: F811
  known = sequences_of(held_out.take(np.arange(30)))
  popularity = np.bincount(known.items, minlength=N)
  found = slices(held_out, known, popularity)
  assert set(found) == {'history length', 'user', 'clicked item known to'}
  for masks in found.values():
    assert (np.sum(list(masks.values()), axis=0) == 1).all()
  assert found['user']['new'].tolist() == [i >= 30 for i in range(40)]
  lengths = np.diff(held_out.history_offsets)
  np.testing.assert_array_equal(found['history length']['0'], lengths == 0)
  best = [
    popularity[held_out.candidates[held_out.shown(i)]].max() for i in range(40)
  ]
  for name, mask in found['clicked item known to'].items():
    low = int(name.split('-')[0].split('+')[0].split(' ')[0])
    assert all(best[i] >= low for i in np.flatnonzero(mask))


def test_equal_logits_are_not_ranked_by_the_file(shown):
  examples, _ = shown
  flat = np.zeros(len(examples.candidates), np.float32)
  ranks = predictions.candidate_ranks(flat, examples)
  first = ranks[examples.shown(0)]
  assert sorted(first) == list(range(1, len(first) + 1))
  assert abs(np.corrcoef(first, np.arange(len(first)))[0, 1]) < 0.5
  values = metrics.rank_metrics(
    metrics.place(flat, examples.labels, examples.candidate_offsets)
  )
  assert metrics.finalize(values)['auc'] == 0.5
