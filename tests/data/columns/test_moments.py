import numpy as np
import pytest

from jaxrec.data.columns.moments import MONTH, newest, oldest, remark

YEAR = 365 * 86400
START = 1_577_836_800  # 2020-01-01.


def times(count=400, span=YEAR):
  rng = np.random.default_rng(0)
  return START + rng.integers(0, span, count)


@pytest.mark.parametrize('span', [1000, 30 * 86400, YEAR, 10 * YEAR])
@pytest.mark.parametrize('astray', [1, 4])
def test_few_lines_far_away_move_neither_end(span, astray):
  right = times(span=span)
  wrong = np.concatenate([np.full(astray, START + 79 * YEAR), right])
  assert newest(wrong) == newest(right) == right.max()
  early = np.concatenate([np.full(astray, START - 45 * YEAR), right])
  assert oldest(early) == oldest(right) == right.min()


def test_what_is_not_far_away_or_not_few_counts():
  right = times(span=YEAR)
  for later in (1, MONTH // 2):
    assert newest(np.append(right, right.max() + later)) == (
      right.max() + later
    )
  many = np.append(right, np.full(20, START + 79 * YEAR))
  assert newest(many) == START + 79 * YEAR
  assert newest(np.array([5])) == 5
  assert newest(np.array([0, 10 * YEAR])) == 10 * YEAR


def test_all_at_once():
  same = np.full(100, START)
  assert newest(same) == oldest(same) == START and remark(same) == ''


def test_what_is_said_of_them():
  right = times()
  assert remark(right) == remark(np.zeros(0, int)) == ''
  said = remark(np.concatenate([right, [0, START + 79 * YEAR, -1]]))
  assert 'of 402 actions 1 is dated before 2020-01-0' in said
  assert '(e.g. 1970-01-01) and 1 is dated after 2020-12-29' in said
  assert '(e.g. 2098-12-' in said
