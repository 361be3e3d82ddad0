"""Times whose owner has not said what they are."""

import datetime

import pytest

from jaxrec.data.readers import times
from jaxrec.data.readers.tally import Tally
from jaxrec.data.readers.times import Clock
from jaxrec.errors import UserError

MOMENTS = [
  datetime.datetime(2019, 11, 1, 12, 30, tzinfo=datetime.UTC)
  + datetime.timedelta(hours=7 * i, minutes=3 * i)
  for i in range(40)
]
SECONDS = [int(moment.timestamp()) for moment in MOMENTS]


def read(texts):
  rows = [(f'log.csv:{i + 2}', text) for i, text in enumerate(texts)]
  tally = Tally()
  clock = Clock('log.csv', rows, tally.note)
  return [clock.seconds(text, where) for where, text in rows], tally


def whole(seconds, unit):
  return [second // unit * unit for second in seconds]


@pytest.mark.parametrize(
  ('form', 'unit'),
  [
    ('%Y%m%d', 86400),
    ('%Y%m%d.0', 86400),
    ('%Y%m%d%H', 3600),
    ('%Y%m%d%H%M', 60),
    ('%Y%m%d%H%M%S', 1),
  ],
)
def test_dates_written_as_numbers(form, unit):
  seconds, tally = read([moment.strftime(form) for moment in MOMENTS])
  assert seconds == whole(SECONDS, unit)
  assert tally.counts == {times.AS_DATES: 1}


@pytest.mark.parametrize(
  'form',
  [
    *('%Y-%m-%d %H:%M:%S', '%Y-%m-%dT%H:%M:%SZ', '%Y-%m-%d %H:%M:%S UTC'),
    *('%Y-%m-%d %H:%M:%S Z', '%Y-%m-%d %H:%M:%S +0000', ' %Y/%m/%d %H:%M:%S '),
    *('%Y-%m-%dT%H:%M:%S.%f GMT', '%Y.%m.%d %H:%M', '%Y%m%dT%H%M%SZ'),
    *('%a, %d %b %Y %H:%M:%S GMT', '%Y-%m-%d %H:%M:%S,000'),
  ],
)
def test_dates_whose_year_is_first(form):
  seconds, tally = read([moment.strftime(form) for moment in MOMENTS])
  assert seconds == SECONDS and not tally.counts


@pytest.mark.parametrize('form', ['{:.0f}', '{:.1f}', '{:.12e}'])
@pytest.mark.parametrize('unit', times.UNITS)
def test_numbers_of_any_unit(form, unit):
  per_second, _ = times.UNITS[unit]
  seconds, tally = read([form.format(s * per_second) for s in SECONDS])
  assert seconds == SECONDS
  assert tally.counts == ({times.as_unit(unit): 1} if per_second > 1 else {})


def test_other_units_within_one_file():
  texts = [str(second) for second in SECONDS]
  texts[3], texts[5] = f'{texts[3]}000', f'{texts[5]}000000'
  texts[7] = '20191103134500'
  seconds, tally = read(texts)
  want = SECONDS[:]
  want[7] = 1572788700
  assert seconds == want and tally.counts == {times.OTHER_UNIT: 3}
  assert tally.notes[0] == "log.csv:5: '1572687540000' is 2019-11-02T09:39:00"


@pytest.mark.parametrize(
  ('text', 'reason'),
  [
    ('7', times.EARLY),
    ('43770.5', times.EARLY),  # A spreadsheet's.
    ('13217110380000000', times.LATE),  # Microseconds since 1601.
  ],
)
def test_times_that_nobody_would_expect_are_told(text, reason):
  _, tally = read([text] * 20)
  assert tally.counts[reason] == 1
  assert 'if they are something else, write them as ISO 8601' in tally.notes[-1]


@pytest.mark.parametrize(
  ('text', 'hint'),
  [
    (
      '01/11/2019 12:30',
      "write '2019-11-01 12:30' if the day is first or '2019-01-11 12:30' if ",
    ),
    ('31.12.2019', "write '2019-12-31' if the day is first$"),
    ('12/31/2019', "write '2019-12-31' if the month is first$"),
    ('yesterday', "log.csv:2 has 'yesterday'$"),
    ('2019-11-01 12:30 CET', "CET'$"),
    ('20191301 ', None),
  ],
)
def test_a_file_without_a_time_says_what_is_wanted(text, hint):
  if hint is None:  # A number like any other: of August 1970.
    assert read([text])[0] == [20191301]
    return
  with pytest.raises(UserError, match=hint) as raised:
    read([text] * 3)
  assert str(raised.value).startswith(
    'log.csv: none of its first 3 times can be read; wanted: unix seconds or '
    "ISO 8601, say '2019-11-30T18:05:00'; log.csv:2 has "
  )


def test_some_that_are_none():
  seconds, _ = read(['', 'x', str(SECONDS[0]), '-1', 'nan', 'inf', '1e300'])
  assert seconds == [None, None, SECONDS[0], None, None, None, None]
