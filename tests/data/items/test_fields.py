"""Values of items' fields, numbered."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from jaxrec.data.items.fields import (
  BUCKETS,
  VALUES,
  Field,
  learn,
  numbered,
)
from jaxrec.errors import UserError

COLUMNS = {
  'item_id': [str(i) for i in range(40)],
  'category': ['Drama|War', 'Drama', '', ' War | War ', 'A|B|C|D|E'] * 8,
  'price': [str(i / 4) for i in range(38)] + ['', '1e3'],
  'few': ['1', '2'] * 20,
  'none': [''] * 40,
}


def test_names_are_numbered_and_several_at_once():
  (field,) = learn(COLUMNS, ['category'])
  assert field.names == ('A', 'B', 'C', 'D', 'Drama', 'E', 'War')
  values = field.numbered(COLUMNS['category'][:5])
  names = [[field.names[v] for v in row if v >= 0] for row in values]
  assert names == [['Drama', 'War'], ['Drama'], [], ['War'], [*'ABCD']]
  assert values.shape == (5, VALUES)
  # An item that came later, with a value nobody has seen.
  assert field.numbered(['Noir|War']).tolist() == [[6, -1, -1, -1]]


def test_numbers_fall_into_quantiles():
  (field,) = learn(COLUMNS, ['price'])
  values = field.numbered(COLUMNS['price'])[:, 0]
  assert values[38] == -1 and values[39] == BUCKETS - 1
  assert (np.diff(values[:38]) >= 0).all() and values[0] == 0
  counts = np.bincount(values[values >= 0])
  assert len(counts) == BUCKETS == field.size and counts.min() >= 2
  assert field.numbered(['-5', '1e9', 'dear']).T[0].tolist() == [0, 15, -1]


def test_few_numbers_are_names():
  assert learn(COLUMNS, ['few'])[0].names == ('1', '2')


def test_fields_share_one_range_and_survive_json():
  fields = learn(COLUMNS, ['category', 'price', 'few'])
  values = numbered(fields, COLUMNS, 40)
  assert values.shape == (40, 3, VALUES) and values.dtype == np.int32
  ends = np.cumsum([f.size for f in fields])
  for f, (begin, end) in enumerate(zip([0, *ends], ends, strict=False)):
    some = values[:, f][values[:, f] >= 0]
    assert some.min() >= begin and some.max() < end
  kept = json.loads(json.dumps([asdict(field) for field in fields]))
  again = [Field(x['name'], tuple(x['names']), tuple(x['edges'])) for x in kept]
  np.testing.assert_array_equal(numbered(again, COLUMNS, 40), values)
  assert (numbered(fields, {}, 2) == -1).all()


@pytest.mark.parametrize(
  ('name', 'message'),
  [
    ('categry', "did you mean 'category'"),
    ('item_id', 'is unknown'),
    ('none', 'none is empty in every item'),
  ],
)
def test_fields_that_cannot_be(name, message):
  with pytest.raises(UserError, match=message):
    learn(COLUMNS, [name])
