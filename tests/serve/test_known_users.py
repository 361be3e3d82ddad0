"""Users whom the server knows: asked for by their ids."""

import pytest

from jaxrec.cli import serve
from jaxrec.errors import UserError
from jaxrec.serve import known_users
from tests.serve.conftest import connected
from tests.serve.test_app import best, post, refused

LOG = (
  'visitor,item_id,timestamp\n7,sport-2,20\n7,sport-1,10\nu2,gone,5\n'
  'u2,food-1,6\n,food-2,1\nu2,food-3,noon\n'
)


def read(tmp_path, text=LOG, longest=100):
  path, said = tmp_path / 'log.csv', []
  path.write_text(text)
  users = known_users.read(
    path, {'user_id': 'visitor'}, kinds=False, longest=longest, say=said.append
  )
  return users, said


def test_a_log_is_read(tmp_path):
  users, said = read(tmp_path)
  assert len(users) == 2
  assert users['7'].history == ['sport-1', 'sport-2']
  assert said[-1] == f'2 users of {tmp_path}/log.csv; 2 lines set aside'
  assert 'log.csv:6: ' in said[0] and 'log.csv:7: ' in said[1]
  users, _ = read(tmp_path, longest=1)
  assert users['7'].history == ['sport-2'] and users['7'].times == [20]
  with pytest.raises(known_users.UnknownUser, match=r"'8' is not in log\.csv"):
    users['8']
  with pytest.raises(UserError, match='no user can be read: 1 bad lines'):
    read(tmp_path, 'user_id,history\n,a\n')


def test_a_user_is_asked_for_by_id(app_of, tmp_path):
  with connected(app_of(users=read(tmp_path)[0])) as client:
    wanted = best(client, history=['sport-1', 'sport-2'])
    for user_id in ('7', 7):
      assert best(client, user_id=user_id) == wanted
    # What is unknown by now is passed over, and told.
    answer = post(client, '/recommend', {'user_id': 'u2'}).json()
    assert answer['skipped'] == ['gone'] and answer['read'] == [1]
    body = {'user_id': '7', 'candidates': ['food-1']}
    scored = post(client, '/score', body).json()['scores']
    history = {'history': ['sport-1', 'sport-2'], 'candidates': ['food-1']}
    assert scored == post(client, '/score', history).json()['scores']
    answer = post(client, '/recommend', {'user_id': 'x'})
    refused(answer, 404, "user 'x' is not in log.csv: send a history")
    both = {'user_id': '7', 'history': ['food-1']}
    refused(post(client, '/recommend', both), 422, 'leave history, times and')
    for user_id in ('', 1.5, True, [], 'x' * 501):
      answer = post(client, '/recommend', {'user_id': user_id})
      refused(answer, 422, 'user_id')
    assert client.get('/about').json()['users'] == 2
    schemas = client.get('/openapi.json').json()['components']['schemas']
    fields = schemas['RecommendRequest']['properties']
    assert '--users' in fields['user_id']['description']


def test_without_users(app_of):
  with connected(app_of()) as client:
    answer = post(client, '/recommend', {'user_id': '7'})
    refused(answer, 404, 'start the server with --users=FILE')
    assert client.get('/about').json()['users'] is None


def test_the_flag(tmp_path):
  path = tmp_path / 'log.csv'
  with pytest.raises(UserError, match='no such file'):
    serve.options_of(['--bundle=any', f'--users={path}'])
  path.write_text(LOG)
  assert serve.options_of(['--bundle=any', f'--users={path}']).users == path
