"""The catalog: every item once, with its text as tokens."""

import dataclasses
import hashlib
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import overload

import numpy as np

from jaxrec.data.columns.files import ColumnWriter, read_columns
from jaxrec.data.columns.ragged import CHUNK
from jaxrec.data.items.coverage import Coverage, coverage
from jaxrec.data.items.template import Template
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
    coverage: what the tokenizer has no words for.
  """

  item_ids: Sequence[str]
  texts: Sequence[str]
  tokens: np.ndarray
  offsets: np.ndarray
  fingerprint: str
  coverage: Coverage | None = None

  def __len__(self) -> int:
    return len(self.item_ids)

  @property
  def lengths(self) -> np.ndarray:
    """int64 [N], tokens of each item."""
    return np.diff(self.offsets)

  def lengths_of(self, items: np.ndarray) -> np.ndarray:
    """int64 [M], tokens of the items [M]; touches no others."""
    return self.offsets[items + 1] - self.offsets[items]


class ItemTexts(Sequence[str]):
  """Items' texts, each made from its columns when it is read.

  Args:
    columns: N strings each.
    template: filled with an item's columns, e.g. '{title}'.

  Raises:
    UserError: the template names no column, or one that is not there.
  """

  def __init__(self, columns: Mapping[str, Sequence[str]], template: str):
    self._template = Template(template)
    for name in self._template.columns:
      if name not in columns:
        raise UserError(f'data.text_template: {choices(name, columns)}')
    self._columns = {name: columns[name] for name in self._template.columns}

  def __len__(self) -> int:
    return len(next(iter(self._columns.values())))

  @overload
  def __getitem__(self, i: int) -> str: ...

  @overload
  def __getitem__(self, i: slice) -> list[str]: ...

  def __getitem__(self, i: int | slice) -> str | list[str]:
    if isinstance(i, slice):
      return [self[k] for k in range(*i.indices(len(self)))]
    row = {name: column[i] for name, column in self._columns.items()}
    return self._template.fill(row)


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
  columns: Mapping[str, Sequence[str]],
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
      f'model.text.max_tokens={max_tokens} leaves no room for text between '
      '[CLS] and [SEP]: give 3 or more'
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
    coverage=coverage(tokenizer, texts),
    **read_columns(directory),
  )
