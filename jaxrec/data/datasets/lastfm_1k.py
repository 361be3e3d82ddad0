"""Last.fm-1K (Celma, 2010; ocelma.net): all that 992 people listened to.

`config.data.dir` holds the publisher's file, tab-separated, no header, quotes
literal:

  userid-timestamp-artid-artname-traid-traname.tsv   2009-05-04T23:08:57Z

The item is the track: its MusicBrainz id, else the names of artist and track.
Every play is an interaction; a track that is played again, even at once, is
there again.
"""

import pathlib
import re
from collections.abc import Iterator

from jaxrec.data.datasets.builder import Item
from jaxrec.data.datasets.sequence_builder import (
  Interaction,
  SequenceBuilder,
)
from jaxrec.data.readers import plain_lines
from jaxrec.data.readers.tally import Note, Tally
from jaxrec.data.readers.times import unix_seconds
from jaxrec.errors import UserError

FILE = 'userid-timestamp-artid-artname-traid-traname.tsv'
UNTITLED = 'items without a title'
_TIME = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ', re.ASCII)


class LastFm1K(SequenceBuilder):
  """Tracks in the order they first come up, and who played them when.

  Texts are the title and the artist. Malformed lines are set aside, named in
  `notes` and counted under 'malformed: <reason>'; nothing else is dropped.
  """

  name = 'lastfm_1k'
  ITEM_TEXTS = ('title', 'artist')
  HOMEPAGE = 'http://ocelma.net/MusicRecommendationDataset/lastfm-1K.html'
  LICENSE = 'Last.fm: non-commercial use'

  @classmethod
  def files(cls, directory: pathlib.Path) -> list[pathlib.Path]:
    """The plays; UserError where they are missing."""
    path = directory / FILE
    if not path.is_file():
      present = sorted(p.name for p in directory.glob('*'))[:5]
      raise UserError(
        f'data.dir={directory}: {FILE} is missing (found: '
        f'{", ".join(present) or "nothing"}): give the unzipped directory of '
        'lastfm-dataset-1K'
      )
    return [path]

  def items(self, directory: pathlib.Path) -> Iterator[Item]:
    """Yields the tracks, with the names of their first play."""
    tally = Tally()  # Of lines, which the sequences config counts.
    path, seen = self.files(directory)[0], set()
    for _, _, key, title, artist in _plays(path, tally.note):
      if key not in seen:
        seen.add(key)
        if not title.strip():
          self.note(UNTITLED, f'{key[:50]!r} has no traname')
        yield {'item_id': key, 'title': title, 'artist': artist}
    if not seen:
      raise UserError(
        f'{path}: no line is a play; counted: {dict(tally.counts)}; first: '
        f'{tally.notes[:3]}'
      )

  def interactions(self, directory: pathlib.Path) -> Iterator[Interaction]:
    """Yields every play, in the file's order."""
    items: dict[str, int] = {}
    for user, time, key, *_ in _plays(self.files(directory)[0], self.note):
      yield Interaction(user, items.setdefault(key, len(items)), time)


def _plays(
  path: pathlib.Path, note: Note
) -> Iterator[tuple[str, int, str, str, str]]:
  """Yields (user, unix seconds, item id, title, artist)."""
  for where, row in plain_lines.rows(path, '\t', 6, note):
    user, text, _, artist, track_id, title = row
    time = unix_seconds(text) if _TIME.fullmatch(text) else None
    if not user.strip():
      note('malformed: no user', f'{where}: no userid')
    elif time is None:
      note('malformed: time', f'{where}: timestamp {text[:50]!r}')
    elif not track_id.strip() and not title.strip():
      note('malformed: no track', f'{where}: neither traid nor traname')
    else:
      yield user, time, track_id.strip() or f'{artist}\t{title}', title, artist
