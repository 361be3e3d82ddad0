"""The directory of a language model says which it is."""

import json

import pytest

from jaxrec.errors import UserError
from jaxrec.models.text.registry import TEXT_MODELS, text_model_of


def test_the_model_type_chooses(tiny_bert):
  assert text_model_of(tiny_bert) is TEXT_MODELS['bert']


def test_an_unknown_model_type_is_answered_with_the_known(tmp_path):
  (tmp_path / 'config.json').write_text(json.dumps({'model_type': 'brt'}))
  with pytest.raises(UserError, match=r"'brt' is unknown.*bert"):
    text_model_of(tmp_path)


@pytest.mark.parametrize('text', ['', '[]', '{"model_type": 3}'])
def test_a_damaged_config_is_named(tmp_path, text):
  (tmp_path / 'config.json').write_text(text)
  with pytest.raises(UserError, match=r'config\.json'):
    text_model_of(tmp_path).sizes(tmp_path)


def test_a_language_model_is_one_line(tiny_bert, tmp_path, monkeypatch):
  """What is registered is what an encoder of that directory is made of."""
  monkeypatch.setitem(TEXT_MODELS, 'other', TEXT_MODELS['bert'])
  config = json.loads((tiny_bert / 'config.json').read_text())
  (tmp_path / 'config.json').write_text(
    json.dumps(config | {'model_type': 'other'})
  )
  assert text_model_of(tmp_path) is TEXT_MODELS['bert']
