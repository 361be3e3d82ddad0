"""What a table's columns may have been called, for errors that name them."""

import difflib
import re
from collections.abc import Mapping, Sequence

# Of our columns what others call them, without signs and in small letters.
OTHERS = {
  'user_id': (
    *(
      'user',
      'uid',
      'visitor',
      'visitorid',
      'customer',
      'customerid',
      'client',
    ),
    *('clientid', 'member', 'memberid', 'account', 'accountid', 'reviewerid'),
    *('session', 'sessionid'),
  ),
  'item_id': (
    *('item', 'product', 'productid', 'sku', 'stockcode', 'article', 'asin'),
    *('articleid', 'track', 'trackid', 'song', 'songid', 'movie', 'movieid'),
    *('film', 'filmid', 'video', 'videoid', 'news', 'newsid', 'content'),
    *('contentid', 'id'),
  ),
  'timestamp': (
    *('time', 'date', 'datetime', 'ts', 'eventtime', 'createdat', 'when'),
    *('unixtime', 'invoicedate', 'orderdate', 'playedat', 'clickedat'),
    *('eventdate', 'eventtimestamp', 'day'),
  ),
  'title': (
    *('name', 'description', 'productname', 'producttitle', 'itemname'),
    *('itemtitle', 'headline', 'label', 'trackname', 'product'),
  ),
  'behaviour': ('behavior', 'event', 'eventtype', 'action', 'type'),
  'impression_id': ('impression', 'listid', 'requestid', 'slateid', 'viewid'),
  'candidates': (
    *('shown', 'inview', 'impressions', 'itemsshown', 'articleidsinview'),
    *('candidateids', 'itemids', 'slate', 'items', 'displayed'),
  ),
  'label': ('clicked', 'click', 'isclicked', 'isclick', 'target', 'y'),
  'history': ('clickhistory', 'userhistory', 'read', 'articleidfixed'),
  'rating': ('score', 'stars', 'overall'),
}


def missing(
  absent: Mapping[str, str],
  present: Sequence[str],
  needed: Mapping[str, str],
  option: str,
) -> str:
  """Names all columns that a table lacks, each with its near misses.

  Args:
    absent: the table's names of these, by ours.
    present: its columns.
    needed: like `absent`, of all that it must have.
    option: the config's key of such names; '': they are fixed.
  """
  parts = []
  for ours, name in absent.items():
    close = [repr(n[:60]) for n in near(name, ours, present)]
    hint = f': did you mean {" or ".join(close)}?' if close else ''
    parts.append(f'no column {name!r}{hint}')
  maps = f'; --config.{option}.{next(iter(absent))}=NAME maps one'
  return (
    f'{"; ".join(parts)} (found: {", ".join(present)[:200]!r}, expected: '
    f'{", ".join(needed.values())}{maps if option else ""})'
    f'{_hint(present)}'
  )


def near(name: str, ours: str, present: Sequence[str]) -> list[str]:
  """Of the columns that are there, those that may be meant by `name`.

  Args:
    name: what was looked for.
    ours: what we call such a column, a key of OTHERS or not.
    present: the table's columns.
  """
  plain = {plain_name(n): n for n in reversed(present)}
  close = difflib.get_close_matches(plain_name(name)[:100], plain)
  ours = 'item_id' if ours == 'catalog_id' else ours
  others = [n for n in OTHERS.get(ours, ()) if n in plain]
  return [plain[n] for n in dict.fromkeys([*close, *others])][:3]


def plain_name(name: str) -> str:
  """'userId', 'User ID' and 'user_id' are near each other."""
  return re.sub(r'[\W_]', '', name).lower()


def _hint(present: Sequence[str]) -> str:
  """What may be wrong with a first line that has such names of columns."""
  if any('\r' in name for name in present):
    return ': its lines end with CR alone: save it with LF'
  if any(re.fullmatch(r'-?\d+(\.\d+)?', name) for name in present):
    return ': does the file lack its first line, the names of its columns?'
  for sign in (';', '\t', '|'):
    if count := sum(name.count(sign) for name in present):
      return f': its first line has {count} {sign!r}: does that separate them?'
  return ''
