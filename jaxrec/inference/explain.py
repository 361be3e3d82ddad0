"""What an item's logit is made of: by entries of the history, and by parts."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from jaxrec.inference.requests import RequestedHistory


def contributions(
  logits_of: Callable[[list[RequestedHistory]], np.ndarray],
  history: RequestedHistory,
) -> np.ndarray:
  """Leave-one-out, made to add up.

  What entry h is worth is by how much the logit falls when the history is read
  without it. These differences do not add up to what the history as a whole
  changes, so what is left over is shared among the H entries alike:

      alone_h        = logit(all) - logit(all but h)
      change         = logit(all) - logit(none)
      contribution_h = alone_h + (change - sum of alone) / H
      sum over h of contribution_h = change

  The order of the entries is that of `alone`, and the sum is exact, but for
  float32's rounding. `none` is a user without a history, as the model learned
  them.

  Args:
    logits_of: histories [V] -> logits [V, C], of the items to be explained.
    history: of H entries.

  Returns:
    float32 [H, C].
  """
  count = len(history.entries)
  kept = [np.delete(np.arange(count), i).tolist() for i in range(count)]
  variants = [history, history.of([]), *map(history.of, kept)]
  logits = logits_of(variants)
  logits = logits.astype(np.float64)
  alone = logits[0] - logits[2:]
  change = logits[0] - logits[1]
  if not count:
    return alone.astype(np.float32)
  return (alone + (change - alone.sum(0)) / count).astype(np.float32)


def by_term(
  user: np.ndarray,
  vectors: np.ndarray,
  spans: Sequence[tuple[str, int, int]],
  members: Mapping[str, np.ndarray],
  bias: float,
) -> list[dict[str, float]]:
  """What each term and each member of an ensemble adds to logits: all of them.

  Args:
    user: float32 [W], a user vector.
    vectors: float32 [C, W], of the items.
    spans: whose columns are which: term, begin and end.
    members: float32 [C] by name, what each adds.
    bias: of the model, the same for all items.

  Returns:
    Of each item, the share of each term and member by its name, and 'bias'.
  """
  products = np.asarray(user, np.float64) * vectors
  shares = {name: products[:, b:e].sum(-1).tolist() for name, b, e in spans}
  shares |= {name: values.tolist() for name, values in members.items()}
  shares['bias'] = [bias] * len(vectors)
  return [
    dict(zip(shares, values, strict=True))
    for values in zip(*shares.values(), strict=True)
  ]
