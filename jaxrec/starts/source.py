"""What terms may know of the data before training: see `models.terms.term`."""

import dataclasses
import functools
import hashlib
import pathlib
from collections.abc import Callable

import numpy as np

from jaxrec.data.columns.sequences import Sequences
from jaxrec.data.dataset import Dataset
from jaxrec.data.items import fields as item_fields
from jaxrec.ensemble import MEMBERS
from jaxrec.ensemble import store as ensemble_store
from jaxrec.parallel.processes import one_at_a_time
from jaxrec.retrieval.neighbours import Neighbours
from jaxrec.starts import closed_forms, factors, neighbourhood


@dataclasses.dataclass(frozen=True)
class DataSource:
  """The data that is learned from, and closed forms of it.

  A term that needs another closed form computes it from `learned_from`.

  Attributes:
    dataset: all of it; a term must not look at what it is tested on.
    num_items: N.
    refits: whether the validation split is learned from too.
    text_vectors: () -> float32 [N, D], of items' texts; may be memory-mapped.
    vectors_key: what tells these vectors from others.
    cache_dir: for what takes long.
    say: called with lines for people: another process is waited for, or the
      data are too few to start from.
  """

  dataset: Dataset
  num_items: int
  refits: bool
  text_vectors: Callable[[], np.ndarray]
  vectors_key: str
  cache_dir: pathlib.Path
  say: Callable[[str], None]

  @property
  def learned_from(self):
    """What the model learns from: Impressions or Sequences."""
    return self.dataset.before_test if self.refits else self.dataset.train

  @functools.cached_property
  def sequences(self):
    """The same, or the histories of impressions, as Sequences."""
    return self.dataset.known('test' if self.refits else 'validation')

  # -------------------------------------------------------------- closed forms
  def text_mean(self, kind: str) -> np.ndarray:
    """See `closed_forms.text_mean`: float32 [D]."""
    return closed_forms.text_mean(self.text_vectors(), kind, self.learned_from)

  def text_components(self, width: int) -> tuple[np.ndarray, np.ndarray]:
    """See `closed_forms.text_components`: float32 [D] and [D, width]."""
    return closed_forms.text_components(self.text_vectors(), width)

  def neighbour_factors(self, width: int) -> np.ndarray:
    """See `neighbourhood.neighbour_factors`: float32 [N, width]."""
    return neighbourhood.neighbour_factors(
      self.sequences, self.num_items, width
    )

  def click_rates(self, shrinkage: float) -> np.ndarray:
    """See `closed_forms.click_rates`: float32 [N]."""
    return closed_forms.click_rates(
      self.learned_from, self.num_items, shrinkage
    )

  def calendar(self, half_life: float) -> tuple[int, int, int]:
    """See `closed_forms.calendar`: up to the test, whatever is learned from."""
    before_test = self.dataset.before_test
    assert isinstance(before_test, Sequences)  # Impressions have no trend.
    return closed_forms.calendar(before_test, half_life)

  def trends(self, periods, half_life: float) -> np.ndarray:
    """See `closed_forms.trends`: float32 [N, K]."""
    return closed_forms.trends(
      self.learned_from, self.num_items, periods, half_life
    )

  def fields(self, names: tuple[str, ...]) -> tuple[item_fields.Field, ...]:
    """The values of item columns, numbered; see `data.items.fields`."""
    names = self.dataset.columns_named(names)
    return item_fields.learn(self.dataset.items, names)

  def field_values(self, learned: tuple[item_fields.Field, ...]) -> np.ndarray:
    """int32 [N, F, V], of every item."""
    return item_fields.numbered(learned, self.dataset.items, self.num_items)

  def factors(self, config) -> dict[str, np.ndarray]:
    """See `factors`: 'read' and 'scored', float32 [N, channels * width].

    Made once and kept, by the fingerprints of all that goes in. A channel
    that nothing can be learned of is named.

    Args:
      config: a models.terms.ids.IdsConfig.
    """
    settings = factors.Settings(
      config.penalty, config.damping, config.fade_days, config.texts
    )
    options = {
      'names': config.channel_names,
      'width': config.width,
      'settings': settings,
      'seed': 0,
    }
    ingredients = [factors.FORMAT, options, self.num_items]
    ingredients.append(fingerprint(self.sequences))
    if settings.texts:
      ingredients.append(self.vectors_key)
    key = hashlib.sha256(repr(ingredients).encode()).hexdigest()[:16]
    with one_at_a_time(self.cache_dir / 'lock', self.say):
      made = factors.factors(
        self.sequences,
        self.num_items,
        directory=self.cache_dir / 'factors' / key,
        vectors=self.text_vectors() if settings.texts else None,
        **options,
      )
    if silent := factors.silent_channels(made, config.channel_names):
      self.say(
        f'note: model.terms.ids: {" and ".join(silent)} starts at zero: the '
        'actions are too few to tell what goes together'
      )
    return made

  def neighbours(self, name: str, config) -> Neighbours:
    """A member of the ensemble, fitted: made once and kept, as `factors`.

    Args:
      name: of MEMBERS.
      config: of the member.
    """
    ingredients = [ensemble_store.FORMAT, name, config, self.num_items]
    ingredients += [fingerprint(self.sequences), self.vectors_key]
    key = hashlib.sha256(repr(ingredients).encode()).hexdigest()[:16]
    fit = lambda: MEMBERS[name](config).fit(
      self.sequences, np.asarray(self.text_vectors())
    )
    with one_at_a_time(self.cache_dir / 'lock', self.say):
      return ensemble_store.kept(self.cache_dir / 'ensemble' / key, fit)


def fingerprint(sequences) -> str:
  """Of who acted on what, and when: of the arrays, whatever made them."""
  digest = hashlib.sha256()
  for values in (sequences.offsets, sequences.items, sequences.times):
    digest.update(np.ascontiguousarray(values).tobytes())
  return digest.hexdigest()
