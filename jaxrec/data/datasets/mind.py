"""MIND, the Microsoft News dataset (Wu et al., ACL 2020, msnews.github.io).

`config.data.dir` holds MINDsmall_train/ and MINDsmall_dev/ (or MINDlarge_*), or
files of the same form in train/ and dev/ (or valid/, or test/), each with the
publisher's two files, tab-separated. A header, which the publisher's do not
have, is left out and counted:

  news.tsv       id, category, subcategory, title, abstract, url, entities (2)
  behaviors.tsv  impression id, user id, time, history, impressions

The published dev set is the split 'test'. MIND's times are local and name no
zone; they are read as if they were UTC.
"""

import pathlib
import re
from collections.abc import Iterator

from jaxrec.data.datasets import mind_lines
from jaxrec.data.datasets.builder import Builder, Item
from jaxrec.data.datasets.mind_lines import (
  Shard,
  check_format,
  line_shards,
  lines,
  parse_impression,
  parse_news,
  place_of,
  rows,
  short,
)
from jaxrec.data.readers.tally import Note, Tally
from jaxrec.errors import UserError

PART = r'(MIND(small|large)_)?(train|dev|valid|test)'
OTHER_TESTS = ('dev', 'valid', 'test')  # Folders beside train/.
SHARD_BYTES = 64 << 20  # Of behaviors.tsv, read by one worker.


class Mind(Builder):
  """Items and impressions of MIND; `SIZE` None takes the size that is there.

  Items are the training news, then the news only dev has, both in file order,
  then candidates that have no line in either news file, with empty texts, so
  that no impression loses a candidate. Impressions keep the file's order.

  A malformed line is set aside, named in `notes` and counted in `counts`
  under 'malformed: <reason>'. Counted as well, and kept: 'empty titles',
  'candidates without news'. Counted and dropped: 'blank lines', 'header lines'
  (the first of a file alone), 'duplicate
  news ids' (within one file), 'dev news already in train', of these those
  with 'another title in dev', 'unknown history ids', 'repeated candidates'.
  In each of these the first occurrence stays.
  """

  ITEM_TEXTS = ('title', 'abstract', 'category', 'subcategory')
  HOMEPAGE = 'https://msnews.github.io'
  LICENSE = 'Microsoft Research License Terms: non-commercial research only'
  USES = (mind_lines,)
  SIZE: str | None = None  # 'small', 'large', or None: small before large.
  _indexed: tuple[pathlib.Path, dict[str, int]] | None = None

  @classmethod
  def files(cls, directory: pathlib.Path) -> list[pathlib.Path]:
    """Train news and behaviors, dev news and behaviors, in this order.

    Raises:
      UserError: where the directory or one of the files is missing.
    """
    directory = pathlib.Path(directory)
    sizes = [cls.SIZE] if cls.SIZE else ['small', 'large']
    folders = [(f'MIND{size}_train', f'MIND{size}_dev') for size in sizes]
    folders += [('train', test) for test in OTHER_TESTS]
    missing = {}
    for parts in folders:
      paths = [
        directory / part / name
        for part in parts
        for name in ('news.tsv', 'behaviors.tsv')
      ]
      missing[parts] = [path for path in paths if not path.is_file()]
      if not missing[parts]:
        return paths
    nearest = min(folders, key=lambda parts: len(missing[parts]))
    raise UserError(_what_is_missing(directory, sizes, missing[nearest][0]))

  def items(self, directory: pathlib.Path) -> Iterator[Item]:
    """Yields the catalog; see `Builder.items`.

    Raises:
      UserError: a file is missing, has no usable line, or is mostly malformed.
    """
    return self._catalog(pathlib.Path(directory), self.note)

  @classmethod
  def _behaviors(cls, directory: pathlib.Path, split: str) -> pathlib.Path:
    return cls.files(directory)[{'train': 1, 'test': 3}[split]]

  def impression_shards(
    self, directory: pathlib.Path, split: str
  ) -> list[Shard]:
    """Runs of lines of 'train' or 'test'; see `Builder.impression_shards`."""
    return line_shards(self._behaviors(directory, split), SHARD_BYTES)

  @staticmethod
  def read_shard(
    shard: Shard, shared: dict[str, int], note: Note
  ) -> Iterator[tuple[int, dict]]:
    """Yields impressions by the place of their line; see `Builder.read_shard`.

    Times are unix seconds, MIND's local time taken as UTC. Impressions whose
    labels are all 0 or all 1, or whose history is empty, are kept.
    """
    for _, place, row in lines(shard, parse_impression, note):
      history = [shared[key] for key in row.history if key in shared]
      if len(history) < len(row.history):
        note('unknown history ids', times=len(row.history) - len(history))
      labels: dict[int, int] = {}  # By item.
      for key, label in zip(row.candidates, row.labels, strict=True):
        labels.setdefault(shared[key], label)
      if len(labels) < len(row.candidates):
        note('repeated candidates', times=len(row.candidates) - len(labels))
      yield (
        place,
        {
          'impression_id': row.impression_id,
          'user_id': row.user_id,
          'time': row.time,
          'history': history,
          'candidates': list(labels),
          'labels': list(labels.values()),
        },
      )

  @classmethod
  def check(
    cls, directory: pathlib.Path, split: str, count: int, tally: Tally
  ) -> None:
    """UserError where behaviors.tsv has no usable line or is mostly bad."""
    check_format(cls._behaviors(directory, split), count, tally)

  def shared(self, directory: pathlib.Path) -> dict[str, int]:
    """item_id -> index; kept for the next split: it reads all four files."""
    if self._indexed is None or self._indexed[0] != directory:
      items = self._catalog(directory, _silent)
      index = {item['item_id']: i for i, item in enumerate(items)}
      self._indexed = directory, index
    return self._indexed[1]

  def _catalog(self, directory: pathlib.Path, note: Note) -> Iterator[Item]:
    """Yields every item in the order that both configs index them."""
    files = self.files(directory)
    titles: dict[str, str] = {}
    for news in files[0::2]:
      seen = set()
      for number, row in rows(news, parse_news, note):
        where, key = place_of(news, number), row.item_id
        if key in seen:
          note('duplicate news ids', f'{where}: {short(key)} again')
        elif key in titles:
          note('dev news already in train')
          if row.title != titles[key]:
            note(
              'another title in dev',
              f'{where}: {short(key)} has another title in train',
            )
        else:
          titles[key] = row.title
          if not row.title.strip():
            note('empty titles')
          yield row._asdict()
        seen.add(key)
    for behaviors in files[1::2]:
      # Only usable lines add items; the impressions config counts the others.
      for number, impression in rows(behaviors, parse_impression, _silent):
        for key in impression.candidates:
          if key not in titles:
            titles[key] = ''
            where = place_of(behaviors, number)
            note(
              'candidates without news',
              f'{where}: candidate {short(key)} has no news',
            )
            yield {'item_id': key, **dict.fromkeys(self.ITEM_TEXTS, '')}


class MindSmall(Mind):
  """MIND-small, also where MIND-large lies beside it."""

  SIZE = 'small'


class MindLarge(Mind):
  """MIND-large, also where MIND-small lies beside it."""

  SIZE = 'large'


def _silent(reason: str, where: str = '', times: int = 1) -> None:
  """A `Note` for what another pass counts."""


def _what_is_missing(
  directory: pathlib.Path, sizes: list[str], path: pathlib.Path
) -> str:
  """What was found in place of MIND, what was expected and what would do."""
  each = [f'MIND{size}_train/ and MIND{size}_dev/' for size in sizes]
  each.append('train/ and dev/')
  wanted = f'{" or ".join(each)}, each with news.tsv and behaviors.tsv'
  to_do = f'point config.data.dir at the directory that holds {wanted}'
  if not directory.is_dir():
    what = 'is not a directory' if directory.exists() else 'does not exist'
    return f'{directory} {what}: {to_do}'
  if path.parent.is_dir():
    entries = f'{_entries(path.parent)} in {path.parent.name}/'
    return f'{path} is missing: found {entries}; {to_do}'
  absolute = directory.resolve()
  if re.fullmatch(PART, absolute.name):
    return (
      f'{directory} is one part of MIND (found {_entries(directory)}): point '
      f'config.data.dir at its parent, {absolute.parent}, expected to hold '
      f'{wanted}'
    )
  return (
    f'{directory} does not hold {path.parent.name}/: found '
    f'{_entries(directory)}; unzip it there or {to_do}'
  )


def _entries(directory: pathlib.Path, most: int = 5) -> str:
  """'a', 'b' and 3 more: a few of the entries of a directory."""
  names = sorted(path.name for path in directory.iterdir())
  if not names:
    return 'nothing'
  more = f' and {len(names) - most} more' if len(names) > most else ''
  return ', '.join(map(repr, names[:most])) + more
