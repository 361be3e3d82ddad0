"""Bring your own: a table of lists that were shown, and a table of items.

    --config.data.name=impressions
    --config.data.impressions_file=FILE  --config.data.items_file=FILE

Formats, times, items and names of columns are as `interactions` has them. A
table of lists has one of two shapes, which its columns tell apart:

  a row a list       user_id, timestamp, candidates; labels or clicked;
                     impression_id and history if there are
  a row a candidate  user_id, timestamp, item_id, label; impression_id and
                     history if there are

`candidates` are the ids that were shown, `labels` as many 1 and 0, `clicked`
the ids that were clicked; without either, the candidates tell it: 'N1-1 N2-0'.
How lists may be written is in `readers.lists`. Either shape makes the same of
the same log:

- A history is what the table says. Where there is no such column it is what the
  user clicked before: at times strictly earlier than the list's, in all tables,
  oldest first, the latest 1,000. Nothing of the list's own time or later is
  in it.
- Rows of one impression_id and one user are one list, wherever they stand;
  where there is no impression_id, those of one user and one time. It was shown
  at the earliest of their times; a click is of its row's time.
- A candidate that comes again counts once, where it first stood: clicked if any
  of them is; counted.
- The same impression_id, user and time again, or without an impression_id the
  same candidates: dropped and counted; only where a row is a list.
- Lists of which nothing or everything was clicked are kept, and counted.
- Candidates that the items lack become items with empty texts, so that no list
  loses a candidate; those of histories are dropped. Both are counted.
- An empty id, a time that is none, no candidates, a label that is none, another
  number of labels than candidates, what is no list: malformed, named as
  file:line and counted.

The test is the table data.test_impressions_file, or the latest part of the one
table, as large as data.validation_fraction.
"""

import pathlib
import types
from collections.abc import Iterator

from jaxrec.data.datasets import (
  impression_columns,
  impression_index,
  impression_lists,
  impression_rows,
  interactions,
  mind_lines,
  own_tables,
)
from jaxrec.data.datasets.builder import Builder, Item
from jaxrec.data.datasets.impression_columns import Shown, layout_of
from jaxrec.data.datasets.impression_index import Clicks, Places
from jaxrec.data.datasets.impression_lists import read_lists
from jaxrec.data.datasets.mind_lines import short
from jaxrec.data.datasets.own_tables import (
  KEYS,
  WHOLE,
  item_columns,
  own_names,
  read_items,
)
from jaxrec.data.datasets.source import Source
from jaxrec.errors import UserError
from jaxrec.preflight import check_tables

NO_ITEM = 'candidates that the items lack'
UNKNOWN = 'unknown history ids'
UNCLICKED = 'lists without a click'
CLICKED = 'lists of which everything was clicked'


class Impressions(Builder):
  """Items in their table's order, and the lists that users were shown.

  Set aside and counted: 'malformed: <reason>', 'repeated items', 'repeated
  impressions', 'repeated candidates', 'unknown history ids', 'clicked ids that
  were not shown'. Counted and kept: 'candidates that the items lack', 'lists
  without a click', 'lists of which everything was clicked'.
  """

  LICENSE = 'As its owner says.'
  SOURCE: Source = Source()
  SPLITS = ('shown',)
  USES = (
    impression_columns,
    impression_index,
    impression_lists,
    impression_rows,
    interactions,
    mind_lines,
    own_tables,
  )
  _read: tuple[pathlib.Path, Places, Clicks] | None = None

  @classmethod
  def bound(cls, directory: str, source: Source) -> type[Builder]:
    """See `Builder.bound`; the columns of all tables are read."""
    source.check(cls.name)
    items, *lists = check_tables(
      pathlib.Path(directory).expanduser(), source, cls.name
    )
    texts = item_columns(items, source)
    for path in lists:
      layout_of(path, source)
    attributes = {
      '__module__': cls.__module__,
      '__doc__': cls.__doc__,
      'SOURCE': source,
      'SPLITS': ('train', 'test') if len(lists) > 1 else cls.SPLITS,
      'ITEM_TEXTS': ('title', *(n for n in texts if n not in KEYS)),
      'OWN_NAMES': own_names(texts),
    }
    return types.new_class(
      cls.__name__,
      (cls,),
      {'skip_registration': True},
      lambda namespace: namespace.update(attributes),
    )

  @classmethod
  def files(cls, directory: pathlib.Path) -> list[pathlib.Path]:
    """Items, then lists; UserError where one is missing."""
    return check_tables(directory, cls.SOURCE, cls.name)

  def items(self, directory: pathlib.Path) -> Iterator[Item]:
    """Yields the items, then the candidates that are none of them.

    Raises:
      UserError: there is no item, or no candidate is one.
    """
    path, *tables = self.files(directory)
    listed: dict[str, int] = {}
    for item in read_items(path, self.SOURCE, self.note):
      listed[item['item_id']] = len(listed)
      yield item
    if not listed:
      raise UserError(f'{path}: has no item that can be read')
    first, count = next(iter(listed)), len(listed)
    places, is_known, strange = Places(listed), False, ''
    for shown in self._lists(tables):
      for key in shown.candidates:
        place = places.of(key)
        is_known |= place is not None and place < count
        if place is None:
          places.add(key)
          strange = strange or key
          where = f'{shown.where}: candidate {short(key)}'
          self.note(NO_ITEM, f'{where} is not among the items')
          yield {'item_id': key, **dict.fromkeys(self.ITEM_TEXTS, '')}
    if strange and not is_known:
      raise UserError(
        f'{tables[0]}: none of its candidates is an item of {path.name}: '
        f'{short(strange)} here, {short(first)} there; are these ids of the '
        'same kind?'
      )

  def impressions(self, directory: pathlib.Path, split: str) -> Iterator[dict]:
    """Yields one split's lists, in their table's order.

    Raises:
      UserError: there is nothing to learn from.
    """
    table = self.files(directory)[1 + self.SPLITS.index(split)]
    places, clicks = self._known(directory)
    read = informative = 0
    for shown in read_lists(table, self.SOURCE, self.note):
      labels: dict[int, int] = {}
      for key, clicked_at in shown.candidates.items():
        if places.as_number(key) is not None:
          self.note(WHOLE, f'{shown.where}: candidate {short(key)}')
        place = places.of(key)
        assert place is not None  # Those that the items lack were added.
        labels[place] = labels.get(place, 0) or int(clicked_at is not None)
      kinds = set(labels.values())
      if len(kinds) == 1:
        self.note(CLICKED if kinds == {1} else UNCLICKED)
      read += 1
      informative += len(kinds) == 2
      yield {
        'impression_id': shown.impression_id,
        'user_id': shown.user_id,
        'time': shown.time,
        'history': self._history(shown, places, clicks),
        'candidates': list(labels),
        'labels': list(labels.values()),
      }
    if read and not informative and split != 'test':
      label = layout_of(table, self.SOURCE).label or 'candidates'
      raise UserError(
        f'{table}: none of {read:,} lists has both a click and a candidate '
        f'that was not clicked, so there is nothing to learn from: is '
        f'data.columns.{label} the right column?{self._set_aside()}'
      )

  def _set_aside(self) -> str:
    """What was malformed so far, for an error; '' where nothing was."""
    bad = sorted(
      f'{count:,} {reason}'
      for reason, count in self.counts.items()
      if reason.startswith('malformed: ')
    )
    return f' (set aside: {", ".join(bad)}; {self.notes[0]})' if bad else ''

  def _history(self, shown: Shown, places: Places, clicks: Clicks) -> list[int]:
    """What the table says, or else what was clicked before."""
    if shown.history is None:
      return clicks.before(shown.user_id, shown.time)
    known = (places.of(key) for key in shown.history)
    history = [place for place in known if place is not None]
    if len(history) < len(shown.history):
      self.note(UNKNOWN, times=len(shown.history) - len(history))
    return history

  def _known(self, directory: pathlib.Path) -> tuple[Places, Clicks]:
    """Indices of items by id, and all clicks; kept for the next split."""
    if self._read is None or self._read[0] != directory:
      clicks = Clicks()
      places = self._read_all(directory, clicks)
      clicks.sort()
      self._read = directory, places, clicks
    return self._read[1:]

  def _read_all(self, directory: pathlib.Path, clicks: Clicks) -> Places:
    """Every item's index; adds all clicks."""
    path, *tables = self.files(directory)
    items = read_items(path, self.SOURCE, _silent)
    places = Places({item['item_id']: i for i, item in enumerate(items)})
    for shown in self._lists(tables):
      for key, clicked_at in shown.candidates.items():
        place = places.of(key)
        if place is None:
          place = len(places)
          places.add(key)
        if clicked_at is not None:
          clicks.add(shown.user_id, place, clicked_at)
    return places

  def _lists(self, tables: list[pathlib.Path]) -> Iterator[Shown]:
    """All lists; what is set aside is counted where impressions are read."""
    for table in tables:
      yield from read_lists(table, self.SOURCE, _silent)


def _silent(reason: str, where: str = '', times: int = 1) -> None:
  """A `Note` for what another pass counts."""
