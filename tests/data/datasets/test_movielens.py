import collections

import numpy as np
import pytest

from jaxrec.data.config import DataConfig
from jaxrec.data.datasets.movielens import GENRES, MovieLens
from jaxrec.data.prepare import load_dataset
from jaxrec.errors import UserError
from tests.conftest import SHARED

MOVIES = """movieId,title,genres
10,"Postman, The (1994)",Drama
20,Amélie (2001),Comedy|Romance
30,Heat (1995),Action
20,Amélie again,Comedy
,No id,Drama
40,Too,many,columns
"""
RATINGS = """userId,movieId,rating,timestamp
2,30,4.0,300
1,20,5.0,100
1,10,3.5,200
1,30,1.0,200
1,20,2.0,400
2,99,4.0,10
2,10,x,10
2,10,4.0,now
3,10,4.0,5
2,20
2,10,2.5,100
"""


def write(directory, movies=MOVIES, ratings=RATINGS):
  (directory / 'movies.csv').write_text(movies, encoding='utf8')
  (directory / 'ratings.csv').write_text(ratings, encoding='utf8')
  return directory


def prepare(directory, cache, protocol='leave_one_out'):
  return load_dataset(
    DataConfig(
      name='movielens',
      dir=str(directory),
      cache_dir=str(cache),
      protocol=protocol,
    )
  )


def test_what_is_read_and_what_is_set_aside(tmp_path):
  dataset = prepare(write(tmp_path), tmp_path / 'cache')
  titles = [dataset.items['title'][i] for i in range(3)]
  assert titles == ['Postman, The (1994)', 'Amélie (2001)', 'Heat (1995)']
  # User 1: Amélie, then two films at once; user 2: Postman, then Heat.
  known = dataset.known('test')
  assert [known.user_ids[i] for i in range(3)] == ['2', '1', '3']
  assert known.items.tolist() == [0, 1, 0]
  behaviours = [dataset.behaviours[i] for i in known.behaviours]
  assert behaviours == ['watched', 'liked', 'liked']
  test = dataset.test
  assert [test.user_ids[i] for i in range(len(test))] == ['2', '1']
  assert test.candidates.tolist() == [2, 0, 2]
  assert test.candidate_offsets.tolist() == [0, 1, 3]
  assert test.history.tolist() == [0, 1] and len(dataset.validation) == 0
  counts = collections.Counter()
  for of_config in dataset.counts.values():
    counts.update(of_config)
  assert counts['repeated films'] == counts['malformed: no movieId'] == 1
  assert counts['ratings of unknown films'] == counts['repeated ratings'] == 1
  assert counts['malformed: not a rating'] == 2
  assert counts['malformed: columns'] == 2
  places = ' '.join(dataset.notes)
  for place in ('movies.csv:5', 'ratings.csv:8', 'ratings.csv:11'):
    assert place in places


def test_the_second_time_it_is_read_from_what_was_kept(tmp_path):
  first = prepare(write(tmp_path), tmp_path / 'cache')
  again = prepare(tmp_path, tmp_path / 'cache', 'time_split')
  assert again.fingerprint == first.fingerprint
  assert again.counts['items'] == first.counts['items']


@pytest.mark.parametrize(
  ('movies', 'ratings', 'message'),
  [
    (
      'movieId,name\n1,x\n',
      RATINGS,
      r"movies\.csv: no column 'title'.*movieId, ",
    ),
    (MOVIES, 'a::b\n', r"ratings\.csv: no column 'userId'"),
    (MOVIES, RATINGS[:34], 'has no usable line'),
  ],
)
def test_other_files_are_refused(tmp_path, movies, ratings, message):
  with pytest.raises(UserError, match=message):
    prepare(write(tmp_path, movies, ratings), tmp_path / 'cache')


def test_missing_files_and_wrong_protocols(tmp_path):
  with pytest.raises(UserError, match=r'no set of MovieLens .found: none of'):
    prepare(tmp_path, tmp_path / 'cache')
  with pytest.raises(UserError, match='give cold_items or leave_one_out or'):
    prepare(write(tmp_path), tmp_path / 'cache', 'impressions')


FLAGS = '|'.join('01' + '0' * 17)
U_ITEM = f"""10|Postman, The (1994)|01-Jan-1994||http://x|{FLAGS}
20|Amélie (2001)|||http://x|{FLAGS.replace('0', '1')}
30|Heat||||{FLAGS.replace('1', '0')}
30|Heat, again||||{FLAGS}
40|Flags||||{FLAGS.replace('1', '2')}
50|Short||||0|1
"""
U_DATA = '2\t30\t4\t300\n1\t20\t5\t100\n2\t30\t1\t400\n1\t10\t3\t200\n1::2\n'
MOVIES_DAT = """10::Postman, The (1994)::Action
20::Amélie (2001)::{}
30::Heat::
30::Heat, again::Drama
40::Short
"""
RATINGS_DAT = U_DATA.replace('1::2', '1,2').replace('\t', '::')
ALL = '|'.join(GENRES)


@pytest.mark.parametrize('encoding', ['latin-1', 'utf8'])
@pytest.mark.parametrize(
  ('movies', 'ratings', 'contents'),
  [
    ('u.item', 'u.data', (U_ITEM, U_DATA)),
    ('movies.dat', 'ratings.dat', (MOVIES_DAT.format(ALL), RATINGS_DAT)),
  ],
)
def test_the_older_layouts(tmp_path, movies, ratings, contents, encoding):
  for name, content in zip((movies, ratings), contents, strict=True):
    (tmp_path / name).write_text(content, encoding=encoding)
  make = lambda config: MovieLens(config=config, data_dir=tmp_path / 'cache')
  items, sequences = make('items'), make('sequences')
  texts = [
    ('10', 'Postman, The (1994)', 'Action', '1994'),
    ('20', 'Amélie (2001)', ALL, '2001'),
    ('30', 'Heat', '', ''),
  ]
  rows = [tuple(item.values()) for item in items.items(tmp_path)]
  assert rows == texts
  assert items.counts['repeated films'] == items.counts['malformed: columns']
  assert items.counts['malformed: genres'] == (movies == 'u.item')
  assert items.counts['rows'] == len(contents[0].splitlines())
  assert [tuple(r) for r in sequences.interactions(tmp_path)] == [
    ('2', 2, 300, 'liked'),
    ('1', 1, 100, 'liked'),
    ('1', 0, 200, 'watched'),
  ]
  assert sequences.counts == {
    'rows': 5,
    'repeated ratings': 1,
    'malformed: columns': 1,
  }
  assert any(note.startswith(f'{ratings}:3: ') for note in sequences.notes)


def test_one_set_at_a_time(tmp_path):
  write(tmp_path)
  (tmp_path / 'u.item').touch()  # Half a set is none.
  assert MovieLens.files(tmp_path)[0].name == 'movies.csv'
  (tmp_path / 'u.data').touch()
  with pytest.raises(UserError, match=r'several sets .*movies\.csv, ratings\.'):
    MovieLens.files(tmp_path)
  (tmp_path / 'movies.csv').unlink()
  (tmp_path / 'u.data').unlink()
  with pytest.raises(UserError, match=r'movies\.csv and u\.data is missing'):
    MovieLens.files(tmp_path)


def test_the_real_one(tmp_path):
  directory = SHARED / 'ml-latest-small'
  if not directory.is_dir():
    pytest.skip(f'{directory} is absent')
  dataset = prepare(directory, tmp_path)
  counts = dataset.counts
  assert counts['items'] == {'rows': 9742, 'catalog: read': 9742}
  assert counts['sequences'] == {
    'rows': 100_836,
    'interactions': 100_836,
    'users: read': 610,
  }
  assert len(dataset.test) == len(dataset.validation) == 610
  assert (np.diff(dataset.test.candidate_offsets) > 1).sum() == 94
