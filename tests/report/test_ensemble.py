"""What speaks: of results with an ensemble, and of others."""

from jaxrec.report import ensemble

PART = {'gain': 0.5, 'whole': 0.3, 'without': 0.2, 'alone': 0.1}
RESULTS = {
  'ensemble': {
    'metric': 'ndcg@10',
    'examples': 1200,
    'parts': {'network': PART | {'gain': 1.0}, 'rules': PART},
  }
}


def test_every_part_is_told_with_the_whole():
  assert ensemble.rows(RESULTS)['rules'] == {
    'gain': '0.50',
    'alone': '0.1000',
    'whole without it': '0.2000',
  }
  assert 'the whole 0.3000' in ensemble.title(RESULTS)
  section = ensemble.section(RESULTS)
  (table,) = section['tables']
  assert table['title'] == 'nDCG@10 of 1,200 examples'
  assert [row['name'] for row in table['rows']] == ['network', 'rules']
  cells = [cell['text'] for cell in table['rows'][0]['cells']]
  assert cells[::3] == ['1.0000', '0.3000']


def test_there_may_be_none():
  assert ensemble.rows({'ensemble': None}) == ensemble.rows({}) == {}
  assert ensemble.section({'ensemble': None}) is None
