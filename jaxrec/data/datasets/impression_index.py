"""What lists are read with: items by their ids, and what was clicked when."""

import array
import bisect

import numpy as np

from jaxrec.data.datasets.own_tables import by_whole_number, whole_number

LONGEST = 1000  # Clicks of a history that is built.


class Clicks:
  """What users clicked and when, to be asked what came before."""

  def __init__(self) -> None:
    self._of: dict[str, tuple[array.array, array.array]] = {}

  def add(self, user: str, item: int, time: int) -> None:
    """One click; they may come in any order."""
    times, items = self._of.setdefault(
      user, (array.array('q'), array.array('i'))
    )
    times.append(time)
    items.append(item)

  def sort(self) -> None:
    """Puts them in order, those of one time as they came."""
    for times, items in self._of.values():
      order = np.argsort(np.asarray(times), kind='stable')
      for column in (times, items):
        column[:] = array.array(column.typecode, np.asarray(column)[order])

  def before(self, user: str, time: int) -> list[int]:
    """The latest LONGEST items clicked at earlier times, oldest first."""
    if user not in self._of:
      return []
    times, items = self._of[user]
    end = bisect.bisect_left(times, time)
    return items[max(end - LONGEST, 0) : end].tolist()


class Places:
  """Indices of items by their ids; of whole numbers, whether '12' or '12.0'.

  Args:
    items: by ids, as their table has them.
  """

  def __init__(self, items: dict[str, int]):
    self._places = items
    self._by_number = by_whole_number(items)

  def __len__(self) -> int:
    return len(self._places)

  def add(self, key: str) -> None:
    """One more item."""
    self._places[key] = len(self._places)

  def of(self, key: str) -> int | None:
    """The index of an item; None where there is none."""
    place = self._places.get(key)
    return self.as_number(key) if place is None else place

  def as_number(self, key: str) -> int | None:
    """That of an item whose id is another spelling of the same number."""
    if key in self._places:
      return None
    return self._by_number.get(whole_number(key))
