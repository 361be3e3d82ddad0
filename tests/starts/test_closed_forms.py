"""What a model starts from is of the split it learns from, and no later."""

import dataclasses

import numpy as np
import pytest

from jaxrec.data.columns.impressions import Impressions
from jaxrec.models.terms.trend import Periods
from jaxrec.starts import closed_forms
from tests.data.columns.test_sequences import random_sequences

N = 30


@pytest.fixture(scope='module')
def impressions():
  rng = np.random.default_rng(0)
  sizes, shown = rng.integers(0, 6, 40), rng.integers(2, 9, 40)
  ends = lambda x: np.concatenate([[0], np.cumsum(x)])
  ids = np.array([str(i) for i in range(40)])
  return Impressions(
    impression_ids=ids,
    user_ids=ids,
    times=np.arange(40),
    history=rng.integers(0, N - 1, sizes.sum()).astype(np.int32),
    history_offsets=ends(sizes),
    candidates=rng.integers(0, N - 1, shown.sum()).astype(np.int32),
    candidate_offsets=ends(shown),
    labels=(rng.random(shown.sum()) < 0.3).astype(np.uint8),
  )


def test_the_mean_text_is_of_the_catalog_or_of_what_was_read(impressions):
  vectors = np.random.default_rng(1).normal(size=(N, 5)).astype(np.float32)
  mean = lambda kind, source: closed_forms.text_mean(vectors, kind, source)
  np.testing.assert_allclose(
    mean('catalog', impressions), vectors.mean(0), atol=1e-6
  )
  read = vectors[impressions.history].mean(0)
  np.testing.assert_allclose(mean('histories', impressions), read, atol=1e-6)
  sequences = random_sequences()
  acted = vectors[sequences.items].mean(0)
  np.testing.assert_allclose(mean('histories', sequences), acted, atol=1e-6)


def test_click_rates_are_shrunk_to_the_mean(impressions):
  found = closed_forms.click_rates(impressions, N, 10.0)
  mean = impressions.labels.mean()
  for item in range(N):
    labels = impressions.labels[impressions.candidates == item]
    rate = (labels.sum() + 10 * mean) / (len(labels) + 10)
    np.testing.assert_allclose(found[item], np.log(rate / mean), atol=1e-5)
  assert found[N - 1] == 0  # Never shown.
  assert np.abs(closed_forms.click_rates(impressions, N, 1e6)).max() < 1e-3


@pytest.mark.parametrize('half_life', [2.0, 9.0, 40.0])
def test_a_trend_knows_what_was_before_its_period_and_no_more(half_life):
  rng = np.random.default_rng(3)
  sequences = random_sequences(3)
  times = np.sort(rng.integers(0, 90 * closed_forms.DAY, len(sequences.items)))
  sequences = dataclasses.replace(sequences, times=times)
  calendar = Periods(*closed_forms.calendar(sequences, half_life))
  found = closed_forms.trends(sequences, N, calendar, half_life)
  assert found.shape == (N, calendar.count)
  which = calendar.of(times // closed_forms.DAY)
  for k in range(calendar.count):
    ages = (k - which) * calendar.days
    weights = np.where(which < k, 0.5 ** (ages / half_life), 0)
    want = np.bincount(sequences.items, weights, minlength=N)
    np.testing.assert_allclose(found[:, k], np.log1p(want), rtol=1e-4)
  # Whatever happens in a period or later, its column stays.
  k = calendar.count // 2
  early = sequences.where(which < k)
  before = closed_forms.trends(early, N, calendar, half_life)
  np.testing.assert_array_equal(before[:, : k + 1], found[:, : k + 1])
  assert (before[:, k + 1 :] != found[:, k + 1 :]).any()


def test_a_calendar_has_days_for_all_and_is_not_long():
  sequences = random_sequences()
  years = dataclasses.replace(
    sequences, times=sequences.times * 3 * 365 * closed_forms.DAY
  )
  for half_life in (0.5, 4.0, 1000.0):
    calendar = Periods(*closed_forms.calendar(years, half_life))
    which = calendar.of(years.times // closed_forms.DAY)
    assert which.min() == 0 and which.max() == calendar.count - 2
    assert calendar.count <= closed_forms.MOST_PERIODS + 1
    assert (
      calendar.of(np.array(10**6)) == calendar.count - 1
    )  # Serving, long after.


def test_lines_from_1970_and_2099_do_not_stretch_the_calendar():
  rng = np.random.default_rng(5)
  sequences = random_sequences(5)
  days = rng.integers(18_000, 18_090, len(sequences.items))
  times = days * closed_forms.DAY
  right = closed_forms.calendar(
    dataclasses.replace(sequences, times=times), 7.0
  )
  wrong = np.append(times, [0, 47_480 * closed_forms.DAY])
  found = closed_forms.calendar(
    dataclasses.replace(sequences, times=wrong), 7.0
  )
  assert found == right
