"""Texts of items are made of the columns that a template names."""

import pytest

from jaxrec.data.items.template import Template
from jaxrec.errors import UserError


def test_a_text_of_columns():
  template = Template('{title}: {price:>5} {title!r}')
  assert template.columns == ['price', 'title']
  columns = {'title': 'Rain', 'price': '3', 'item_id': 'N1'}
  assert template.fill(columns) == "Rain:     3 'Rain'"


@pytest.mark.parametrize('template', ['no columns', '{title', ''])
def test_what_is_no_template(template):
  with pytest.raises(UserError, match=r'data\.text_template'):
    Template(template)
