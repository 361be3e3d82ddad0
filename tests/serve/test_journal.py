"""The journal: what was acknowledged is there, and damage is told."""

import json
import os
import subprocess
import sys

import pytest

from jaxrec.errors import UserError
from jaxrec.serve.journal import Journal
from jaxrec.serve.live_items import LiveItems, NotStored, UnknownItem
from tests.serve.fake import FakeModel

A = {'item_id': 'a', 'title': 'rocket moon'}
B = {'item_id': 'b', 'title': 'soup bread 🍞', 'price': 3.5}


def opened(directory, bundle='bundle', **more):
  return Journal(directory, bundle, **more)


def kept(directory, **more):
  store = opened(directory, **more)
  store.close()
  return store.items


@pytest.fixture
def journal(tmp_path):
  """The bytes of a journal of four changes."""
  store = opened(tmp_path)
  store.add([A, B])
  store.remove(['a'])
  store.add([A | {'title': 'cup goal'}])
  store.remove(['other'])
  store.close()
  return tmp_path / 'items.jsonl'


def test_what_the_changes_come_down_to(journal):
  assert kept(journal.parent) == {
    'b': B,
    'a': A | {'title': 'cup goal'},
    'other': None,
  }


def test_a_change_is_on_disk_before_it_returns(tmp_path, monkeypatch):
  store = opened(tmp_path)
  synced = []

  def fsync(descriptor):
    synced.append(os.fstat(descriptor).st_size)

  monkeypatch.setattr(os, 'fsync', fsync)
  for call in (lambda: store.add([A]), lambda: store.remove(['a'])):
    call()
    assert synced[-1] == store.path.stat().st_size  # The whole line.
  assert len(synced) == 2
  store.close()


def test_a_last_line_that_breaks_off_was_never_acknowledged(journal):
  whole = journal.read_bytes()
  last = len(whole.splitlines(keepends=True)[-1])
  before = kept(journal.parent)
  del before['other']
  for cut in range(1, last + 1):
    journal.write_bytes(whole[:-cut])
    assert kept(journal.parent) == before, cut
    # What comes next is not glued to what was left.
    store = opened(journal.parent)
    store.add([{'item_id': 'c', 'title': 'x'}])
    store.close()
    assert set(kept(journal.parent)) == {*before, 'c'}


def test_a_journal_that_broke_off_in_its_head(journal):
  whole = journal.read_bytes()
  for cut in (0, 1, 20):
    journal.write_bytes(whole[:cut])
    assert kept(journal.parent) == {}


def test_damage_is_told_by_file_and_line(journal):
  whole = bytearray(journal.read_bytes())
  lines = bytes(whole).splitlines(keepends=True)
  start = 0
  for number, line in enumerate(lines, 1):
    for at in (0, 9, len(line) // 2, len(line) - 2):
      damaged = whole.copy()
      damaged[start + at] ^= 1
      journal.write_bytes(damaged)
      with pytest.raises(UserError, match=rf'items\.jsonl:{number}: damaged'):
        opened(journal.parent)
      assert journal.read_bytes() == damaged  # Left as it was.
    start += len(line)
  # A line that is lost within another, and a line that is gone from the start.
  journal.write_bytes(b''.join(lines[1:]))
  with pytest.raises(UserError, match=r'items\.jsonl:1: no journal'):
    opened(journal.parent)


def test_of_another_bundle(journal):
  with pytest.raises(UserError, match=r'another bundle: --adopt_items'):
    opened(journal.parent, 'other')
  before = kept(journal.parent)
  assert kept(journal.parent, bundle='other', adopt=True) == before
  assert kept(journal.parent, bundle='other') == before
  with pytest.raises(UserError, match='another bundle'):
    opened(journal.parent)


def test_it_does_not_grow_for_ever(tmp_path, monkeypatch):
  monkeypatch.setattr(os, 'fsync', lambda _: None)
  store = opened(tmp_path)
  for n in range(1100):
    store.add([A | {'title': str(n)}])
  store.close()
  before = store.path.stat().st_size
  assert kept(tmp_path) == {'a': A | {'title': '1099'}}
  assert store.path.stat().st_size < before / 100
  assert kept(tmp_path) == {'a': A | {'title': '1099'}}


def test_one_server_at_a_time(tmp_path):
  store = opened(tmp_path)
  with pytest.raises(UserError, match='in use by another server'):
    opened(tmp_path)
  script = (
    'import pathlib, sys; from jaxrec.serve.journal import Journal; '
    'Journal(pathlib.Path(sys.argv[1]), "bundle")'
  )
  command = [sys.executable, '-c', script, str(tmp_path)]
  ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
  assert 'in use by another server' in ended.stderr
  store.close()
  opened(tmp_path).close()


def test_it_cannot_be_made(tmp_path):
  (tmp_path / 'file').write_text('')
  with pytest.raises(UserError, match='file'):
    opened(tmp_path / 'file')


class FullDisk:
  """A file that takes half of a line and then nothing."""

  def __init__(self, file):
    self.file = file
    self.full = True

  def write(self, data):
    if self.full:
      self.file.write(data[: len(data) // 2])
      raise OSError(28, 'No space left on device')
    return self.file.write(data)

  def __getattr__(self, name):
    return getattr(self.file, name)


def described(model):
  return {item_id: model.item(item_id).text for item_id in model.item_ids}


def test_what_cannot_be_stored_is_taken_back(tmp_path):
  model = FakeModel()
  live_items = LiveItems(model, opened(tmp_path))
  live_items.add([A])
  disk = live_items.journal._file = FullDisk(live_items.journal._file)
  before = described(model)
  changed = A | {'title': 'changed'}
  new = {'item_id': 'new', 'title': 'x'}
  for call in (
    lambda: live_items.add([changed, new, {'item_id': 'food-1', 'title': 'y'}]),
    lambda: live_items.remove(['a', 'food-1']),
  ):
    with pytest.raises(NotStored, match='No space left'):
      call()
    assert described(model) == before
  disk.full = False  # Somebody made room.
  live_items.add([new])
  live_items.journal.close()
  assert list(kept(tmp_path)) == ['a', 'new']


def test_what_the_model_refuses_is_not_stored(tmp_path):
  live_items = LiveItems(FakeModel(), opened(tmp_path))
  with pytest.raises(UserError, match='title'):
    live_items.add([A, {'item_id': 'bad', 'price': 1}])
  with pytest.raises(UnknownItem, match="'nothing'"):
    live_items.remove(['food-1', 'nothing'])
  live_items.journal.close()
  assert kept(tmp_path) == {}
  assert 'food-1' in live_items.model.item_ids


def test_a_start_brings_all_back(tmp_path):
  live_items = LiveItems(FakeModel(), opened(tmp_path))
  live_items.add([A, B])
  live_items.remove(['a', 'food-1'])
  live_items.add([{'item_id': 'food-2', 'title': 'another'}, A])
  live_items.remove(['b'])  # It was never the bundle's.
  live_items.journal.close()
  again = LiveItems(FakeModel(), opened(tmp_path))
  assert described(again.model) == described(live_items.model)
  assert again.model.categories == ['food', 'space', 'sport']
  again.journal.close()


def test_an_item_that_a_new_bundle_refuses(tmp_path):
  store = opened(tmp_path)
  store.add([{'item_id': 'a', 'name': 'no title'}])
  with pytest.raises(UserError, match=r'items\.jsonl: an item lacks title'):
    LiveItems(FakeModel(), store)
  store.close()


def test_lines_are_what_the_module_says(journal):
  lines = journal.read_text(encoding='utf8').splitlines()
  head, *changes = [json.loads(line.partition(' ')[2]) for line in lines]
  assert head == {'journal': 1, 'bundle': 'bundle'}
  assert changes[0] == {'add': [A, B]} and changes[1] == {'remove': ['a']}
