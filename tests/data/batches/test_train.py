import jax
import numpy as np
import pytest

from jaxrec.batch import Counts, Part
from jaxrec.data.batches.assemble import PackedItems, VectorItems
from jaxrec.data.batches.evaluate import (
  catalog_batches,
  eval_batches,
  history_batches,
)
from jaxrec.data.batches.train import TrainPipeline
from jaxrec.data.columns.impressions import Impressions
from jaxrec.data.datasets.mind import Mind
from jaxrec.data.items import catalog as catalog_lib
from jaxrec.data.items.catalog import Catalog
from jaxrec.errors import UserError
from jaxrec.training.flops import batch_counts

N = 300


def make_catalog(rng):
  lengths = rng.integers(2, 17, N)
  offsets = np.concatenate([[0], np.cumsum(lengths)])
  # Item i's tokens are all i: a batch shows which item lies where.
  tokens = np.repeat(np.arange(N), lengths).astype(np.int32)
  ids = np.array([f'N{i}' for i in range(N)])
  return Catalog(ids, ids, tokens, offsets, 'fingerprint')


def make_impressions(rng, examples=50):
  history = [rng.integers(0, N, rng.integers(0, 30)) for _ in range(examples)]
  shown = [
    rng.permutation(N)[: rng.integers(1, 40)].astype(np.int32)
    for _ in range(examples)
  ]
  labels = [(rng.random(len(c)) < 0.3).astype(np.uint8) for c in shown]
  ends = lambda rows: np.cumsum([0, *map(len, rows)], dtype=np.int64)
  return Impressions(
    impression_ids=np.array([f'I{i}' for i in range(examples)]),
    user_ids=np.array([f'U{i}' for i in range(examples)]),
    times=np.arange(examples),
    history=np.concatenate(history).astype(np.int32),
    history_offsets=ends(history),
    candidates=np.concatenate(shown),
    candidate_offsets=ends(shown),
    labels=np.concatenate(labels),
  )


@pytest.fixture(scope='module')
def data():
  rng = np.random.default_rng(3)
  return make_catalog(rng), make_impressions(rng)


def make_pipeline(data, items='packed', **changes):
  catalog, impressions = data
  if items == 'packed':
    items = PackedItems(catalog, 16, 4)
  elif items == 'vectors':
    vectors = np.repeat(np.arange(N, dtype=np.float32)[:, None], 3, axis=1)
    items = VectorItems(vectors)
  options = {
    'behaviours': impressions,
    'items': items,
    'batch_size': 8,
    'num_candidates': 5,
    'history_length': 10,
    'seed': 0,
    'part': Part(4, (0, 1, 2, 3)),
  }
  return TrainPipeline(**(options | changes))


def item_at(batch, slots, row_segments=4):
  """Which item each slot refers to, read off the batch alone."""
  if batch.vectors is not None:
    return batch.vectors[slots, 0].astype(int)
  rows, segments = slots // row_segments, slots % row_segments + 1
  first = (batch.segments[rows] == segments[..., None]).argmax(-1)
  return batch.tokens[rows, first]


def assert_equal(a, b):
  jax.tree.map(np.testing.assert_array_equal, a, b)


@pytest.mark.parametrize('items', ['packed', 'vectors'])
def test_slots_lead_to_the_clicks_histories_and_candidates(data, items):
  pipeline = make_pipeline(data, items)
  impressions = data[1]
  for step, batch in enumerate(pipeline.batches(0, 12)):
    ids = [name.split(' ')[1] for name in pipeline.describe(step)]
    assert batch.example_mask.all()
    for b, impression in enumerate(ids):
      i = int(impression[1:])
      mask = batch.history_mask[b]
      np.testing.assert_array_equal(
        item_at(batch, batch.history[b][mask]), impressions.history_of(i, 10)
      )
      shown = impressions.shown(i)
      truth = dict(
        zip(
          impressions.candidates[shown].tolist(),
          impressions.labels[shown].tolist(),
          strict=True,
        )
      )
      mask = batch.candidate_mask[b]
      candidates = item_at(batch, batch.candidates[b][mask]).tolist()
      assert len(set(candidates)) == len(candidates)
      labels = batch.labels[b][mask].tolist()
      assert labels == [truth[c] for c in candidates]
      assert sum(labels) == 1
      negatives = len(truth) - sum(truth.values())
      assert len(candidates) == min(5, 1 + negatives)


@pytest.mark.parametrize('items', ['packed', 'vectors'])
def test_an_item_is_encoded_once_a_batch(data, items):
  for batch in make_pipeline(data, items).batches(0, 5):
    referred = np.concatenate(
      [
        batch.history[batch.history_mask],
        batch.candidates[batch.candidate_mask],
      ]
    )
    items = item_at(batch, np.unique(referred))
    assert len(np.unique(items)) == len(items)


def test_an_epoch_visits_every_click_once_in_an_order_of_its_own(data):
  pipeline = make_pipeline(data, batch_size=1)
  count = pipeline.num_examples
  epochs = [
    np.concatenate(
      [pipeline.rows_of(e * count + i)[0].numpy() for i in range(count)]
    )
    for e in range(2)
  ]
  for epoch in epochs:
    np.testing.assert_array_equal(np.sort(epoch), np.arange(count))
  assert (epochs[0] != epochs[1]).any()


def test_a_batch_is_a_function_of_seed_and_step(data):
  whole = list(make_pipeline(data).batches(0, 30))
  for start in (7, 29):
    (batch, *_) = make_pipeline(data).batches(start, start + 1)
    assert_equal(batch, whole[start])
  (other, *_) = make_pipeline(data, seed=1).batches(7, 8)
  assert (other.labels.shape != whole[7].labels.shape) or not np.array_equal(
    other.tokens, whole[7].tokens
  )


@pytest.mark.parametrize('items', ['packed', 'hidden', 'vectors'])
def test_parts_are_the_whole_batchs_rows(data, items):
  """To the bit, whichever shards a process holds; and counts are the whole's.

  What the whole holds, nothing lost, the tests above say.
  """
  if items == 'hidden':
    rng = np.random.default_rng(0)
    hidden = rng.random((len(data[0].tokens), 3), np.float32)
    items = PackedItems(data[0], 16, 4, hidden)
  whole = make_pipeline(data, items)
  for held in ((0,), (1, 3), (0, 1, 2), (3,)):
    part = Part(4, held)
    own = make_pipeline(data, items, part=part)
    for (a, counts), (b, same) in zip(
      whole.counted(3, 8), own.counted(3, 8), strict=True
    ):
      assert_equal(jax.tree.map(lambda x, p=part: x[p.rows(len(x))], a), b)
      assert counts == same == counts_of(a)


def counts_of(batch):
  """Counts as read off a whole batch's arrays."""
  slots = np.concatenate(
    [batch.history[batch.history_mask], batch.candidates[batch.candidate_mask]]
  )
  return Counts(
    int(batch.example_mask.sum()),
    len(np.unique(slots)),
    int(batch.history_mask.sum()),
    *batch_counts(batch),
  )


def test_few_shapes(data):
  pipeline = make_pipeline(data)
  shapes = {batch.tokens.shape for batch in pipeline.batches(0, 100)}
  assert len(shapes) <= 8
  assert all(rows % 4 == 0 for rows, _ in shapes)


def test_nothing_to_learn_from_is_an_error(data):
  catalog, impressions = data
  only_clicks = Impressions(
    **{
      **vars(impressions),
      'labels': np.ones_like(impressions.labels),
    }
  )
  with pytest.raises(UserError, match='both a click and a non-click'):
    make_pipeline((catalog, only_clicks))


@pytest.mark.parametrize('batch_size', [1, 8, 64])
def test_evaluation_visits_every_candidate_once(data, batch_size):
  impressions = data[1]
  table_rows = np.arange(N, dtype=np.int32)[::-1].copy()
  owners = np.repeat(
    np.arange(len(impressions)), np.diff(impressions.candidate_offsets)
  )
  done = 0
  shapes = set()
  for shown, batch in eval_batches(
    impressions, table_rows, batch_size=batch_size, history_length=10
  ):
    assert shown.start == done < shown.stop
    done = shown.stop
    shapes.add(tuple(x.shape for x in jax.tree.leaves(batch)))
    count = shown.stop - shown.start
    np.testing.assert_array_equal(
      table_rows[batch.candidates[:count]], impressions.candidates[shown]
    )
    for b, i in zip(batch.examples[:count], owners[shown], strict=True):
      np.testing.assert_array_equal(
        table_rows[batch.history[b][batch.history_mask[b]]],
        impressions.history_of(i, 10),
      )
  assert done == len(impressions.candidates)
  assert len(shapes) == 1


def test_histories_come_once_each_and_of_one_length_together(data):
  impressions = data[1]
  table_rows = np.random.default_rng(0).permutation(N)
  done, shapes = 0, set()
  for which, (history, mask, context) in history_batches(
    impressions, table_rows, batch_size=4, history_length=20
  ):
    rows, width = history.shape
    assert mask.shape == history.shape and rows * width <= 4 * 20
    shapes.add(history.shape)
    assert not mask[len(which) :].any()
    for row, i in enumerate(which):
      expected = table_rows[impressions.history_of(i, 20)]
      np.testing.assert_array_equal(history[row][mask[row]], expected)
      # No times are known: each item is an event.
      numbers = np.arange(len(expected))
      np.testing.assert_array_equal(context.events[row][mask[row]], numbers)
      done += 1
  assert done == len(impressions) and len(shapes) > 1


def test_the_catalog_is_encoded_whole(data):
  catalog, _ = data
  wanted = np.arange(0, N, 2)
  done = []
  for chunk, rows, (tokens, _, segments) in catalog_batches(
    PackedItems(catalog, 16, 4), wanted, 24
  ):
    assert tokens.shape == (24, 16)
    for item, slot in zip(chunk, rows, strict=True):
      row, segment = divmod(int(slot), 4)
      own = tokens[row][segments[row] == segment + 1]
      assert len(own) == catalog.lengths[item] and (own == item).all()
    done.extend(chunk)
  assert sorted(done) == wanted.tolist()


def test_take_is_indexing(data):
  _, impressions = data
  rows = np.array([5, 3, 40, 3])
  taken = impressions.take(rows)
  for j, i in enumerate(rows):
    np.testing.assert_array_equal(
      taken.history_of(j, 99), impressions.history_of(i, 99)
    )
    for name in ('candidates', 'labels'):
      np.testing.assert_array_equal(
        getattr(taken, name)[taken.shown(j)],
        getattr(impressions, name)[impressions.shown(i)],
      )
  assert taken.impression_ids.tolist() == ['I5', 'I3', 'I40', 'I3']


def test_rows_are_well_filled_on_mind(mind_dir, minilm_dir, tmp_path):
  items = Mind(config='items', data_dir=tmp_path).items(mind_dir)
  titles = np.array([item['title'] for item in items])
  catalog = catalog_lib.tokenize(
    {'item_id': titles, 'title': titles},
    template='{title}',
    tokenizer_dir=minilm_dir,
    max_tokens=32,
    cache_dir=tmp_path,
  )
  builder = Mind(config='impressions', data_dir=tmp_path)
  records = list(builder.impressions(mind_dir, 'train'))
  flat = lambda name: np.concatenate([r[name] for r in records])
  ends = lambda name: np.cumsum([0, *(len(r[name]) for r in records)])
  impressions = Impressions(
    impression_ids=np.array([r['impression_id'] for r in records]),
    user_ids=np.array([r['user_id'] for r in records]),
    times=np.array([r['time'] for r in records]),
    history=flat('history').astype(np.int32),
    history_offsets=ends('history'),
    candidates=flat('candidates').astype(np.int32),
    candidate_offsets=ends('candidates'),
    labels=flat('labels').astype(np.uint8),
  )
  for row_tokens in (32, 128):
    pipeline = TrainPipeline(
      behaviours=impressions,
      items=PackedItems(catalog, row_tokens, row_tokens // 8),
      batch_size=32,
      num_candidates=5,
      history_length=50,
      seed=0,
    )
    filled = room = padded = 0
    for batch in pipeline.batches(0, 20):
      filled += np.count_nonzero(batch.segments)
      room += batch.segments.any(1).sum() * row_tokens
      padded += batch.segments.size
    assert filled / room >= 0.9
    assert filled / padded >= 0.8  # The ladder's empty rows counted, too.


@pytest.mark.parametrize('items', ['packed', 'vectors'])
def test_features_are_those_of_the_rows_items(data, items):
  """Whatever their shapes and types; rows that are no item have none."""
  numbers = np.arange(N, dtype=np.int32)
  features = {
    'fields': np.stack([numbers, -numbers], 1)[:, None],
    'age': np.sqrt(numbers + 1, dtype=np.float32)[:, None],
  }
  pipeline = make_pipeline(data, items, features=features)
  num_empty = 0
  for batch in pipeline.batches(0, 3):
    assert set(batch.features) == set(features)
    is_item = batch.items >= 0
    assert is_item.any()
    num_empty += (~is_item).sum()
    for name, values in features.items():
      rows = batch.features[name]
      assert rows.dtype == values.dtype
      np.testing.assert_array_equal(rows[is_item], values[batch.items[is_item]])
      assert (rows[~is_item] == {'fields': -1, 'age': 0}[name]).all()
  assert num_empty
