from jaxrec.evaluation.showcase import showcase
from tests.evaluation.held_out_split import N

IDS = [f'item{i}' for i in range(N)]


def test_showcases_are_what_they_say(shown):
  examples, judged = shown
  drawn = showcase(examples, judged, IDS, IDS, seed=0)
  assert {'hit', 'miss', 'new user'} >= {f['kind'] for f in drawn} >= {'miss'}
  ranks = judged.places.ranks()
  for one in drawn:
    best = min(c['rank'] for c in one['clicked'])
    if one['kind'] == 'hit':
      assert best == 1
    elif one['kind'] == 'miss':
      assert best > 5
    else:
      assert not one['history']
    clicked = {c['id'] for c in one['clicked']}
    for item in one['recommended']:
      assert item['clicked'] == (item['id'] in clicked)
  assert drawn == showcase(examples, judged, IDS, IDS, seed=0)
  assert ranks.min() >= 1
