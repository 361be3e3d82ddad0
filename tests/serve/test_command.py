"""The command: its flags, how it stops, and what is left when it is killed."""

import http.client
import importlib.util
import signal
import socket
import threading
import time

import pytest

from jaxrec.cli import serve as command
from tests.serve.fake import FakeModel
from tests.serve.servers import FAKE, Server


def add(server, name):
  """Whether it was acknowledged."""
  item = {'item_id': name, 'title': 'cup goal'}
  try:
    status, answer = server.ask('POST', '/items', {'items': [item]})
  except (OSError, http.client.HTTPException):
    return False
  return status == 200 and answer['added'] == [name]


class Writers:
  """Threads that add and remove items until the server is gone."""

  def __init__(self, server, label, count=4):
    self.added, self.removed, self.unsure = set(), set(), set()
    self._server, self._label = server, label
    self._threads = [
      threading.Thread(target=self._write, args=(n,)) for n in range(count)
    ]
    for thread in self._threads:
      thread.start()

  def _write(self, number):
    for n in range(10_000):
      name = f'{self._label}-{number}-{n}'
      if not add(self._server, name):
        self.unsure.add(name)
        return
      self.added.add(name)
      if n % 3 == 2:  # Some are taken out again.
        try:
          status, _ = self._server.ask('DELETE', f'/items/{name}')
        except (OSError, http.client.HTTPException):
          status = 0
        if status != 200:
          self.unsure.add(name)
          return
        self.removed.add(name)

  def wait_for(self, count):
    deadline = time.monotonic() + 30
    while len(self.added) < count:
      assert time.monotonic() < deadline
      time.sleep(0.005)

  def join(self):
    for thread in self._threads:
      thread.join(30)
      assert not thread.is_alive()


def restarts(directory, signals, command=FAKE, items=60):
  """Ends servers under load in these ways; how many changes were kept."""
  there, gone, unsure = set(), set(), set()
  for round_, number in enumerate((*signals, None)):
    with Server(f'--data-dir={directory}', command=command) as server:
      _, about = server.ask('GET', '/about')
      for name in there - unsure:
        assert server.ask('GET', f'/items/{name}')[0] == 200, name
      for name in gone - unsure:
        assert server.ask('GET', f'/items/{name}')[0] == 404, name
      known = items + len(there - unsure)
      assert known <= about['items'] <= known + len(unsure)
      if number is None:
        return len(there), len(gone)
      writers = Writers(server, f'r{round_}')
      writers.wait_for(20)
      code, _ = server.end(number)
      writers.join()
      assert code == (0 if number == signal.SIGTERM else -signal.SIGKILL)
      there |= writers.added - writers.removed
      gone |= writers.removed
      unsure |= writers.unsure


def test_no_acknowledged_change_is_lost(tmp_path):
  there, gone = restarts(tmp_path, [signal.SIGKILL, signal.SIGTERM])
  assert there >= 20 and gone >= 5


@pytest.mark.slow
def test_no_acknowledged_change_is_lost_many_times(tmp_path):
  signals = [signal.SIGKILL, signal.SIGKILL, signal.SIGTERM] * 7
  there, gone = restarts(tmp_path, signals)
  print(f'{len(signals)} ends, {there} items kept, {gone} removed')
  assert there >= 200 and gone >= 50


def test_what_is_under_way_is_finished():
  with Server(FAKE_DELAY='1.0') as server:
    answers = []
    ask = lambda: answers.append(server.ask('POST', '/recommend', {'k': 3}))
    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
      thread.start()
    time.sleep(0.4)
    code, said = server.end(signal.SIGTERM)
    for thread in threads:
      thread.join(30)
  assert code == 0 and said.endswith('jaxrec: stopped\n')
  assert [status for status, _ in answers] == [200] * 3
  assert all(len(a['recommendations']) == 3 for _, a in answers)


def refusal(capsys, *flags):
  """What the command says and does not do."""
  with pytest.raises(SystemExit) as ended:
    command.run(list(flags), load=lambda _: FakeModel())
  assert ended.value.code == 2
  said = capsys.readouterr().err
  assert said.startswith('jaxrec: error: ') and said.count('\n') == 1
  return said


def test_mistakes_are_one_line(capsys, tmp_path, monkeypatch):
  usual = ('--bundle=any', '--max_batch=64', '--no_warm_up')
  refuse = lambda *flags: refusal(capsys, *usual, *flags)
  assert '--bundle' in refusal(capsys)
  assert "did you mean '--bundle'" in refusal(capsys, '--bundel=x')
  assert "did you mean '--port'" in refuse('--prot=1')
  assert 'ports are 0 to 65535' in refuse('--port=70000')
  assert 'invalid int' in refuse('--port=many')
  assert 'at least 1' in refuse('--max-requests=0')
  assert '--batch_ms' in refuse('--batch_ms=nan')
  assert '--api_key' in refuse('--api_key=')
  assert 'without spaces' in refuse('--api_key=a b')
  key = tmp_path / 'key'
  assert 'No such file' in refuse(f'--api_key_file={key}')
  key.write_text('schlüssel', encoding='utf8')
  assert 'ASCII' in refuse(f'--api_key_file={key}')
  assert 'one of' in refuse('--api_key=a', f'--api_key_file={key}')
  monkeypatch.setenv('JAXREC_API_KEY', '')
  assert 'JAXREC_API_KEY' in refuse()
  monkeypatch.delenv('JAXREC_API_KEY')
  assert 'cannot listen at 192.0.2.1:' in refuse('--host=192.0.2.1')
  with socket.socket() as taken:
    taken.bind(('127.0.0.1', 0))
    taken.listen()
    port = taken.getsockname()[1]
    assert f'cannot listen at 127.0.0.1:{port}' in refuse(f'--port={port}')


def test_what_is_not_installed_is_told_before_the_model_is_read(
  capsys, monkeypatch
):
  find = importlib.util.find_spec
  hidden = lambda name: None if name == 'uvicorn' else find(name)
  monkeypatch.setattr(importlib.util, 'find_spec', hidden)
  said = refusal(capsys, '--bundle=any')
  assert 'not installed: uvicorn: pip install' in said and '.[serve]' in said


def test_the_key_from_a_file_or_the_environment(tmp_path, monkeypatch):
  key = tmp_path / 'key'
  key.write_text('from-a-file\n')
  key_of = lambda *flags: command.options_of(['--bundle=any', *flags]).api_key
  assert key_of(f'--api-key-file={key}') == 'from-a-file'
  assert key_of() is None
  monkeypatch.setenv('JAXREC_API_KEY', 'from-outside')
  assert key_of() == 'from-outside'
  assert key_of('--api_key=given') == 'given'


@pytest.mark.parametrize(
  ('flags', 'hosts'),
  [
    ((), ('localhost', '127.0.0.1', '::1', '127.0.0.1')),
    (('--host=0.0.0.0',), None),
    (('--host=0.0.0.0', '--allowed_hosts=A.example,b'), ('a.example', 'b')),
  ],
)
def test_hosts(flags, hosts):
  assert command.options_of(['--bundle=any', *flags]).hosts == hosts
