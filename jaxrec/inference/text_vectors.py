"""Texts -> pooled vectors: tokenised and encoded."""

import itertools
import pathlib
from collections.abc import Mapping, Sequence

import jax
import numpy as np
import tokenizers

from jaxrec.bundle.functions import Function
from jaxrec.data.batches.packing import fill_rows, fit, ladder

# What is tokenised of a text. No model reads so many tokens, so that what lies
# behind could count only where nearly all before it is spaces and controls.
READ = 1 << 16
ROWS = (1, 8, 64)  # Items encoded at once: each is a compilation.
SHORTEST = 16  # Tokens of the shortest rows; longer ones are twice as long.


class TextVectors:
  """The pooled vectors of texts, as the trainer's encoder gives them.

  Args:
    tokenizer: path of its tokenizer.json.
    function: tokens, positions, segments [R, L] -> [R, D], an item in a row.
    params: its parameters, by name.
    max_tokens: T, where texts are cut.
    width: D.
  """

  def __init__(
    self,
    tokenizer: pathlib.Path,
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

  def tokens(self, texts: Sequence[str]) -> list[list[int]]:
    """Of each text, at most T."""
    encoded = self._tokenizer.encode_batch([_readable(text) for text in texts])
    return [encoding.ids for encoding in encoded]

  def __call__(self, texts: Sequence[str]) -> np.ndarray:
    """Pooled vectors, float32 [M, D]."""
    tokens = self.tokens(texts)
    order = np.argsort([len(ids) for ids in tokens], kind='stable')
    parts = []
    for begin in range(0, len(order), ROWS[-1]):
      block = order[begin : begin + ROWS[-1]]
      parts.append(self._encoded([tokens[i] for i in block]))
    vectors = np.concatenate(parts)
    vectors[order] = vectors.copy()
    return vectors

  def _encoded(self, tokens: list[list[int]]) -> np.ndarray:
    lengths = np.array([len(ids) for ids in tokens])
    rows = np.arange(len(tokens), dtype=np.int32)
    zeros = np.zeros_like(rows)
    filled, positions, segments = fill_rows(
      # One more, which is nobody's, so that a text without tokens does.
      np.array([*itertools.chain.from_iterable(tokens), 0], np.int32),
      np.concatenate([[0], np.cumsum(lengths)]),
      rows,
      (rows, zeros, zeros),  # An item in a row: at its beginning, its first.
      fit(len(tokens), ROWS),
      fit(int(lengths.max()), self._lengths),
    )
    inputs = {'tokens': filled, 'positions': positions, 'segments': segments}
    return np.asarray(self._call(self._params, inputs))[: len(tokens)]


def _readable(text: str) -> str:
  """What is tokenised of a text: all of it, unless it is very long."""
  return text if len(text) <= READ else ' '.join(text.split())[:READ]
