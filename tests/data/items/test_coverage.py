"""What a vocabulary has no words for."""

import numpy as np
import pytest

from jaxrec.data.items import catalog as catalog_lib
from jaxrec.data.items.coverage import LOOKED_AT, TOO_MUCH, coverage

ENGLISH = ['Rain in the north', 'Björk plays live', 'Café 7 opens, 20 % off']
CHINESE = ['新型手机发布', '足球比赛结果', '今日天气预报']
ARABIC = ['أخبار اليوم', 'كرة القدم', 'الطقس غدا']
RUSSIAN = ['Погода на завтра', 'Новости спорта']


@pytest.fixture(scope='module')
def tokenizer(minilm_dir):
  tokenizer = catalog_lib.load_tokenizer(minilm_dir)
  tokenizer.no_padding()
  tokenizer.enable_truncation(32)
  return tokenizer


@pytest.mark.parametrize('texts', [CHINESE, ARABIC, RUSSIAN])
def test_another_language_is_warned_of(tokenizer, texts):
  measured = coverage(tokenizer, texts)
  assert measured.unknown + measured.spelt > 2 * TOO_MUCH
  assert measured.worst in texts
  line = measured.warning('minilm')
  assert 'minilm has no words for' in line and measured.worst in line
  assert 'model.text.pretrained' in line and '\n' not in line


@pytest.mark.parametrize(
  'texts', [ENGLISH, [], [''], ['123 456', '!?'], ['a b c I']]
)
def test_english_numbers_and_nothing_are_not(tokenizer, texts):
  assert coverage(tokenizer, texts).warning('minilm') == ''


def test_shares_are_of_letters(tokenizer):
  """Half of the letters in words that are known, half in none."""
  measured = coverage(tokenizer, ['rain' + ' ' + '纐纈纐纈'])
  assert measured.unknown == pytest.approx(0.5)
  mixed = coverage(tokenizer, [*ENGLISH * 50, *CHINESE])
  assert mixed.warning('minilm') == '' and mixed.worst in CHINESE


def test_a_vocabulary_of_single_signs_covers_them():
  """As of Chinese models, whose words are single signs."""
  from tokenizers import Tokenizer, models, pre_tokenizers

  letters = sorted(set(''.join(CHINESE)))
  vocabulary = {sign: i for i, sign in enumerate(['[UNK]', *letters])}
  tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token='[UNK]'))
  tokenizer.pre_tokenizer = pre_tokenizers.Split('', 'isolated')
  measured = coverage(tokenizer, CHINESE)
  assert measured.unknown == measured.spelt == 0
  assert coverage(tokenizer, ['雨雨']).unknown == 1


def test_few_of_many_are_looked_at(tokenizer):
  class Counting:
    model = tokenizer.model
    looked_at = 0

    def token_to_id(self, token):
      return tokenizer.token_to_id(token)

    def encode_batch(self, texts):
      self.looked_at += len(texts)
      return tokenizer.encode_batch(texts)

  counting = Counting()
  texts = np.array(['rain'] * (3 * LOOKED_AT))
  texts[-1] = '雨'
  assert coverage(counting, texts).worst == '雨'  # The last is among them.
  assert counting.looked_at == LOOKED_AT
