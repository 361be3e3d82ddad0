"""A language model and a pooling: packed tokens -> one vector per item."""

from flax import nnx

from jaxrec.errors import UserError, choices
from jaxrec.models.text.bert import segment_first, segment_mean
from jaxrec.models.text.config import POOLINGS


class ItemEncoder(nnx.Module):
  """A language model and a pooling: packed tokens -> one vector per item.

  Args:
    bert: the language model, a Bert or what has its interface.
    num_segments: S, items in a packed row.
    pooling: 'mean' over an item's tokens, or 'cls', its first.
  """

  def __init__(self, bert, *, num_segments: int, pooling: str = 'mean'):
    if pooling not in POOLINGS:
      raise UserError(f'model.text.pooling: {choices(pooling, POOLINGS)}')
    self.bert = bert
    self.num_segments = num_segments
    self.pooling = pooling

  def __call__(self, inputs, positions, segments, *, key=None):
    """Pooled vectors of packed items, float32 [R * S, D].

    Args:
      inputs: tokens int32 [R, L], or, where the BERT has no prefix, the hidden
        states [R, L, D] where that ends.
      positions, segments: int32 [R, L].
      key: of dropout; None for none.
    """
    x = self.bert(inputs, positions, segments, key=key)
    if self.pooling == 'mean':
      x = segment_mean(x, segments, self.num_segments)
    else:
      x = segment_first(x, segments, positions, self.num_segments)
    return x.reshape(-1, x.shape[-1])
