"""Whatever is sent, the answer is one line and the fault of who sent it."""

import collections
import contextlib
import http.client
import json
import socket

import pytest

from tests.serve import malformed
from tests.serve.servers import Server

WAYS = {way.__name__.replace('_', ' ') for way in malformed.WAYS}
NO_HTTP = b'Invalid HTTP request received.'  # uvicorn's, of method BREW.
STATUSES = {400, 404, 405, 413, 415, 422}


def check(status, body, sent):
  """One line of JSON, and a status that says whose fault it is."""
  assert 400 <= status < 500, (status, sent)
  error = json.loads(body)['error']
  assert error and '\n' not in error and len(error) < 1000, (error, sent)


def test_malformed_requests(client):
  before = client.get('/about').json()
  counts = collections.Counter()
  for sent in malformed.requests(300, seed=1):
    headers = {} if sent.kind is None else {'content-type': sent.kind}
    headers = {name: value.encode('latin1') for name, value in headers.items()}
    answer = client.request(
      sent.method, sent.path, content=sent.body, headers=headers
    )
    check(answer.status_code, answer.content, sent)
    counts[sent.way, answer.status_code] += 1
  assert {way for way, _ in counts} == WAYS
  assert {status for _, status in counts} >= STATUSES
  assert client.get('/about').json() == before
  for path, body in malformed.GOOD.items():  # What they were made of.
    assert client.post(path, json=body).status_code == 200


def send(port, sent):
  """Over a connection of its own; status and body."""
  connection = http.client.HTTPConnection('127.0.0.1', port, timeout=30)
  try:
    connection.putrequest(sent.method, sent.path, skip_accept_encoding=True)
    if sent.kind is not None:
      connection.putheader('Content-Type', sent.kind.encode('latin1'))
    if sent.body:
      connection.putheader('Content-Length', str(len(sent.body)))
    connection.endheaders()
    with contextlib.suppress(OSError):  # It is refused before all of it came.
      connection.send(sent.body)
    answer = connection.getresponse()
    return answer.status, answer.read()
  finally:
    connection.close()


def send_raw(port, data):
  """The status line of whatever comes back."""
  with socket.create_connection(('127.0.0.1', port), timeout=30) as connection:
    connection.sendall(data)
    connection.settimeout(30)
    line = connection.makefile('rb').readline()
  assert line.startswith(b'HTTP/1.1 '), (line, data[:200])
  return int(line.split()[1])


@pytest.mark.slow
def test_5000_malformed_requests_to_a_server(tmp_path):
  with Server(f'--data-dir={tmp_path}') as server:
    _, before = server.ask('GET', '/about')
    counts = collections.Counter()
    for sent in malformed.requests(4_500, seed=2):
      status, body = send(server.port, sent)
      if status != 400 or body != NO_HTTP:
        check(status, body, sent)
      counts[sent.way, status] += 1
    assert {way for way, _ in counts} == WAYS
    for data in malformed.raw(500, seed=3):
      status = send_raw(server.port, data)
      assert 400 <= status < 500, (status, data[:200])
      counts['no HTTP', status] += 1
    assert server.ask('GET', '/about') == (200, before)
    code, said = server.end()
  assert code == 0 and 'Traceback' not in said, said
  print(sum(counts.values()), sorted(counts.items()))
