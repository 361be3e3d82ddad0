import json
import zipfile

import numpy as np
import pyarrow.parquet as pq
import pytest

from jaxrec.evaluation import metrics, predictions
from tests.evaluation.held_out_split import N, make, scorer

IDS = [f'item{i}' for i in range(N)]


def write(directory, examples, judged, shown):
  return predictions.write(
    directory, 'predictions', examples, judged, IDS, shown=shown
  )


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
    ranks = np.array(json.loads(ranks))
    assert sorted(ranks) == list(range(1, len(ranks) + 1))
    logits = judged.logits[examples.shown(i)]
    assert (np.diff(logits[np.argsort(ranks)]) <= 0).all()


@pytest.mark.parametrize('sampled', [0, 9])
def test_parquet_holds_what_was_judged(tmp_path, held_out, sampled):
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
    of_example = judged.places.owners == i
    assert row['target_ranks'] == ranks[of_example].tolist()
    for target, rank in zip(targets, row['target_ranks'], strict=True):
      if target in items:  # Among equals its place is open.
        score = row['scores'][items.index(target)]
        assert sum(other > score for other in row['scores']) < rank


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
