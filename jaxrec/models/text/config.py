"""How a run's language model is computed, and what of it trains."""

import dataclasses

from jaxrec.errors import UserError, at_least, one_of_known

DTYPES = ('float32', 'bfloat16')
POOLINGS = ('mean', 'cls')


@dataclasses.dataclass(frozen=True)
class TextModelConfig:
  """The language model that turns an item's text into a vector.

  Attributes:
    pretrained: alias (minilm), Hugging Face directory or hub id.
    trainable_layers: the top k train; -1: all of it; 0: none, and the
      vectors are made once.
    max_tokens: where texts are cut.
    row_tokens: L of packed rows; 0: 32 on a CPU, 128 on accelerators.
    dtype: of the computation: float32, bfloat16, or auto, which is bfloat16 on
      a GPU or TPU and float32 on a CPU. Parameters are float32.
    prefix_cache: where lower layers are frozen, what is kept of their outputs:
      as float32, bfloat16 or auto (the dtype); none: they run at each step.
    dropout: on the layers that train.
    pooling: mean of an item's tokens, or cls, the first.
    attention: batched (a CPU's), xla, cudnn or auto; the same but for rounding.
    remat: what is kept for gradients: none, dots or full; likewise.
    unroll: layers in one iteration of the scan; 0: all that train where these
      are few and others are frozen, else 1; likewise.
    learning_rate: of its parameters.
  """

  pretrained: str = 'minilm'
  trainable_layers: int = 0
  max_tokens: int = 32
  row_tokens: int = 0
  dtype: str = 'auto'
  prefix_cache: str = 'auto'
  dropout: float = 0.1
  pooling: str = 'mean'
  attention: str = 'auto'
  remat: str = 'dots'
  unroll: int = 0
  learning_rate: float = 2e-5

  def __post_init__(self):
    at_least(
      self, trainable_layers=-1, max_tokens=1, row_tokens=0, learning_rate=0
    )
    one_of_known(
      self,
      dtype=('auto', *DTYPES),
      prefix_cache=('auto', 'none', *DTYPES),
      pooling=POOLINGS,
    )
    if not 0 <= self.dropout < 1:
      raise UserError(f'dropout={self.dropout}: must be 0 or more, < 1')
