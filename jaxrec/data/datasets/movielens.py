"""MovieLens (Harper, Konstan, 2015; grouplens.org/datasets/movielens).

`config.data.dir` holds the files of one set, which is known by their names:

  latest-small, 25M, 32M   movies.csv   movieId,title,genres
                           ratings.csv  userId,movieId,rating,timestamp
  100K                     u.item       24 columns by '|': id, title, two dates,
                                        URL, 19 flags of genres
                           u.data       user, film, rating, timestamp by tabs
  1M, 10M                  movies.dat   id::title::genres
                           ratings.dat  user::film::rating::timestamp

Those without a header are Latin-1 or, 10M, UTF-8: a line that is not UTF-8 is
read as Latin-1.

Every rating is an interaction, whatever its stars: somebody who rated a film
chose to watch it. Its behaviour is 'liked' from 4 stars on, else 'watched'.
"""

import array
import bisect
import collections
import dataclasses
import math
import pathlib
import re
from collections.abc import Iterator

from jaxrec.data.datasets.builder import Item
from jaxrec.data.datasets.sequence_builder import (
  Interaction,
  SequenceBuilder,
)
from jaxrec.data.readers import plain_lines, tables
from jaxrec.data.readers.tally import Note, Tally
from jaxrec.data.readers.times import MAX_SECONDS
from jaxrec.errors import UserError

MOVIES = ('movieId', 'title', 'genres')
RATINGS = ('userId', 'movieId', 'rating', 'timestamp')
# The order of the flags in u.item; the names are those of u.genre.
GENRES = (
  *('unknown', 'Action', 'Adventure', 'Animation', "Children's", 'Comedy'),
  *('Crime', 'Documentary', 'Drama', 'Fantasy', 'Film-Noir', 'Horror'),
  *('Musical', 'Mystery', 'Romance', 'Sci-Fi', 'Thriller', 'War', 'Western'),
)
LIKED = 4.0  # Stars, of 5.
_YEAR = re.compile(r'\((\d{4})\)\s*$', re.ASCII)


@dataclasses.dataclass(frozen=True)
class Layout:
  """How one generation of MovieLens lies on disk.

  Attributes:
    sets: which it is.
    movies, ratings: names of its files.
    separators: of their columns; None: CSV with a header.
  """

  sets: str
  movies: str
  ratings: str
  separators: tuple[str, str] | None = None


LAYOUTS = (
  Layout('latest-small, 25M or 32M', 'movies.csv', 'ratings.csv'),
  Layout('100K', 'u.item', 'u.data', ('|', '\t')),
  Layout('1M or 10M', 'movies.dat', 'ratings.dat', ('::', '::')),
)


class MovieLens(SequenceBuilder):
  """Films in their file's order, and who rated them when.

  Texts are the title as published, the category ('|' between genres) and the
  year ('' where the title does not end in one). Malformed lines are set aside,
  named in `notes` and counted under 'malformed: <reason>'; counted and dropped
  as well: 'repeated films', 'ratings of unknown films', 'repeated ratings' (the
  first stays).
  """

  ITEM_TEXTS = ('title', 'category', 'year')
  HOMEPAGE = 'https://grouplens.org/datasets/movielens'
  LICENSE = 'GroupLens: research and other non-commercial use'

  @classmethod
  def files(cls, directory: pathlib.Path) -> list[pathlib.Path]:
    """Films and ratings; UserError where one is missing, or sets are mixed."""
    layout = layout_of(directory)
    return [directory / layout.movies, directory / layout.ratings]

  def items(self, directory: pathlib.Path) -> Iterator[Item]:
    """Yields the films."""
    return _films(directory, self.note)

  def interactions(self, directory: pathlib.Path) -> Iterator[Interaction]:
    """Yields every rating, in the file's order."""
    tally = Tally()  # Of films, which the items config counts.
    films = {
      item['item_id']: i for i, item in enumerate(_films(directory, tally.note))
    }
    # Sorted film indices of each user: 4 bytes a rating, 130 MB for 32M, where
    # a set of pairs would take several GB.
    seen: dict[str, array.array] = collections.defaultdict(
      lambda: array.array('i')
    )
    layout, note = layout_of(directory), self.note
    for where, row in _rows(directory, layout, layout.ratings, RATINGS, note):
      user, film, rating, time = row
      try:
        seconds, stars = int(time), float(rating)
      except ValueError:
        seconds, stars = -1, 0.0
      in_time = 0 <= seconds <= MAX_SECONDS
      if not user.strip() or not in_time or not math.isfinite(stars):
        detail = f'userId {user[:50]!r}, rating {rating[:50]!r}'
        detail += f', timestamp {time[:50]!r}'
        self.note('malformed: not a rating', f'{where}: {detail}')
      elif film not in films:
        self.note('ratings of unknown films', f'{where}: film {film[:50]!r}')
      else:
        rated, index = seen[user], films[film]
        at = bisect.bisect_left(rated, index)
        if rated[at : at + 1] == array.array('i', [index]):
          detail = f'user {user[:50]!r}, film {film[:50]!r}'
          self.note('repeated ratings', f'{where}: {detail}')
        else:
          rated.insert(at, index)
          behaviour = 'liked' if stars >= LIKED else 'watched'
          yield Interaction(user, index, seconds, behaviour)


def layout_of(directory: pathlib.Path) -> Layout:
  """The one layout whose two files are there.

  Raises:
    UserError: there is none, or there are several.
  """
  present = {
    layout: [
      name
      for name in (layout.movies, layout.ratings)
      if (directory / name).is_file()
    ]
    for layout in LAYOUTS
  }
  whole = [layout for layout, names in present.items() if len(names) == 2]
  if len(whole) == 1:
    return whole[0]
  files = ', '.join(name for names in present.values() for name in names)
  expected = ' or '.join(
    f'{x.movies} and {x.ratings} ({x.sets})' for x in LAYOUTS
  )
  what = 'several sets of MovieLens' if whole else 'no set of MovieLens'
  missing = [
    name
    for layout, names in present.items()
    for name in (layout.movies, layout.ratings)
    if len(names) == 1 and name not in names
  ]
  lacks = f', {" and ".join(missing)} is missing' if missing else ''
  raise UserError(
    f'data.dir={directory}: {what} (found: {files or "none of its files"}'
    f'{lacks if not whole else ""}): give the unzipped directory of one, with '
    f'{expected}'
  )


def _films(directory: pathlib.Path, note: Note) -> Iterator[Item]:
  layout, seen = layout_of(directory), set()
  for where, row in _rows(directory, layout, layout.movies, MOVIES, note):
    film, title, genres = row
    if not film.strip():
      note('malformed: no movieId', f'{where}: no movieId')
    elif film in seen:
      note('repeated films', f'{where}: film {film[:50]!r} again')
    elif genres is None:
      note('malformed: genres', f'{where}: a flag that is not 0 or 1')
    else:
      seen.add(film)
      year = _YEAR.search(title)
      yield {
        'item_id': film,
        'title': title,
        'category': genres,
        'year': year[1] if year else '',
      }


def _rows(
  directory: pathlib.Path,
  layout: Layout,
  name: str,
  columns: tuple[str, ...],
  note: Note,
) -> Iterator[tuple[str, tuple]]:
  """Yields ('file:line', values of `columns`) of one of the two files."""
  path = directory / name
  if layout.separators is None:
    picked = tables.pick(path, {name: name for name in columns}, option='')
    for where, texts in tables.rows(path, picked, note):
      yield where, tuple(texts[name] for name in columns)
    return
  is_flagged = name == 'u.item'
  separator = layout.separators[name == layout.ratings]
  width = 5 + len(GENRES) if is_flagged else len(columns)
  for where, row in plain_lines.rows(path, separator, width, note, 'latin-1'):
    if is_flagged:
      yield where, (row[0], row[1], _genres(row[5:]))
    else:
      yield where, tuple(row)


def _genres(flags: list[str]) -> str | None:
  """'Drama|War' of 19 flags; None where one is neither 0 nor 1."""
  if not {'0', '1'}.issuperset(flags):
    return None
  return '|'.join(g for g, f in zip(GENRES, flags, strict=True) if f == '1')
