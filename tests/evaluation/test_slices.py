import numpy as np

from jaxrec.data.columns.sequences import sequences_of
from jaxrec.evaluation.slices import slices
from tests.evaluation.held_out_split import N


def test_slices_part_the_examples(held_out):
  known = sequences_of(held_out.take(np.arange(30)))
  popularity = np.bincount(known.items, minlength=N)
  answers = slices(held_out, known, popularity)
  assert set(answers) == {'history length', 'user', 'clicked item known to'}
  for masks in answers.values():
    assert (np.sum(list(masks.values()), axis=0) == 1).all()
  assert answers['user']['new'].tolist() == [i >= 30 for i in range(40)]
  lengths = np.diff(held_out.history_offsets)
  np.testing.assert_array_equal(answers['history length']['0'], lengths == 0)
  best = [
    popularity[held_out.candidates[held_out.shown(i)]].max() for i in range(40)
  ]
  for name, mask in answers['clicked item known to'].items():
    low = int(name.split('-')[0].split('+')[0].split(' ')[0])
    assert all(best[i] >= low for i in np.flatnonzero(mask))
