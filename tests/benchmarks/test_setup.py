"""What the benchmarks' numbers are made of; no timing is tested here."""

import argparse
import json

import pytest

from benchmarks import setup


def test_contenders_take_turns():
  order = []
  calls = {name: (lambda name=name: order.append(name)) for name in 'ab'}
  taken = setup.interleaved(calls, 3)
  assert order == list('ababab')
  assert {name: len(seconds) for name, seconds in taken.items()} == {
    'a': 3,
    'b': 3,
  }


def test_rates_and_ratios_are_medians_of_rounds():
  taken = {'ours': [1.0, 2.0, 4.0], 'theirs': [4.0, 4.0, 4.0]}
  rates = setup.rates(taken, {'ours': 8, 'theirs': 8})
  assert rates['ours'] == {'median': 4.0, 'rounds': [8.0, 4.0, 2.0]}
  # Round by round, so that a slow minute that hits both does not count.
  assert setup.ratio(rates, 'ours', 'theirs') == {
    'median': 2.0,
    'rounds': [4.0, 2.0, 1.0],
  }


def test_the_report_is_one_json_and_says_where_it_was_measured(
  tmp_path, capsys
):
  path = tmp_path / 'found.json'
  args = argparse.Namespace(rounds=3, output=str(path))
  setup.report(args, {'ratio': 2.0})
  found = json.loads(path.read_text())
  assert json.loads(capsys.readouterr().out) == found
  assert found['arguments'] == {'rounds': 3} and found['ratio'] == 2.0
  assert {'jax', 'device', 'machine'} <= found['versions'].keys()
  assert found['cores'] >= 1


def test_a_benchmark_needs_data():
  with pytest.raises(SystemExit):
    setup.parser('x').parse_args([])
