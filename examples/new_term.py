"""A term of your own, in a file of your own: are short titles clicked more?

    python examples/new_term.py --out=/tmp/new-term

trains the news demo with a term more: a learned number times the length of an
item's title. It starts at zero, so that step 0 is the model without it. Beside
what configs/news.py reaches you see what the term adds: in the made-up world of
the demo the length means nothing; on your own data it may.

docs/contributing.md says what a term that is to stay in jaxrec needs besides.
"""

import argparse
import dataclasses
import pathlib
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

import jaxrec
from jaxrec.errors import UserError
from jaxrec.models.terms import TERMS
from jaxrec.models.terms.term import ItemColumns, Term
from jaxrec.presets import news


@dataclasses.dataclass(frozen=True)
class LengthConfig:
  """The term of how long titles are.

  Attributes:
    column: of the items, whose words are counted.
    learning_rate: of its parameter.
  """

  column: str = 'title'
  learning_rate: float = 1e-2


class Length(Term):
  """A learned number times the length of an item's title."""

  Config: ClassVar[type] = LengthConfig
  # Parameters with a row for each item: split over devices, and in bundles.
  per_item: ClassVar[tuple[str, ...]] = ('lengths',)

  def __init__(self, config, facts, *, rngs):
    self.lengths = nnx.Param(jnp.zeros(facts.num_items))
    self.weight = nnx.Param(jnp.float32(0))

  @classmethod
  def start(cls, config, facts, source):
    """What `lengths` starts from; `source` is the data that is learned from."""
    if config.column not in source.dataset.items:
      raise UserError(f'column={config.column}: the items have no such column')
    titles = source.dataset.items[config.column]
    words = [len(titles[i].split()) for i in range(source.num_items)]
    lengths = np.log1p(np.array(words, np.float32))
    spread = max(float(lengths.std()), 1e-6)
    return {('lengths',): (lengths - lengths.mean()) / spread}

  def item_columns(self, inputs, *, key=None):
    """One number of each of M items, float32 [M, 1], whoever asks."""
    rows = jnp.maximum(inputs.items, 0)
    lengths = jax.lax.stop_gradient(self.lengths[rows])
    # Items that are not of the catalog, below 0, count as of mean length.
    lengths = jnp.where(inputs.items >= 0, lengths, 0)
    return ItemColumns(bias=self.weight[...] * lengths[:, None])


def main(argv: list[str] | None = None, changes=None) -> None:
  """Trains with the term.

  Args:
    argv: the arguments; None: of this process.
    changes: of the config, {'training.num_steps': 400}.
  """
  parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
  parser.add_argument('--out', type=pathlib.Path, required=True)
  args = parser.parse_args(argv)
  TERMS['length'] = Length  # The line that a registry would hold.
  config = news.get_config()
  with config.unlocked():
    config.model.terms.length = {'column': 'title'}
  config.update_from_flattened_dict(dict(changes or {}))
  results = jaxrec.train(config, args.out)
  low, high = results['intervals']['auc']
  print(
    f'with the length of titles: AUC {results["metrics"]["auc"]:.4f} '
    f'({low:.3f} to {high:.3f})'
  )


if __name__ == '__main__':
  main()
