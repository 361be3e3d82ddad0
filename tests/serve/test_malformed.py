"""Whatever is sent, the answer is one line and the fault of who sent it."""

import collections

from tests.serve import malformed


def answers(client, count, seed):
  """Sends them; how many there were of each way and status."""
  found = collections.Counter()
  for sent in malformed.requests(count, seed):
    headers = {} if sent.kind is None else {'content-type': sent.kind}
    headers = {name: value.encode('latin1') for name, value in headers.items()}
    answer = client.request(
      sent.method, sent.path, content=sent.body, headers=headers
    )
    assert 400 <= answer.status_code < 500, (answer.status_code, sent)
    error = answer.json()['error']
    assert error and '\n' not in error and len(error) < 1000, (error, sent)
    found[sent.way, answer.status_code] += 1
  return found


def test_malformed_requests(client):
  before = client.get('/about').json()
  found = answers(client, 450, seed=1)
  assert {way for way, _ in found} == {
    way.__name__.replace('_', ' ') for way in malformed.WAYS
  }
  assert {status for _, status in found} >= {400, 404, 405, 413, 415, 422}
  assert client.get('/about').json() == before
  for path, body in malformed.GOOD.items():  # What they were made of.
    assert client.post(path, json=body).status_code == 200
