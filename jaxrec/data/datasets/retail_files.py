"""The files of Online Retail, both editions: workbooks, Parquet and CSV.

Whatever they are, a line comes as the texts of COLUMNS, by the second
edition's names; '' of a column that its file lacks.
"""

import datetime
import pathlib
import re
from collections.abc import Iterator, Sequence

from jaxrec.data.readers import names, tables
from jaxrec.data.readers.formats import damaged
from jaxrec.data.readers.tally import Note
from jaxrec.errors import UserError

SHEETS = ('Year 2009-2010', 'Year 2010-2011', 'Online Retail')
# What the columns are called, without signs and in small letters.
COLUMNS = {
  'Invoice': ('invoice', 'invoiceno', 'invoicenumber'),
  'Description': ('description',),
  'Quantity': ('quantity',),
  'InvoiceDate': ('invoicedate',),
  'Price': ('price', 'unitprice'),
  'Customer ID': ('customerid',),
  'StockCode': ('stockcode',),
}
OPTIONAL = ('Invoice', 'StockCode')
SUFFIXES = ('.xlsx', '.parquet', '.csv', '.csv.gz')
DAY_FIRST = 'files whose dates have the day first'
_YEAR_LAST = re.compile(
  r'(\d\d?)([-/.])(\d\d?)\2(\d{4}|\d\d)'
  r'(?:\s+(\d\d?)(:\d\d(?::\d\d)?)(?:\s*([AP])M)?)?',
  re.IGNORECASE,
)

Line = tuple[str, dict[str, str]]  # 'file:line' and the texts.


def files_of(directory: pathlib.Path) -> list[pathlib.Path]:
  """The files of one kind; UserError where there are none, or of two kinds."""
  kinds: dict[str, list[pathlib.Path]] = {}
  for path in sorted(directory.glob('*')):
    # A workbook that is open has a lock file beside it.
    if path.is_file() and not path.name.startswith('~$'):
      for suffix in SUFFIXES:
        if path.name.lower().endswith(suffix):
          kinds.setdefault(suffix, []).append(path)
  if len(kinds) == 1:
    return next(iter(kinds.values()))
  there = [path.name for paths in kinds.values() for path in paths][:5]
  raise UserError(
    f'data.dir={directory}: {"files of several kinds" if kinds else "no file"} '
    f'of {", ".join(SUFFIXES)} (found: {", ".join(there) or "none"}): give a '
    "directory with the publisher's .xlsx, or with its sheets as .parquet or "
    '.csv'
  )


def sheets(
  paths: Sequence[pathlib.Path], note: Note
) -> Iterator[tuple[frozenset[str], Iterator[Line]]]:
  """Yields, for each sheet, which of COLUMNS it has, and its lines."""
  for path in paths:
    if path.suffix.lower() == '.xlsx':
      yield from _workbook(path, note)
      continue
    columns = _picked(path)
    yield frozenset(columns), _table(path, columns, note)


def year_first(text: str, day_first: bool | None = None) -> str:
  """'12/1/2010 8:26 PM' -> '2010-12-1 20:26'; other texts as they are.

  Args:
    text: a date, or what should be one.
    day_first: whether the day comes before the month; None: with dashes and
      dots it does, with slashes it does not.
  """
  match = _YEAR_LAST.fullmatch(text.strip())
  if not match:
    return text
  first, sign, second, year, hour, rest, half = match.groups()
  if day_first is None:
    day_first = sign != '/'
  day, month = (first, second) if day_first else (second, first)
  date = f'{year if len(year) == 4 else "20" + year}-{month}-{day}'
  if half:
    hour = str(int(hour) % 12 + (12 if half in 'pP' else 0))
  return f'{date} {hour}{rest}' if hour else date


def _columns(header: Sequence[str]) -> dict[str, str]:
  """Of a header the names of COLUMNS that it has, by these."""
  by_plain = {names.plain_name(name): name for name in reversed(header)}
  return {
    ours: by_plain[plain]
    for ours, plains in COLUMNS.items()
    for plain in reversed(plains)
    if plain in by_plain
  }


# --------------------------------------------------------- Parquet and CSV
def _picked(path: pathlib.Path) -> dict[str, str]:
  columns = _columns(tables.columns_of(path))
  wanted = {name: columns.get(name, name) for name in COLUMNS}
  return tables.pick(path, wanted, optional=OPTIONAL, option='')


def _table(
  path: pathlib.Path, columns: dict[str, str], note: Note
) -> Iterator[Line]:
  blank = dict.fromkeys(COLUMNS, '')
  day_first = _day_first(path, columns)
  if day_first:
    note(DAY_FIRST, f'{path.name}: its dates have the day before the month')
  for where, row in tables.rows(path, columns, note):
    row['InvoiceDate'] = year_first(row['InvoiceDate'], day_first)
    yield where, blank | row


def _day_first(path: pathlib.Path, columns: dict[str, str]) -> bool | None:
  """Whether dates have the day first: where a first number is no month.

  None: neither number tells, or the year is first.
  """
  dates = {'InvoiceDate': columns['InvoiceDate']}
  for _, row in tables.rows(path, dates, _unheard):
    text = row['InvoiceDate'].strip()
    if match := _YEAR_LAST.fullmatch(text):
      if int(match[1]) > 12 or int(match[3]) > 12:
        return int(match[1]) > 12
    elif text:
      return None
  return None


def _unheard(reason: str, where: str = '', times: int = 1) -> None:
  """A Note that keeps nothing: whoever reads the lines will."""
  del reason, where, times


# ---------------------------------------------------------------- workbooks
def _workbook(
  path: pathlib.Path, note: Note
) -> Iterator[tuple[frozenset[str], Iterator[Line]]]:
  try:
    import openpyxl
  except ImportError as e:
    raise UserError(
      f'{path}: an .xlsx needs openpyxl: pip install "jaxrec[retail]", or give '
      'the sheets as .parquet or .csv'
    ) from e
  book = _try(path, lambda: openpyxl.load_workbook(path, read_only=True))
  try:
    sheets = [name for name in SHEETS if name in book.sheetnames]
    if not sheets and len(book.sheetnames) == 1:
      sheets = book.sheetnames
    if not sheets:
      raise UserError(
        f'{path}: found the sheets {", ".join(book.sheetnames)[:200]!r}, '
        f'expected {" or ".join(map(repr, SHEETS))}'
      )
    for name in sheets:
      yield _sheet(path, book[name], note)
  finally:
    book.close()


def _sheet(
  path: pathlib.Path, sheet, note: Note
) -> tuple[frozenset[str], Iterator[Line]]:
  lines = _try(path, lambda: sheet.iter_rows(values_only=True))
  header = [_text(v).strip() for v in _try(path, lambda: next(lines, ()))]
  columns = _columns(header)
  missing = set(COLUMNS) - {*OPTIONAL, *columns}
  if missing or any(header.count(name) > 1 for name in columns.values()):
    raise UserError(
      f'{path}: the sheet {sheet.title!r} has the columns '
      f'{", ".join(header)[:200]!r}, expected {", ".join(COLUMNS)}, once each'
    )
  places = {ours: header.index(name) for ours, name in columns.items()}
  return frozenset(columns), _sheet_lines(
    path, sheet.title, lines, places, note
  )


def _sheet_lines(
  path: pathlib.Path, title: str, lines, places: dict[str, int], note: Note
) -> Iterator[Line]:
  blank, number = dict.fromkeys(COLUMNS, ''), 1
  while (row := _try(path, lambda: next(lines, None))) is not None:
    number += 1
    if any(value is not None for value in row):
      note(tables.ROWS)
      texts = {
        name: _text(row[i]) if i < len(row) else ''
        for name, i in places.items()
      }
      texts['InvoiceDate'] = year_first(texts['InvoiceDate'])
      yield f'{path.name}:{title}:{number}', blank | texts


def _try(path: pathlib.Path, read):
  """What `read` returns; whatever openpyxl raises is a UserError."""
  try:
    return read()
  except Exception as e:  # A damaged workbook raises nearly anything.
    raise damaged(path, e) from e


def _text(value) -> str:
  """A cell as text."""
  if value is None:
    return ''
  if isinstance(value, datetime.datetime):
    return value.isoformat()
  if isinstance(value, float) and value.is_integer():
    return str(int(value))
  return str(value)
