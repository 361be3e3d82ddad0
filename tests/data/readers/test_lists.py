"""Lists as exports write them."""

import json

import numpy as np
import pytest

from jaxrec.data.readers.lists import elements, label_of

IDS = ['N1', 'a b', 'c,d', "it's", 'say "so"', 'Amélie', '12', 'back\\slash']


@pytest.mark.parametrize(
  'text',
  [
    json.dumps(IDS),
    json.dumps(IDS, ensure_ascii=False),
    str(IDS),
    str(np.array(IDS, dtype=object)),
    f' {IDS} ',
    str(tuple(IDS)),
    '{' + ','.join(json.dumps(x, ensure_ascii=False) for x in IDS) + '}',
  ],
)
def test_every_spelling_says_the_same(text):
  assert elements(text) == IDS


@pytest.mark.parametrize(
  'text',
  [
    *('N1 N2 3', 'N1,N2,3', 'N1, N2, 3', 'N1|N2|3', 'N1;N2;3', ' N1\tN2 3 '),
    *('["N1", "N2", 3]', '["N1", "N2", 3.0]', '[N1 N2 3]', "['N1' 'N2' '3']"),
    *("['N1', 'N2', 3]", '{N1,N2,3}', "('N1', 'N2', '3')", '[N1, N2, 3,]'),
  ],
)
def test_ids_without_spaces_need_no_brackets(text):
  assert elements(text) == ['N1', 'N2', '3']


@pytest.mark.parametrize('text', ['', ' ', '[]', '[ ]', '{}', '()'])
def test_nothing_is_an_empty_list(text):
  assert elements(text) == []


@pytest.mark.parametrize(
  'text',
  [
    *('[', '["N1"', "['N1", '{"N1": 1}', "{'N1': 1}", '[["N1"]]', '[{}]'),
    *('[1 2 ... 9]', '["N1"]]', '["\\u0000"]', '[N1]]', '[' * 9999),
  ],
)
def test_what_is_no_list_is_none(text):
  assert elements(text) is None


def test_null_and_half_pairs():
  assert elements('["a", null, NaN]') == ['a', '', '']
  assert elements("['a', None, nan]") == ['a', '', '']
  (text,) = elements('["\\ud800"]')
  text.encode()
  assert elements('[true, false]') == ['true', 'false']


@pytest.mark.parametrize(
  ('text', 'label'),
  [
    *[(text, 1) for text in ('1', '1.0', ' 1 ', 'true', 'True', 't', '1.')],
    *[(text, 0) for text in ('0', '0.0', 'false', 'False', '-0', 'f')],
    *[(text, None) for text in ('', '2', '-1', 'yes', 'nan', '0.5', 'N1')],
  ],
)
def test_labels(text, label):
  assert label_of(text) == label
