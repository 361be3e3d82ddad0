"""How much of the items' texts a vocabulary has words for.

A language model that was made for another language reads [UNK], or letter by
letter, and says nothing: what it reads is measured.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

LOOKED_AT = 2000  # Texts, evenly spaced: shares need no more.
# Shares of letters above which a line warns. English catalogs, brands and
# names of songs among them, are below a tenth; other alphabets are at a half.
TOO_MUCH = 0.2


@dataclasses.dataclass(frozen=True)
class Coverage:
  """What a vocabulary has no words for.

  Attributes:
    unknown: share of the letters that are read as [UNK].
    spelt: share of those that are read letter by letter, in words of several.
    worst: a text of which most is either; '' where there is none.
  """

  unknown: float
  spelt: float
  worst: str

  def warning(self, name: str) -> str:
    """A line for people; '' where the vocabulary does.

    Args:
      name: of the language model.
    """
    if self.unknown + self.spelt <= TOO_MUCH:
      return ''
    return (
      f'{name} has no words for {self.unknown + self.spelt:.0%} of the letters '
      f'of the texts ({self.unknown:.0%} become [UNK], {self.spelt:.0%} are '
      f'read letter by letter), as of {self.worst[:60]!r}: unless these are '
      'codes, it was made for another language; give '
      '--config.model.text.pretrained=DIR or a hub id of one that reads it'
    )


def coverage(tokenizer: Any, texts: Sequence[str]) -> Coverage:
  """What `tokenizer` has no words for in some of the texts.

  Args:
    tokenizer: a `tokenizers.Tokenizer`, which may truncate.
    texts: of all items.
  """
  rows = np.unique(
    np.linspace(0, len(texts) - 1, min(LOOKED_AT, len(texts))).astype(int)
  )
  looked_at = [texts[i] for i in rows]
  unknown_token = getattr(tokenizer.model, 'unk_token', None)
  unknown_id = (
    None if unknown_token is None else tokenizer.token_to_id(unknown_token)
  )
  letters, unknown, spelt, worst, worst_share = 0, 0, 0, '', 0.0
  for text, encoding in zip(
    looked_at, tokenizer.encode_batch(looked_at), strict=True
  ):
    of_text = _letters(text, encoding, unknown_id)
    letters, unknown, spelt = (
      letters + of_text[0],
      unknown + of_text[1],
      spelt + of_text[2],
    )
    share = (of_text[1] + of_text[2]) / max(of_text[0], 1)
    if share > worst_share:
      worst, worst_share = text, share
  total = max(letters, 1)
  return Coverage(unknown / total, spelt / total, worst)


def _letters(
  text: str, encoding: Any, unknown_id: int | None
) -> tuple[int, int, int]:
  """Letters of a text: all, those in [UNK], those read one by one.

  Digits and signs are left out: any vocabulary spells numbers.
  """
  all_letters = unknown = spelt = 0
  pieces_of_word: dict[int, int] = {}
  for word in encoding.word_ids:
    if word is not None:
      pieces_of_word[word] = pieces_of_word.get(word, 0) + 1
  for token, word, (begin, end) in zip(
    encoding.ids, encoding.word_ids, encoding.offsets, strict=True
  ):
    if word is None:  # A token that frames the text.
      continue
    count = sum(letter.isalpha() for letter in text[begin:end])
    all_letters += count
    if token == unknown_id:
      unknown += count
    elif end - begin <= 1 and pieces_of_word[word] > 1:
      spelt += count
  return all_letters, unknown, spelt
