"""Online Retail II (Chen, 2019; UCI, doi 10.24432/C5CG6D): a shop's invoices.

`config.data.dir` holds the publisher's online_retail_II.xlsx, of which the
sheets 'Year 2009-2010' and 'Year 2010-2011' are read (this needs openpyxl), or
the same sheets as .parquet files. Columns: Invoice, StockCode, Description,
Quantity, InvoiceDate, Price, 'Customer ID'.

What is done with a line, in this order; what is dropped is counted:

- an invoice of an earlier sheet: dropped, for the two sheets overlap in
  December 2010;
- no invoice number, no whole quantity, no price, no date (or one before 2000,
  for then it is a number of another kind): malformed;
- a return, which is an invoice that begins with 'C' or a quantity of 0 or less:
  dropped;
- no customer: dropped;
- no article, see `SERVICE_CODES` and `SERVICES`: dropped;
- neither stock code nor description, or a price below 0: malformed.

The item is the stock code, in capitals, or, where there is none, the
description. Its title is its most frequent description in the lines that stay,
without doubled spaces (the code where it has none, counted); its price is the
median price of a unit. Whoever buys an item again has it again.
"""

import array
import collections
import datetime
import math
import pathlib
import re
import statistics
from collections.abc import Iterator
from typing import NamedTuple

from jaxrec.data.datasets.builder import Item
from jaxrec.data.datasets.sequence_builder import (
  Interaction,
  SequenceBuilder,
)
from jaxrec.data.readers import tables
from jaxrec.data.readers.formats import damaged
from jaxrec.data.readers.tally import Note, Tally
from jaxrec.data.readers.times import unix_seconds
from jaxrec.errors import UserError

SHEETS = ('Year 2009-2010', 'Year 2010-2011')
COLUMNS = (
  *('Invoice', 'Description', 'Quantity', 'InvoiceDate', 'Price'),
  *('Customer ID', 'StockCode'),
)
# Postage, carriage, manual entries, discounts, samples, bad debts, charity,
# fees, adjustments, tests, gift vouchers.
SERVICE_CODES = re.compile(
  r'POST|DOT|C2|C3|M|D|S|B|CRUK|BANK CHARGES|AMAZON ?FEE|ADJUST\d*|TEST\d*'
  r'|GIFT(_\d+)*'
)
# The same by their descriptions, in capitals.
SERVICES = re.compile(
  r'(DOTCOM )?POSTAGE|(NEXT DAY )?CARRIAGE|MANUAL|DISCOUNT|SAMPLES?'
  r'|(ADJUST )?BAD DEBT|CRUK COMMISSION|BANK CHARGES|AMAZON FEE'
  r'|(AMAZON )?ADJUSTMENT( BY .*)?|THIS IS A TEST PRODUCT\.?'
  r'|DOTCOMGIFTSHOP GIFT VOUCHER.*'
)
_EARLIEST = 946_684_800  # 2000-01-01.
UNTITLED = 'items without a description, called by their codes'
SERVICE = 'lines of postage, fees and other services'


class Sale(NamedTuple):
  """One line that stays; the time is unix seconds."""

  user: str
  item: str
  description: str
  price: float
  time: int


class OnlineRetail(SequenceBuilder):
  """Articles in the order they are first bought, and who bought them when.

  Counted and dropped: 'malformed: <reason>', 'lines of invoices of an earlier
  sheet', 'returns', 'lines without a customer', 'lines of postage, fees and
  other services'. The module's docstring has the rules.
  """

  ITEM_TEXTS = ('title', 'price')
  HOMEPAGE = 'https://archive.ics.uci.edu/dataset/502/online+retail+ii'
  LICENSE = 'CC BY 4.0'

  @classmethod
  def files(cls, directory: pathlib.Path) -> list[pathlib.Path]:
    """The .xlsx or .parquet files; UserError where there is none, or both."""
    files = {
      kind: sorted(p for p in directory.glob(f'*{kind}') if p.is_file())
      for kind in ('.xlsx', '.parquet')
    }
    # A workbook that is open has a lock file beside it.
    files['.xlsx'] = [p for p in files['.xlsx'] if not p.name.startswith('~$')]
    kinds = [kind for kind, paths in files.items() if paths]
    if len(kinds) != 1:
      names = [p.name for paths in files.values() for p in paths][:5]
      raise UserError(
        f'data.dir={directory}: {"both" if kinds else "neither"} .xlsx and '
        f'.parquet (found: {", ".join(names) or "neither"}): give a directory '
        'with online_retail_II.xlsx, or with its sheets as .parquet'
      )
    return files[kinds[0]]

  def items(self, directory: pathlib.Path) -> Iterator[Item]:
    """Yields the articles."""
    tally = Tally()  # Of lines, which the sequences config counts.
    titles: dict[str, collections.Counter] = collections.defaultdict(
      collections.Counter
    )
    prices: dict[str, array.array] = collections.defaultdict(
      lambda: array.array('d')
    )
    for sale in _sales(self.files(directory), tally.note):
      prices[sale.item].append(sale.price)
      titles[sale.item].update([sale.description] if sale.description else [])
    if not prices:
      raise UserError(
        f'data.dir={directory}: no line is of a customer who bought an '
        f'article; counted: {dict(tally.counts)}; first: {tally.notes[:3]}'
      )
    for key, paid in prices.items():
      if not titles[key]:
        self.note(UNTITLED, f'{key[:50]!r} has no description')
      (title, _), *_ = titles[key].most_common(1) or [(key, 0)]
      price = f'{statistics.median(paid):.2f}'
      yield {'item_id': key, 'title': title, 'price': price}

  def interactions(self, directory: pathlib.Path) -> Iterator[Interaction]:
    """Yields every line that stays."""
    items: dict[str, int] = {}
    for sale in _sales(self.files(directory), self.note):
      index = items.setdefault(sale.item, len(items))
      yield Interaction(sale.user, index, sale.time)


def _sales(paths: list[pathlib.Path], note: Note) -> Iterator[Sale]:
  """Yields the lines that stay; see the module's docstring."""
  earlier: set[str] = set()
  for sheet in _sheets(paths, note):
    invoices: set[str] = set()
    for where, row in sheet:
      invoice = row['Invoice'].strip()
      if invoice in earlier:
        note('lines of invoices of an earlier sheet')
        continue
      invoices.add(invoice)
      code = ' '.join(row.get('StockCode', '').upper().split())
      description = ' '.join(row['Description'].split())
      user = row['Customer ID'].strip()
      quantity, price = _numbers(row['Quantity'], row['Price'])
      time = unix_seconds(row['InvoiceDate'])
      key = code or description
      if not invoice:
        note('malformed: no invoice', f'{where}: no invoice number')
      elif quantity is None:
        texts = {name: row[name][:50] for name in ('Quantity', 'Price')}
        note('malformed: not a number', f'{where}: {texts}')
      elif time is None or time < _EARLIEST:
        detail = f'InvoiceDate {row["InvoiceDate"][:50]!r}'
        note('malformed: time', f'{where}: {detail}')
      elif invoice[0] in 'Cc' or quantity <= 0:
        note('returns')
      elif not user:
        note('lines without a customer')
      elif SERVICE_CODES.fullmatch(code) or SERVICES.fullmatch(
        description.upper()
      ):
        note(SERVICE)
      elif not key:
        note('malformed: no item', f'{where}: no stock code, no description')
      elif price < 0:
        note('malformed: price below 0', f'{where}: price {price}')
      else:
        yield Sale(user, key, description, price, time)
    earlier |= invoices


def _numbers(quantity: str, price: str) -> tuple[int | None, float]:
  """Quantity and price; (None, _) where one of them is no number."""
  try:
    whole, paid = int(quantity), float(price)
  except ValueError:
    return None, 0.0
  return (whole if math.isfinite(paid) else None), paid


def _sheets(paths: list[pathlib.Path], note: Note) -> Iterator[Iterator]:
  """Yields, for each sheet, its ('file:line', {column: text})."""
  for path in paths:
    if path.suffix == '.parquet':
      wanted = {name: name for name in COLUMNS}
      columns = tables.pick(path, wanted, optional={'StockCode'}, option='')
      yield tables.rows(path, columns, note)
    else:
      yield from _workbook(path, note)


def _workbook(path: pathlib.Path, note: Note) -> Iterator[Iterator]:
  """Likewise, of an .xlsx."""
  try:
    import openpyxl
  except ImportError as e:
    raise UserError(
      f'{path}: an .xlsx needs openpyxl: pip install "jaxrec[retail]", or give '
      'the sheets as .parquet'
    ) from e
  book = _try(path, lambda: openpyxl.load_workbook(path, read_only=True))
  try:
    sheets = [name for name in SHEETS if name in book.sheetnames]
    if not sheets:
      raise UserError(
        f'{path}: found the sheets {", ".join(book.sheetnames)[:200]!r}, '
        f'expected {" and ".join(map(repr, SHEETS))}'
      )
    for name in sheets:
      yield _sheet_rows(path, book[name], note)
  finally:
    book.close()


def _sheet_rows(path: pathlib.Path, sheet, note: Note) -> Iterator:
  lines = _try(path, lambda: sheet.iter_rows(values_only=True))
  header = [_text(v).strip() for v in _try(path, lambda: next(lines, ()))]
  missing = set(COLUMNS) - {'StockCode', *header}
  if missing or len(set(header) & set(COLUMNS)) < sum(
    name in COLUMNS for name in header
  ):
    raise UserError(
      f'{path}: the sheet {sheet.title!r} has the columns '
      f'{", ".join(header)[:200]!r}, expected {", ".join(COLUMNS)}, once each'
    )
  places = {name: header.index(name) for name in COLUMNS if name in header}
  number = 1
  while (row := _try(path, lambda: next(lines, None))) is not None:
    number += 1
    if any(value is not None for value in row):
      note(tables.ROWS)
      texts = {
        name: _text(row[i]) if i < len(row) else ''
        for name, i in places.items()
      }
      yield f'{path.name}:{sheet.title}:{number}', texts


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
