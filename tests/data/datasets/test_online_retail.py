import csv
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jaxrec.data.config import DataConfig
from jaxrec.data.datasets.online_retail import (
  SERVICE,
  UNTITLED,
  OnlineRetail,
)
from jaxrec.data.datasets.retail_files import DAY_FIRST
from jaxrec.data.prepare import load_dataset
from jaxrec.errors import UserError
from tests.conftest import SHARED

COLUMNS = (
  *('Invoice', 'StockCode', 'Description', 'Quantity', 'InvoiceDate', 'Price'),
  *('Customer ID', 'Country'),
)
DAY = '2010-01-02 00:00:00'
SECONDS = 1_262_390_400


def line(invoice, code, description='MUG', quantity=1, price=1.0, user=1.0):
  return (invoice, code, description, quantity, DAY, price, user, 'UK')


FIRST = [
  line('1', '10', 'WHITE  MUG ', 2, 3.0),
  line('1', '20a', 'CUP', 1, 1.0),
  line('1', '10', 'WHITE MUG', 1, 4.0),  # Again in one invoice: again.
  line('2', '10', 'mug, chipped', 1, 9.99, user=2.0),
  line('2', '20A', None, 5, 1.25, user=2.0),
  line('2', '30', None, 1, 0.0, user=2.0),
  line('C3', '10'),
  line('4', '10', quantity=-1),
  line('5', '10', user=None),
  line('6', 'POST', 'POSTAGE'),
  line('6', 'm', 'Manual'),
  line('6', 'TEST001', 'This is a test product.'),
  line('6', 'BANK CHARGES', ' Bank Charges'),
  line('6', 'gift_0001_20', 'Dotcomgiftshop Gift Voucher £20.00'),
  line('6', 'PADS', 'PADS TO MATCH ALL CUSHIONS'),
  line('7', '10', price=float('nan')),
  line('8', '10', price=-1.0),
  line('9', None, None),
  line('', '10'),
]
SECOND = [line('2', '40', 'OVERLAP'), line('11', '40', 'VASE', 1, 2.5)]
ITEMS = [
  {'item_id': '10', 'title': 'WHITE MUG', 'price': '4.00'},
  {'item_id': '20A', 'title': 'CUP', 'price': '1.12'},
  {'item_id': '30', 'title': '30', 'price': '0.00'},
  {'item_id': 'PADS', 'title': 'PADS TO MATCH ALL CUSHIONS', 'price': '1.00'},
  {'item_id': '40', 'title': 'VASE', 'price': '2.50'},
]
COUNTS = {
  **{'rows': 21, 'returns': 2, 'lines without a customer': 1, SERVICE: 5},
  **{'malformed: not a number': 1, 'malformed: price below 0': 1},
  **{'malformed: no item': 1, 'malformed: no invoice': 1},
  'lines of invoices of an earlier sheet': 1,
}


def write(path, lines, columns=COLUMNS):
  values = zip(*lines, strict=True)
  table = {n: pa.array(v) for n, v in zip(COLUMNS, values, strict=True)}
  pq.write_table(pa.table({n: table[n] for n in columns}), path)


def read(directory, cache):
  items, sales = (
    OnlineRetail(config=c, data_dir=cache) for c in ('items', 'sequences')
  )
  return (
    *(list(items.items(directory)), list(sales.interactions(directory))),
    *(items, sales),
  )


def check(directory, cache):
  catalog, bought, items, sales = read(directory, cache)
  assert catalog == ITEMS
  assert [(s.user, s.item) for s in bought] == [
    *[('1', 0), ('1', 1), ('1', 0), ('2', 0), ('2', 1), ('2', 2)],
    *[('1', 3), ('1', 4)],
  ]
  assert {s.time for s in bought} == {SECONDS}
  assert items.counts == {UNTITLED: 1} and sales.counts == COUNTS
  return sales.notes


def test_what_is_sold_and_what_is_dropped(tmp_path):
  write(tmp_path / 'a.parquet', FIRST)
  write(tmp_path / 'b.parquet', SECOND)
  notes = check(tmp_path, tmp_path / 'cache')
  assert any(note.startswith('a.parquet:16: ') for note in notes), notes


def test_the_publishers_workbook_says_the_same(tmp_path):
  openpyxl = pytest.importorskip('openpyxl')
  book = openpyxl.Workbook()
  for name, lines in (('Year 2009-2010', FIRST), ('Year 2010-2011', SECOND)):
    sheet = book.create_sheet(name)
    sheet.append(COLUMNS)
    for row in lines:
      cells = ['nan' if value != value else value for value in row]
      cells[1] = int(cells[1]) if (cells[1] or '').isdigit() else cells[1]
      cells[4] = np.datetime64(DAY).item()
      sheet.append(cells)
  path = tmp_path / 'online_retail_II.xlsx'
  book.save(path)
  notes = check(tmp_path, tmp_path / 'cache')
  assert any('.xlsx:Year 2009-2010:17: ' in note for note in notes), notes
  whole = path.read_bytes()
  rng, ends = np.random.default_rng(0), set()
  for _ in range(40):
    spoilt = bytearray(whole)
    for at in rng.integers(0, len(whole), 3):
      spoilt[at] ^= 1 << rng.integers(8)
    path.write_bytes(spoilt[: rng.integers(len(whole))] if _ % 4 else spoilt)
    try:
      _, bought, _, sales = read(tmp_path, tmp_path / 'cache')
    except UserError as e:
      assert '\n' not in str(e)
      ends.add('refused')
    else:
      kept = sum(sales.counts.values()) - sales.counts['rows']
      assert len(bought) + kept == sales.counts['rows']
      ends.add('read')
  assert 'refused' in ends
  del book['Year 2009-2010'], book['Year 2010-2011']
  book.save(path)
  with pytest.raises(UserError, match=r"the sheet 'Sheet' has the columns ''"):
    read(tmp_path, tmp_path / 'cache')
  book.create_sheet('Other')
  book.save(path)
  with pytest.raises(UserError, match=r"'Sheet, Other', expected 'Year 2009-"):
    read(tmp_path, tmp_path / 'cache')


def test_a_workbook_without_openpyxl(tmp_path, monkeypatch):
  monkeypatch.setitem(sys.modules, 'openpyxl', None)
  (tmp_path / 'online_retail_II.xlsx').write_bytes(b'')
  with pytest.raises(UserError, match=r'jaxrec\[retail\]'):
    read(tmp_path, tmp_path / 'cache')


def test_without_stock_codes_an_item_is_its_description(tmp_path):
  columns = [name for name in COLUMNS if name != 'StockCode']
  write(tmp_path / 'a.parquet', FIRST, columns)
  catalog, bought, _, sales = read(tmp_path, tmp_path / 'cache')
  assert [item['item_id'] for item in catalog] == [
    *('WHITE MUG', 'CUP', 'mug, chipped', 'PADS TO MATCH ALL CUSHIONS')
  ]
  assert len(bought) == 5 and sales.counts['malformed: no item'] == 3
  assert sales.counts[SERVICE] == 5


# ---------------------------------------------------------- the first edition
FIRST_EDITION = (
  *('InvoiceNo', 'StockCode', 'Description', 'Quantity', 'InvoiceDate'),
  *('UnitPrice', 'CustomerID', 'Country'),
)


def write_csv(path, lines, date, columns=FIRST_EDITION):
  """As programs write it: customers with '.0', nothing where they are none."""
  kept = [FIRST_EDITION.index(name) for name in columns]
  with open(path, 'w', newline='', encoding='utf8') as file:
    writer = csv.writer(file)
    writer.writerow(columns)
    for row in lines:
      row = ['' if v is None or v != v else v for v in row]
      row[4] = date
      writer.writerow([row[i] for i in kept])


@pytest.mark.parametrize(
  'date',
  [
    *('1/2/2010 0:00', '01/02/10 00:00', '2010-01-02 00:00:00', '02.01.2010'),
    *('1/2/2010 12:00 AM', '02-01-2010 00:00'),
  ],
)
def test_the_first_edition_as_csv(tmp_path, date):
  write_csv(tmp_path / 'a.csv', FIRST, date)
  write_csv(tmp_path / 'b.csv', SECOND, date)
  check(tmp_path, tmp_path / 'cache')


def test_the_first_edition_as_workbook_and_parquet(tmp_path):
  openpyxl = pytest.importorskip('openpyxl')
  (tmp_path / 'x').mkdir()
  (tmp_path / 'p').mkdir()
  book = openpyxl.Workbook()
  book.active.title = 'Online Retail'
  book.active.append(FIRST_EDITION)
  for row in FIRST:
    cells = ['nan' if value != value else value for value in row]
    book.active.append([*cells[:4], np.datetime64(DAY).item(), *cells[5:]])
  book.save(tmp_path / 'x' / 'Online Retail.xlsx')
  values = zip(*FIRST, strict=True)
  table = dict(zip(FIRST_EDITION, map(pa.array, values), strict=True))
  pq.write_table(pa.table(table), tmp_path / 'p' / 'a.parquet')
  results = [read(tmp_path / d, tmp_path / 'cache')[:2] for d in 'xp']
  assert results[0] == results[1]
  assert results[0][0] == ITEMS[:4] and len(results[0][1]) == 7


def test_dates_whose_day_is_first(tmp_path):
  write_csv(tmp_path / 'a.csv', FIRST[:2], '2/1/2010 00:00')
  write_csv(tmp_path / 'b.csv', FIRST[:2], '31/12/2010 08:26')
  _, bought, _, sales = read(tmp_path, tmp_path / 'cache')
  # Of each file by itself: the first does not tell.
  assert [s.time for s in bought] == [1264982400] * 2
  (tmp_path / 'a.csv').unlink()
  _, bought, _, sales = read(tmp_path, tmp_path / 'cache')
  assert [s.time for s in bought] == [1293783960] * 2
  assert sales.counts[DAY_FIRST] == 1


def test_without_numbers_an_invoice_is_a_customer_at_a_time(tmp_path):
  columns = [n for n in FIRST_EDITION if n not in ('InvoiceNo', 'StockCode')]
  write_csv(tmp_path / 'a.csv', FIRST, '1/2/2010 0:00', columns)
  write_csv(tmp_path / 'b.csv', FIRST[:1], '1/2/2010 0:00', columns)
  catalog, bought, _, sales = read(tmp_path, tmp_path / 'cache')
  assert 'WHITE MUG' in {item['item_id'] for item in catalog}
  assert sales.counts['lines of invoices of an earlier sheet'] == 1
  assert sales.counts['returns'] == 1  # By its quantity.
  assert 'malformed: no invoice' not in sales.counts
  assert {s.user for s in bought} == {'1', '2'}


def test_other_directories_are_refused(tmp_path):
  with pytest.raises(UserError, match=r'no file of \.xlsx, \.parquet, \.csv'):
    OnlineRetail.files(tmp_path)
  (tmp_path / 'a.xlsx').touch()
  write(tmp_path / 'b.parquet', FIRST, COLUMNS[1:3])
  with pytest.raises(UserError, match=r'several kinds .*a\.xlsx, b\.parq'):
    OnlineRetail.files(tmp_path)
  (tmp_path / 'a.xlsx').unlink()
  missing = r"no column 'Quantity'.*no column 'InvoiceDate'.*found: 'StockCod"
  with pytest.raises(UserError, match=missing):
    read(tmp_path, tmp_path / 'cache')
  write(tmp_path / 'b.parquet', FIRST[6:9])
  with pytest.raises(UserError, match=r"no line is of a customer.*'returns'"):
    read(tmp_path, tmp_path / 'cache')


@pytest.fixture
def real():
  directory = SHARED / 'online-retail'
  if not directory.is_dir():
    pytest.skip(f'{directory} is absent')
  return directory


def test_the_first_lines_of_the_real_one(real, tmp_path):
  with pq.ParquetFile(OnlineRetail.files(real)[0]) as file:
    lines = next(file.iter_batches(20_000))
  pq.write_table(pa.Table.from_batches([lines]), tmp_path / 'first.parquet')
  catalog, bought, items, sales = read(tmp_path, tmp_path / 'cache')
  assert items.counts == {} and sales.notes == []
  assert len(bought) + sum(sales.counts.values()) == 2 * 20_000
  assert (len(catalog), len(bought)) == (2276, 14_608)
  assert {sale.item for sale in bought} == set(range(len(catalog)))


@pytest.mark.slow
def test_the_real_one(real, tmp_path):
  dataset = load_dataset(
    DataConfig(
      name='online_retail',
      dir=str(real),
      cache_dir=str(tmp_path),
      protocol='leave_one_out',
    )
  )
  assert dataset.counts['items'] == {'catalog: read': 4008}
  assert dataset.counts['sequences'] == {
    **{'rows': 525_461, 'returns': 12_327, SERVICE: 1356},
    **{'lines without a customer': 105_439, 'interactions': 406_339},
    'users: read': 4285,
  }
