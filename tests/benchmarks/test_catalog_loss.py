import json

from benchmarks import catalog_loss


def test_both_losses_are_measured_where_there_is_room(tmp_path):
  output = tmp_path / 'out.json'
  catalog_loss.main(
    [
      *('--items=50,4000', '--positions=8', '--width=4', '--rounds=1'),
      *('--most_mb=0.01', f'--output={output}'),
    ]
  )
  measured = json.loads(output.read_text())
  small, large = measured['catalogs']
  assert set(small['milliseconds']) == {'blocks', 'at_once'}
  assert set(large['milliseconds']) == {'blocks'}
  for row in measured['catalogs']:
    assert 0 <= row['temporary_mb']['blocks'] < row['bound_mb']
