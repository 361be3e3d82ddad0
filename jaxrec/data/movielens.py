"""MovieLens (Harper, Konstan, 2015; grouplens.org/datasets/movielens).

`config.data.dir` holds the publisher's files as latest-small, 25M and 32M have
them: comma-separated, with a header.

  movies.csv   movieId,title,genres
  ratings.csv  userId,movieId,rating,timestamp

Every rating is an interaction, whatever its stars: somebody who rated a film
chose to watch it.
"""

import csv
import math
import pathlib
from collections.abc import Iterator

from jaxrec.data.builder import Item
from jaxrec.data.sequence_builder import Interaction, SequenceBuilder
from jaxrec.errors import UserError

MOVIES = ('movieId', 'title', 'genres')
RATINGS = ('userId', 'movieId', 'rating', 'timestamp')


class MovieLens(SequenceBuilder):
  """Films in the order of movies.csv, and who rated them when.

  Malformed lines are set aside, named in `notes` and counted under
  'malformed: <reason>'; counted and dropped as well: 'repeated films',
  'ratings of unknown films', 'repeated ratings' (the first stays).
  """

  ITEM_TEXTS = ('title', 'category')
  HOMEPAGE = 'https://grouplens.org/datasets/movielens'
  LICENSE = 'GroupLens: research and other non-commercial use'

  @classmethod
  def files(cls, directory: pathlib.Path) -> list[pathlib.Path]:
    """movies.csv and ratings.csv; UserError where one is missing."""
    paths = [directory / name for name in ('movies.csv', 'ratings.csv')]
    for path in paths:
      if not path.is_file():
        raise UserError(
          f'data.dir={directory}: {path.name} is missing: give the unzipped '
          'directory of MovieLens latest-small, 25M or 32M'
        )
    return paths

  def items(self, directory: pathlib.Path) -> Iterator[Item]:
    """Yields the films, '|' between genres as the publisher has it."""
    seen = set()
    for where, (film, title, genres) in self._rows(
      self.files(directory)[0], MOVIES
    ):
      if not film:
        self.note('malformed: no movieId', f'{where}: no movieId')
      elif film in seen:
        self.note('repeated films', f'{where}: film {film} again')
      else:
        seen.add(film)
        yield {'item_id': film, 'title': title, 'category': genres}

  def interactions(self, directory: pathlib.Path) -> Iterator[Interaction]:
    """Yields (userId, film, timestamp) of every rating."""
    # The items config counts what is wrong with the films.
    silent = type(self)(config='items', data_dir=self._data_dir_root)
    films = {
      item['item_id']: i for i, item in enumerate(silent.items(directory))
    }
    seen = set()
    for where, (user, film, rating, time) in self._rows(
      self.files(directory)[1], RATINGS
    ):
      try:
        seconds, stars = int(time), float(rating)
      except ValueError:
        seconds, stars = -1, 0.0
      if not user or seconds < 0 or not math.isfinite(stars):
        why = f'userId {user!r}, rating {rating!r}, timestamp {time!r}'
        self.note('malformed: not a rating', f'{where}: {why[:200]}')
      elif film not in films:
        self.note('ratings of unknown films', f'{where}: film {film[:50]!r}')
      elif (user, film) in seen:
        self.note('repeated ratings', f'{where}: user {user}, film {film}')
      else:
        seen.add((user, film))
        yield Interaction(user, films[film], seconds)

  def _rows(self, path: pathlib.Path, columns: tuple[str, ...]):
    """Yields ('file:line', fields) of lines with the right number of them."""
    with open(path, newline='', encoding='utf-8-sig', errors='replace') as f:
      lines = csv.reader(f)
      header = tuple(next(lines, ()))
      if header != columns:
        raise UserError(
          f'{path}: the header is {",".join(header)[:100]!r}, expected '
          f'{",".join(columns)!r}'
        )
      for row in lines:
        where = f'{path.name}:{lines.line_num}'
        if len(row) == len(columns):
          yield where, row
        elif row:
          self.note(
            'malformed: columns',
            f'{where}: {len(row)} columns, expected {len(columns)}',
          )
