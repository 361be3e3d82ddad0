"""Two views of a history, against views of other users' (InfoNCE).

A view hides some items at random, and dropout hides some of the rest. Users
before their last event are to be nearer to their own other view than to other
users (CL4SRec, Xie et al., 2022, arXiv:2010.14395), and near to those whose
last event was the same item (DuoRec, Qiu et al., 2022, arXiv:2110.05730).
"""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from jaxrec.errors import UserError
from jaxrec.models.heads.head import earlier
from jaxrec.models.terms.text import unit
from jaxrec.parallel.sharding import replicate
from jaxrec.training.objectives.objective import Objective, ObjectiveConfig

MOST = 1024  # Users of a batch that are compared: bounds the logits.
VIEWS = (1001, 1002)  # Folded into a step's key; a head splits it in a few.


@dataclasses.dataclass(frozen=True)
class ContrastConfig(ObjectiveConfig):
  """The objective of two views of a history, beside next_item.

  Attributes:
    temperature: that the cosine of two users is divided by.
    mask: share of a history's items that a view does not read.
    supervised: whether users with the same next item are to be near one another
      too. Without it they are left out: far from one another they need not be.
  """

  loss: str = 'softmax'
  weight: float = 0.1
  temperature: float = 0.2
  mask: float = 0.2
  supervised: bool = True

  def __post_init__(self):
    super().__post_init__()
    if self.loss != 'softmax':
      raise UserError(f'loss={self.loss}: contrast is a softmax: give softmax')
    if self.temperature <= 0:
      raise UserError(f'temperature={self.temperature}: must be above 0')
    if not 0 <= self.mask < 1:
      raise UserError(f'mask={self.mask}: must be 0 or more, < 1')


class ContrastObjective(Objective):
  """See `info_nce`; of each user's last event, read from those before it."""

  Config: ClassVar[type] = ContrastConfig
  reads_histories: ClassVar[bool] = True
  reads_catalog: bool = True

  def loss(self, model, table, batch, *, shards, key=None):
    """See Objective; without a key the two views are the same."""
    counted = last_items(batch) & (batch.context.events > 0)
    views = []
    for number in VIEWS:
      view, of_head = self._view(batch, key, number)
      users = model.next_users(table, view, shards=shards, key=of_head)
      views.append(replicate(model.read_of(users)))
      read = view.history_mask & view.read_mask
      counted &= earlier(read, batch.context, batch.context.events)[0].any(-1)
    # A user who is counted has two items or more.
    most = min(batch.history.size // 2, MOST)
    counted = replicate(counted).ravel()
    (places,) = jnp.nonzero(counted, size=most, fill_value=-1)
    first, second = (
      users.reshape(-1, users.shape[-1])[places] for users in views
    )
    return info_nce(
      first,
      second,
      replicate(batch.history).ravel()[places],
      places >= 0,
      temperature=self.config.temperature,
      supervised=self.config.supervised,
    )

  def _view(self, batch, key, number: int):
    """The batch with fewer items to read, and a key of the head's dropout."""
    read = batch.read_mask
    if read is None:
      read = jnp.ones_like(batch.history_mask)
    of_head = None
    if key is not None:
      of_mask, of_head = jax.random.split(jax.random.fold_in(key, number))
      kept = jax.random.bernoulli(of_mask, 1 - self.config.mask, read.shape)
      read = read & kept
    return dataclasses.replace(batch, read_mask=read), of_head


def last_items(batch):
  """bool [B, H], the last item of each user in a row."""
  after = jnp.pad(batch.history_mask[:, 1:], ((0, 0), (0, 1)))
  if (segments := batch.context.segments) is not None:
    same = segments[:, 1:] == segments[:, :-1]
    after &= jnp.pad(same, ((0, 0), (0, 1)))
  return batch.history_mask & ~after


def info_nce(first, second, targets, counted, *, temperature, supervised):
  """Cross-entropy of which users of one view are those of the other.

  Both ways, from the first view to the second and back; of several that are
  right each counts as much (Khosla et al., 2020, arXiv:2004.11362).

  Args:
    first, second: [S, W], two views of S users.
    targets: int32 [S], the next item of each.
    counted: bool [S]; other users take no part.
    temperature, supervised: see ContrastConfig.

  Returns:
    (loss_sum in nats, count): float32 scalars; a user counts twice.
  """
  cosines = unit(first.astype(jnp.float32)) @ unit(second.astype(jnp.float32)).T
  same = targets[:, None] == targets[None]
  itself = jnp.eye(len(targets), dtype=bool)
  right = same if supervised else itself
  allowed = (right | ~same) & counted[None]
  right &= allowed
  loss_sum = jnp.zeros((), jnp.float32)
  for logits in (cosines / temperature, cosines.T / temperature):
    # Where a row is not counted all may be masked: 0 gradient, not NaN.
    masked = jnp.where(allowed, logits, -jnp.inf)
    logs = jax.nn.log_softmax(jnp.where(counted[:, None], masked, 0))
    of_right = jnp.where(right, logs, 0).sum(-1)
    each = -of_right / jnp.maximum(right.sum(-1), 1)
    loss_sum += jnp.sum(jnp.where(counted, each, 0))
  return loss_sum, 2 * jnp.sum(counted).astype(jnp.float32)
