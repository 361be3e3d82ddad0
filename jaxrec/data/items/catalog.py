"""The catalog: every item once, with its text as tokens."""

import dataclasses
import hashlib
import pathlib
import string
from collections.abc import Iterator, Sequence

import numpy as np

from jaxrec.data.columns.columns import (
  CHUNK,
  ColumnWriter,
  read_columns,
)
from jaxrec.errors import UserError, choices


@dataclasses.dataclass(frozen=True)
class Catalog:
  """Items 0..N-1 with their tokens end to end.

  Attributes:
    item_ids: N strings.
    texts: N strings, what was tokenised; made when read.
    tokens: int32, all items' tokens, [CLS] and [SEP] among them.
    offsets: int64 [N + 1]; item i's tokens are offsets[i]..offsets[i + 1].
    fingerprint: of the texts, the tokenizer and the cut.
  """

  item_ids: Sequence[str]
  texts: Sequence[str]
  tokens: np.ndarray
  offsets: np.ndarray
  fingerprint: str

  def __len__(self) -> int:
    return len(self.item_ids)

  @property
  def lengths(self) -> np.ndarray:
    """int64 [N], tokens of each item."""
    return np.diff(self.offsets)

  def lengths_of(self, items: np.ndarray) -> np.ndarray:
    """int64 [M], tokens of the items [M]; touches no others."""
    return self.offsets[items + 1] - self.offsets[items]


class ItemTexts(Sequence):
  """Items' texts, each made from its columns when it is read.

  Args:
    columns: N strings each.
    template: filled with an item's columns, e.g. '{title}'.

  Raises:
    UserError: the template names no column, or one that is not there.
  """

  def __init__(self, columns: dict[str, Sequence[str]], template: str):
    self._template = template
    self._columns = {n: columns[n] for n in _names(columns, template)}

  def __len__(self) -> int:
    return len(next(iter(self._columns.values())))

  def __getitem__(self, i: int) -> str:
    row = {name: column[i] for name, column in self._columns.items()}
    return self._template.format(**row)


def _names(columns: dict[str, Sequence[str]], template: str) -> list[str]:
  """The columns that a template names."""
  try:
    names = {
      name for _, name, _, _ in string.Formatter().parse(template) if name
    }
  except ValueError as e:
    raise UserError(f'data.text_template={template!r}: {e}') from e
  for name in sorted(names):
    if name not in columns:
      raise UserError(f'data.text_template: {choices(name, columns)}')
  if not names:
    raise UserError(
      f'data.text_template={template!r} names no column: give e.g. '
      f"'{{title}}' (columns: {', '.join(columns)})"
    )
  return sorted(names)


def _chunks(texts: Sequence[str]) -> Iterator[list[str]]:
  for begin in range(0, len(texts), CHUNK):
    end = min(begin + CHUNK, len(texts))
    yield [texts[i] for i in range(begin, end)]


def load_tokenizer(directory: pathlib.Path):
  """The `tokenizers.Tokenizer` of a Hugging Face directory."""
  import tokenizers

  fast = directory / 'tokenizer.json'
  try:
    if fast.is_file():
      return tokenizers.Tokenizer.from_file(str(fast))
    if (directory / 'vocab.txt').is_file():
      import transformers

      slow = transformers.AutoTokenizer.from_pretrained(str(directory))
      return slow.backend_tokenizer
  except Exception as e:  # The Rust side raises bare Exceptions.
    raise UserError(f'{directory}: unreadable tokenizer: {e}') from e
  raise UserError(
    f'{directory}: no tokenizer.json and no vocab.txt: copy one of them from '
    'where the weights came from'
  )


def tokenize(
  columns: dict[str, Sequence[str]],
  *,
  template: str,
  tokenizer_dir: pathlib.Path,
  max_tokens: int,
  cache_dir: pathlib.Path,
) -> Catalog:
  """Tokenises the catalog once; later runs read it from `cache_dir`.

  The cache is found by a hash of the texts, the tokenizer and `max_tokens`,
  so a changed title never meets old tokens.

  Args:
    columns: the dataset's item columns, N strings each.
    template: how columns make a text.
    tokenizer_dir: a Hugging Face directory.
    max_tokens: T, where longer texts are cut, [CLS] and [SEP] counted.
    cache_dir: where to keep the tokens.
  """
  if max_tokens < 3:
    raise UserError(
      f'encoder.max_tokens={max_tokens} leaves no room for text between [CLS] '
      'and [SEP]: give 3 or more'
    )
  tokenizer = load_tokenizer(tokenizer_dir)
  tokenizer.no_padding()
  tokenizer.enable_truncation(max_tokens)
  texts = ItemTexts(columns, template)
  digest = hashlib.sha256(tokenizer.to_str().encode())
  for i in range(len(texts)):
    encoded = texts[i].encode()
    digest.update(len(encoded).to_bytes(4, 'little') + encoded)
  fingerprint = digest.hexdigest()[:16]
  directory = cache_dir / 'tokens' / fingerprint
  if not directory.is_dir():
    with ColumnWriter(directory) as writer:
      for chunk in _chunks(texts):
        ids = [encoding.ids for encoding in tokenizer.encode_batch(chunk)]
        tokens = np.concatenate([np.array(i, np.int32) for i in ids])
        writer.append({'tokens': tokens})
        writer.append_offsets('offsets', [len(i) for i in ids])
  return Catalog(
    item_ids=columns['item_id'],
    texts=texts,
    fingerprint=fingerprint,
    **read_columns(directory),
  )
