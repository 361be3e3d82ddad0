import pytest

from tests.data.datasets import fuzz, fuzz_lists


def check(ends, runs):
  assert ends['read'] > runs / 3, ends
  assert ends['refused'] > runs / 100 and ends['dropped'] > runs / 4, ends


@pytest.mark.parametrize('name', fuzz.WORLDS)
def test_spoilt_files_are_read_or_refused_and_no_line_is_lost(tmp_path, name):
  check(fuzz.spoil(fuzz.WORLDS[name], tmp_path, 150), 150)


@pytest.mark.slow
@pytest.mark.parametrize('name', fuzz.WORLDS)
def test_more_spoilt_files(tmp_path, name):
  check(fuzz.spoil(fuzz.WORLDS[name], tmp_path, 2000, seed=1), 2000)


def test_spoilt_files_of_mind(tmp_path):
  check(fuzz.spoil_mind(tmp_path, 80), 80)


@pytest.mark.slow
def test_more_spoilt_files_of_mind(tmp_path):
  check(fuzz.spoil_mind(tmp_path, 2000, seed=1), 2000)


@pytest.mark.parametrize('name', fuzz_lists.WORLDS)
def test_spoilt_lists(tmp_path, name):
  check(fuzz_lists.spoil(name, tmp_path, 30), 30)


@pytest.mark.slow
@pytest.mark.parametrize('name', fuzz_lists.WORLDS)
def test_more_spoilt_lists(tmp_path, name):
  check(fuzz_lists.spoil(name, tmp_path, 2000, seed=1), 2000)
