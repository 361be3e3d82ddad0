import numpy as np
import pytest

from jaxrec.data.items import catalog as catalog_lib
from jaxrec.errors import UserError


def tokenize(minilm_dir, cache, titles, **changes):
  columns = {
    'item_id': np.array([f'N{i}' for i in range(len(titles))]),
    'title': np.array(titles),
    'category': np.array(['news'] * len(titles)),
  }
  options = {
    'template': '{title}',
    'tokenizer_dir': minilm_dir,
    'max_tokens': 12,
    'cache_dir': cache,
  }
  return catalog_lib.tokenize(columns, **(options | changes))


def items(catalog):
  return [
    catalog.tokens[a:b].tolist()
    for a, b in zip(catalog.offsets[:-1], catalog.offsets[1:], strict=True)
  ]


TITLES = ['Rain', '', 'Björk plays “Jóga” in Reykjavík', 'word ' * 50, '😀']


def test_tokens_are_the_tokenizers_and_are_cut(minilm_dir, tmp_path):
  catalog = tokenize(minilm_dir, tmp_path, TITLES)
  tokenizer = catalog_lib.load_tokenizer(minilm_dir)
  cls, sep = (tokenizer.token_to_id(t) for t in ('[CLS]', '[SEP]'))
  for ids in items(catalog):
    assert ids[0] == cls and ids[-1] == sep
  assert catalog.lengths.tolist() == [3, 2, *catalog.lengths[2:4], 3]
  assert catalog.lengths.max() == 12
  tokenizer.no_padding()
  assert items(catalog)[0] == tokenizer.encode('Rain').ids


def test_the_second_time_is_read_from_the_cache(
  minilm_dir, tmp_path, monkeypatch
):
  first = tokenize(minilm_dir, tmp_path, TITLES)

  class NoEncoding:
    def __init__(self, tokenizer):
      self._tokenizer = tokenizer

    def __getattr__(self, name):
      assert name != 'encode_batch', 'tokenised twice'
      return getattr(self._tokenizer, name)

  # What the vocabulary covers is measured each time, of a few.
  monkeypatch.setattr(catalog_lib, 'coverage', lambda *_: None)
  load = catalog_lib.load_tokenizer
  monkeypatch.setattr(
    catalog_lib, 'load_tokenizer', lambda path: NoEncoding(load(path))
  )
  again = tokenize(minilm_dir, tmp_path, TITLES)
  assert items(again) == items(first)
  with pytest.raises(AssertionError, match='tokenised twice'):
    tokenize(minilm_dir, tmp_path, [*TITLES[:-1], 'changed'])


@pytest.mark.parametrize(
  'change',
  [
    {'titles': [*TITLES[:-1], 'Snow']},
    {'titles': ['Rai', 'n', *TITLES[2:]]},  # The same letters, cut elsewhere.
    {'max_tokens': 11},
    {'template': '{category}: {title}'},
  ],
)
def test_what_changes_the_tokens_changes_the_fingerprint(
  minilm_dir, tmp_path, change
):
  change = dict(change)
  titles = change.pop('titles', TITLES)
  old = tokenize(minilm_dir, tmp_path, TITLES)
  new = tokenize(minilm_dir, tmp_path, titles, **change)
  assert new.fingerprint != old.fingerprint
  assert items(new) != items(old)


def test_vocab_txt_alone_will_do(minilm_dir, tiny_bert, tmp_path):
  assert not (tiny_bert / 'tokenizer.json').exists()
  plain = tokenize(tiny_bert, tmp_path, TITLES)
  assert items(plain) == items(tokenize(minilm_dir, tmp_path, TITLES))


@pytest.mark.parametrize(
  ('template', 'message'),
  [
    ('{titel}', "'titel' is unknown: did you mean 'title'"),
    ('title', 'names no column'),
    ('{title', 'data.text_template'),
  ],
)
def test_templates_that_cannot_be(minilm_dir, tmp_path, template, message):
  with pytest.raises(UserError, match=message):
    tokenize(minilm_dir, tmp_path, TITLES, template=template)


def test_a_directory_without_tokenizer(tmp_path):
  with pytest.raises(UserError, match=r'no tokenizer\.json and no vocab\.txt'):
    catalog_lib.load_tokenizer(tmp_path)
  (tmp_path / 'tokenizer.json').write_text('{"a": 1')
  with pytest.raises(UserError, match='unreadable tokenizer'):
    catalog_lib.load_tokenizer(tmp_path)
