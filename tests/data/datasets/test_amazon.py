import gzip
import json

import pytest

from jaxrec.data.datasets.amazon import (
  FEATURES_LENGTH,
  UNTITLED,
  Amazon,
)
from jaxrec.errors import UserError


def product(key, **fields):
  return {
    **{'main_category': 'Toys', 'title': f'Toy  {key}', 'average_rating': 4.5},
    **{'features': [], 'price': None, 'store': None, 'categories': []},
    **{'parent_asin': key, 'details': {'a': 1}, **fields},
  }


def review(user, key, time=1_588_687_728_923, **fields):
  return {
    **{'rating': 5.0, 'user_id': user, 'asin': 'B9', 'parent_asin': key},
    **{'timestamp': time, 'title': 'Good', 'verified_purchase': True, **fields},
  }


META = [
  product('B1', categories=['Toys', None, 'Balls'], price=12.99, store='S'),
  product('B2', price='from 14.99', features=['x' * 200, 'y' * 200]),
  product('B1'),
  product(''),
  product('B3', title=None, price='None'),
]
REVIEWS = [
  review('U1', 'B2'),
  review('U2', 'B1', 999),
  review('U1', 'B2'),
  review('U1', 'B7'),
  review('U1', 'B1', -5),
  review('U1', 'B1', 10**17),
  review('', 'B1'),
]


def write(directory, meta=META, reviews=REVIEWS, category='Toys', end=''):
  for name, rows in ((f'meta_{category}', meta), (category, reviews)):
    content = ''.join(json.dumps(row) + '\n' for row in rows).encode()
    content += b'{"user_id": "cut\n'
    content = gzip.compress(content) if end else content
    (directory / f'{name}.jsonl{end}').write_bytes(content)


def make(config, directory):
  return Amazon(config=config, data_dir=directory / 'cache')


@pytest.mark.parametrize('end', ['', '.gz'])
def test_what_is_read_and_what_is_set_aside(tmp_path, end):
  write(tmp_path, end=end)
  items = make('items', tmp_path)
  products = list(items.items(tmp_path))
  assert products[0] == {
    **{'item_id': 'B1', 'title': 'Toy B1', 'category': 'Toys > Balls'},
    **{'store': 'S', 'price': '12.99', 'features': ''},
  }
  second = products[1]
  assert second['price'] == 'from 14.99' and second['category'] == 'Toys'
  assert second['features'] == ('x' * 200 + ' ' + 'y' * 200)[:FEATURES_LENGTH]
  assert products[2]['title'] == products[2]['price'] == ''
  assert items.counts == {
    **{'rows': 6, 'repeated items': 1, UNTITLED: 1},
    **{'malformed: no parent_asin': 1, 'malformed: not a JSON object': 1},
  }
  assert any(n.startswith(f'meta_Toys.jsonl{end}:3: ') for n in items.notes)
  reviews = make('sequences', tmp_path)
  assert [tuple(r) for r in reviews.interactions(tmp_path)] == [
    ('U1', 1, 1_588_687_728, ''),
    ('U2', 0, 0, ''),
    ('U1', 1, 1_588_687_728, ''),
  ]
  assert reviews.counts == {
    **{'rows': 8, 'reviews of unknown items': 1},
    **{'malformed: not a review': 3, 'malformed: not a JSON object': 1},
  }


def test_exactly_one_category(tmp_path):
  with pytest.raises(UserError, match=r'found no \.jsonl'):
    Amazon.files(tmp_path)
  write(tmp_path)
  assert [path.name for path in Amazon.files(tmp_path)] == [
    *('meta_Toys.jsonl', 'Toys.jsonl')
  ]
  write(tmp_path, category='Books', end='.gz')
  with pytest.raises(UserError, match=r'found Books\.jsonl\.gz, Toys\.jsonl, '):
    Amazon.files(tmp_path)
  for path in tmp_path.glob('*Books*'):
    path.unlink()
  (tmp_path / 'Toys.jsonl').unlink()
  with pytest.raises(UserError, match=r'found meta_Toys\.jsonl: give'):
    Amazon.files(tmp_path)


def test_a_missing_column_is_named(tmp_path):
  write(tmp_path, reviews=[{'user_id': 'U', 'parent_asin': 'B1'}])
  with pytest.raises(UserError, match=r"no column 'timestamp'.*found: 'user_i"):
    list(make('sequences', tmp_path).interactions(tmp_path))
