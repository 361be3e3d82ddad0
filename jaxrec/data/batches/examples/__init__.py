"""What a training example is: a history, what followed it, and what did not.

One file a kind of example. A new one is a class with the methods of
`base.ExampleSource`, and its line in `make_examples`.
"""

from jaxrec.data.batches.examples.base import ExampleSource
from jaxrec.data.batches.examples.clicks import ClickExamples
from jaxrec.data.batches.examples.next_items import NextItemExamples
from jaxrec.data.batches.examples.windows import WindowExamples
from jaxrec.data.columns.impressions import Impressions
from jaxrec.data.columns.sequences import Sequences


def make_examples(
  behaviours: Impressions | Sequences,
  *,
  num_items: int,
  num_candidates: int,
  history_length: int,
  seed: int,
  next_item: bool = False,
  ordered: bool = True,
) -> ExampleSource:
  """The source of a training split's examples.

  Args:
    behaviours: the split: impressions, or sequences.
    num_items: N.
    num_candidates: C.
    history_length: H.
    seed: of all draws.
    next_item: of sequences, whether every item of a history is predicted.
    ordered: of sequences with next_item, whether they have an order.

  Raises:
    UserError: there is nothing to learn from.
  """
  if isinstance(behaviours, Impressions):
    return ClickExamples(behaviours, num_candidates, history_length, seed)
  if next_item:
    return WindowExamples(
      behaviours, num_items, num_candidates, history_length, seed, ordered
    )
  return NextItemExamples(
    behaviours, num_items, num_candidates, history_length, seed
  )
