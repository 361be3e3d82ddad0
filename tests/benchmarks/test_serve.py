"""The benchmark of serving, on a model without weights."""

import json

import pytest

pytest.importorskip('fastapi')
pytest.importorskip('uvicorn')

from benchmarks import serve


def test_clients_are_answered_rightly(monkeypatch, tmp_path, capfd):
  monkeypatch.setattr(serve, 'SERVER', ('-m', 'tests.serve.fake'))
  path = tmp_path / 'report.json'
  flags = ['--clients=2', '--seconds=0.5', f'--output={path}']
  # The last two are the server's.
  serve.main(['--bundle=any', *flags, '--no_warm_up', '--max_batch=2'])
  report = json.loads(path.read_text())
  assert report['first_errors'] == [] and report['errors'] == 0
  assert report['flags'] == ['--no_warm_up', '--max_batch=2']
  by_kind = [report[kind]['requests'] for kind in serve.KINDS]
  assert report['requests'] == sum(by_kind) > 0
  assert by_kind[0] == max(by_kind)
  lines = capfd.readouterr().out.splitlines()
  assert lines[-1].startswith(f'| {report["items"]:,} | ')


def test_a_server_that_does_not_start_is_told(monkeypatch):
  monkeypatch.setattr(serve, 'SERVER', ('-c', 'pass'))
  with pytest.raises(SystemExit, match='the server did not start'):
    serve.main(['--bundle=any'])


def test_wrong_answers_are_known():
  known = serve.Known(ids=['a', 'b', 'c'], words=['team'], items=3)

  def right(kind, answer):
    *_, is_right = serve.request(kind, serve.random.Random(0), known)
    return is_right(answer)

  listed = [{'item_id': name} for name in 'abcdefghijklmnopqrstuvwxyz']
  assert not right('recommend', {'recommendations': listed})
  assert not right('score', {'scores': listed[:2]})
  assert not right('search', {'items': []})
  assert right('search', {'items': listed[:1]})
  assert not right('add', {'added': ['another']})
