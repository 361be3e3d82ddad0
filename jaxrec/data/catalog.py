"""The catalog: every item once, with its text as tokens."""

import dataclasses
import hashlib
import pathlib
import string
from collections.abc import Sequence

import numpy as np

from jaxrec.data.columns import read_columns, write_columns
from jaxrec.errors import UserError, choices


@dataclasses.dataclass(frozen=True)
class Catalog:
  """Items 0..N-1 with their tokens end to end.

  Attributes:
    item_ids: N strings.
    texts: N strings, what was tokenised.
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


def item_texts(columns: dict[str, Sequence[str]], template: str) -> list[str]:
  """Each item's text: `template` filled with its columns, e.g. '{title}'."""
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
  names = sorted(names)
  rows = zip(*(columns[name] for name in names), strict=True)
  return [template.format(**dict(zip(names, row, strict=True))) for row in rows]


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
  texts = item_texts(columns, template)
  digest = hashlib.sha256(tokenizer.to_str().encode())
  for text in texts:
    encoded = text.encode()
    digest.update(len(encoded).to_bytes(4, 'little') + encoded)
  fingerprint = digest.hexdigest()[:16]
  directory = cache_dir / 'tokens' / fingerprint
  if not directory.is_dir():
    ids = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
    write_columns(
      directory,
      {
        'tokens': np.concatenate([np.array(i, np.int32) for i in ids]),
        'offsets': np.cumsum([0, *map(len, ids)], dtype=np.int64),
      },
    )
  return Catalog(
    item_ids=columns['item_id'],
    texts=texts,
    fingerprint=fingerprint,
    **read_columns(directory),
  )
