"""What the text of an item is, by whatever names its columns come."""

import pytest

from jaxrec.errors import UserError
from jaxrec.inference.item_texts import ItemTextReader

OWN = {
  'sku': 'item_id',
  'name': 'title',
  'title': 'title_2',
  'Art No': 'Art_No',
}


def test_the_text_is_given_or_made_of_columns():
  reader = ItemTextReader('{title}', ['item_id', 'title', 'brand'])
  item = {'item_id': 'a', 'title': 'A mug'}
  assert reader.text_of(item, 'x') == reader.indexed(item) == 'A mug'
  given = item | {'text': 'Another'}
  assert reader.text_of(given, 'x') == reader.indexed(given) == 'Another'


@pytest.mark.parametrize('template', ['{title}', '{title}: {text}', '{text}'])
def test_a_column_called_text_is_one_like_any_other(template):
  reader = ItemTextReader(template, ['item_id', 'title', 'text'])
  item = {'item_id': 'a', 'title': 'A mug', 'text': 'A long story'}
  want = template.format(**item)
  # Of the catalog, and added again by its own columns.
  assert reader.indexed(item) == reader.text_of(item, 'x') == want


def test_without_the_templates_columns_it_is_the_text():
  reader = ItemTextReader('{title}', ['item_id', 'title', 'text'])
  item = {'item_id': 'a', 'text': 'A long story'}
  assert reader.indexed(item) == reader.text_of(item, 'x') == 'A long story'
  reader = ItemTextReader('{title}: {text}', ['item_id', 'title', 'text'])
  with pytest.raises(UserError, match="x has no 'title'"):
    reader.text_of(item, 'x')


def test_columns_come_by_our_names_or_the_files():
  columns = ['item_id', 'title', 'title_2', 'Art_No']
  reader = ItemTextReader('{title}', columns, OWN)
  want = {'item_id': 'a', 'title': 'A mug', 'title_2': 'Mr', 'Art_No': '7'}
  files = {'sku': 'a', 'name': 'A mug', 'title': 'Mr', 'Art No': '7'}
  assert reader.named(want, 'x') == reader.named(files, 'x') == want
  assert reader.text_of(reader.named(files, 'x'), 'x') == 'A mug'
  assert reader.named({'title': 'A'}, 'x') == {'title': 'A'}
  assert reader.named({'sku': 'a', 'text': 'T'}, 'x')['text'] == 'T'
  with pytest.raises(UserError, match="x: item_id is 'item_id' once more"):
    reader.named({'sku': 'a', 'item_id': 'b'}, 'x')
  with pytest.raises(UserError, match="'nom' is unknown: did you mean 'name'"):
    reader.check_columns({'nom': ''}, 'x')
