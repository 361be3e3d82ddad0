"""Online Retail, both editions (Chen, 2015 and 2019; UCI): a shop's invoices.

`config.data.dir` holds the publisher's workbook: 'Online Retail.xlsx' (doi
10.24432/C5BW33) with the sheet of that name, or online_retail_II.xlsx (doi
10.24432/C5CG6D), of which the sheets 'Year 2009-2010' and 'Year 2010-2011' are
read. Or it holds the same sheets as .parquet or .csv files; a workbook needs
openpyxl. Columns, case and signs aside: Invoice or InvoiceNo, StockCode,
Description, Quantity, InvoiceDate, Price or UnitPrice, 'Customer ID'. Dates of
text have the year first, or last: in 12/1/2010 8:26 the month is first, in
01-12-2010 08:26 the day, unless a line of the file has a number above 12 in
that place.

Exports may lack the invoice numbers: then what a customer bought at one time is
an invoice. They may lack the stock codes: then an article is its description.

What is done with a line, in this order; what is dropped is counted:

- an invoice of an earlier sheet: dropped, for the two sheets overlap in
  December 2010;
- no invoice number where the sheet has some, no whole quantity, no price, no
  date (or one before 2000, for then it is a number of another kind): malformed;
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
import math
import pathlib
import re
import statistics
from collections.abc import Iterator
from typing import NamedTuple

from jaxrec.data.datasets import retail_files
from jaxrec.data.datasets.builder import Item
from jaxrec.data.datasets.sequence_builder import (
  Interaction,
  SequenceBuilder,
)
from jaxrec.data.readers import tables
from jaxrec.data.readers.tally import Note, Tally
from jaxrec.data.readers.times import unix_seconds
from jaxrec.errors import UserError

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
  USES = (retail_files,)

  @classmethod
  def files(cls, directory: pathlib.Path) -> list[pathlib.Path]:
    """The files, all of one kind; see `retail_files.files_of`."""
    return retail_files.files_of(directory)

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
  for columns, sheet in retail_files.sheets(paths, note):
    invoices: set[str] = set()
    for where, row in sheet:
      code = ' '.join(row['StockCode'].upper().split())
      description = ' '.join(row['Description'].split())
      user = _customer(row['Customer ID'])
      quantity, price = _numbers(row['Quantity'], row['Price'])
      time = unix_seconds(row['InvoiceDate'])
      invoice = row['Invoice'].strip()
      if 'Invoice' not in columns:
        invoice = f'of {user} at {time}'
      if invoice in earlier:
        note('lines of invoices of an earlier sheet')
        continue
      invoices.add(invoice)
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
      elif not key or len(key) > tables.MAX_ID:
        note('malformed: no item', f'{where}: no stock code, no description')
      elif price < 0:
        note('malformed: price below 0', f'{where}: price {price}')
      else:
        yield Sale(user, key, description, price, time)
    earlier |= invoices


def _customer(text: str) -> str:
  """'17850' of '17850.0'; '' of none."""
  user, _, rest = text.strip().partition('.')
  user = user if user.isdigit() and not rest.strip('0') else text.strip()
  return '' if tables.id_problem(user) else user


def _numbers(quantity: str, price: str) -> tuple[int | None, float]:
  """Quantity and price; (None, _) where one of them is no number."""
  try:
    count, paid = float(quantity), float(price)
  except ValueError:
    return None, 0.0
  return (int(count) if count.is_integer() and math.isfinite(paid) else None), (
    paid
  )
