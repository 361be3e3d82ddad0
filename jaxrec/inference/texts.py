"""Items' texts: made of their columns, tokenised, encoded."""

import string
from collections.abc import Iterable, Mapping

import jax
import numpy as np
import tokenizers

from jaxrec.bundle.functions import Function
from jaxrec.errors import UserError, choices, cut

MOST = 1 << 20  # Characters of an item's text, or of one of its columns.
# What is tokenised of a text. No model reads so many tokens, so that what lies
# behind could count only where nearly all before it is spaces and controls.
READ = 1 << 16
ROWS = (1, 8, 64)  # Items encoded at once: each is a compilation.
SHORTEST = 16  # Tokens of the shortest rows; longer ones are twice as long.


class Template:
  """A text of an item's columns, as in training.

  Args:
    template: '{title} {artist}'.
    columns: names of all columns that the bundle's items have.
  """

  def __init__(self, template: str, columns: Iterable[str] = ()):
    self._template = template
    self.names = sorted(
      {name for _, name, _, _ in string.Formatter().parse(template) if name}
    )
    self._known = {'item_id', 'text', *self.names, *columns}

  def fill(self, columns: Mapping[str, str]) -> str:
    """The text of one item; `columns` must have all of `names`."""
    return self._template.format(**{n: columns[n] for n in self.names})

  def shown(self, columns: Mapping[str, str]) -> str:
    """The text of an item of the index."""
    return columns['text'] if 'text' in columns else self.fill(columns)

  def text_of(self, item: Mapping[str, str], where: str) -> str:
    """The text of an item as a user gives it: its 'text', or its columns.

    Raises:
      UserError: there is no text, or it is none; `where` names the item.
    """
    for name, value in item.items():
      check_text(value, f'{where}: {name}')
    if 'text' in item:
      return item['text']
    for name in self.names:
      if name not in item:
        self.check_columns(item, where)
        raise UserError(
          f"{where} has no {name!r}: give {', '.join(self.names)}, or 'text'"
        )
    return self.fill(item)

  def readable(self, item: Mapping[str, str], where: str) -> str:
    """`text_of`; UserError of a text that says nothing, too."""
    text = self.text_of(item, where)
    if not text or text.isspace():
      raise UserError(f'{where}: its text is empty: say what it is about')
    return text

  def check_columns(self, item: Mapping[str, str], where: str) -> None:
    """UserError of a column that the bundle's items do not have."""
    for name in item:
      if name not in self._known:
        raise UserError(f'{where}: column {choices(cut(name), self._known)}')


def check_text(value, where: str) -> str:
  """`value`; UserError if it is no text that can be read."""
  if not isinstance(value, str):
    raise UserError(f'{where} is {shown(value)}: want text')
  if len(value) > MOST:
    raise UserError(
      f'{where} has {len(value):,} characters: at most {MOST:,} are read'
    )
  if not value.isascii():
    try:
      value.encode()
    except UnicodeEncodeError as e:
      raise UserError(
        f'{where} is no Unicode text: {value[e.start]!r} is half of a pair'
      ) from e
  return value


def shown(value, most: int = 60) -> str:
  """A value a user gave, for one line of an error."""
  text = repr(value)
  return text if len(text) <= most else f'{text[:most]}...'


class TextEncoder:
  """Texts -> pooled vectors, as the trainer's encoder gives them.

  Args:
    tokenizer: path of its tokenizer.json.
    function: tokens, positions, segments [R, L] -> [R, D], an item in a row.
    params: its parameters, by name.
    max_tokens: T, where texts are cut.
    width: D.
  """

  def __init__(
    self,
    tokenizer,
    function: Function,
    params: Mapping[str, np.ndarray],
    *,
    max_tokens: int,
    width: int,
  ):
    self.width = width
    self._tokenizer = tokenizers.Tokenizer.from_file(str(tokenizer))
    self._tokenizer.no_padding()
    self._tokenizer.enable_truncation(max_tokens)
    self._params = jax.device_put(dict(params))
    self._call = jax.jit(function.call)
    self._lengths = ladder(SHORTEST, max_tokens, 2)

  def tokens(self, texts: list[str]) -> list[list[int]]:
    """Of each text, at most T."""
    encoded = self._tokenizer.encode_batch([_readable(x) for x in texts])
    return [encoding.ids for encoding in encoded]

  def __call__(self, texts: list[str]) -> np.ndarray:
    """Pooled vectors, float32 [M, D]."""
    tokens = self.tokens(texts)
    order = np.argsort([len(x) for x in tokens], kind='stable')
    parts, begin = [], 0
    while begin < len(order):
      chunk = order[begin : begin + ROWS[-1]]
      parts.append(self._encoded([tokens[i] for i in chunk]))
      begin += len(chunk)
    vectors = np.concatenate(parts)
    vectors[order] = vectors.copy()
    return vectors

  def _encoded(self, tokens: list[list[int]]) -> np.ndarray:
    length = fit(max(map(len, tokens)), self._lengths)
    shape = (fit(len(tokens), ROWS), length)
    inputs = {
      name: np.zeros(shape, np.int32)
      for name in ('tokens', 'positions', 'segments')
    }
    for row, ids in enumerate(tokens):
      inputs['tokens'][row, : len(ids)] = ids
      inputs['positions'][row, : len(ids)] = np.arange(len(ids))
      inputs['segments'][row, : len(ids)] = 1
    return np.asarray(self._call(self._params, inputs))[: len(tokens)]


def _readable(text: str) -> str:
  """What is tokenised of a text: all of it, unless it is very long."""
  return text if len(text) <= READ else ' '.join(text.split())[:READ]


def ladder(least: int, most: int, growth: int) -> tuple[int, ...]:
  """Sizes that arrays are padded to: each is a compilation."""
  sizes = []
  while least < most:
    sizes.append(least)
    least *= growth
  return (*sizes, most)


def fit(needed: int, sizes: tuple[int, ...]) -> int:
  """The smallest of the sizes that holds `needed`."""
  return next(size for size in sizes if size >= needed)


def known(name: str, value, allowed) -> None:
  """UserError unless `value` is one of the `allowed`."""
  if value not in allowed:
    raise UserError(f'{name}: {choices(value, allowed)}')
