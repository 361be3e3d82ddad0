"""What earlier versions wrote, this one reads; what they were told, it obeys.

Each directory v* was made by that version and is never made again. Its command
lines are given as they were, word by word; only where it lies, and where data
is prepared, is this run's own.
"""

import dataclasses
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence

import pyarrow.parquet as pq
import pytest

import jaxrec
from jaxrec import workdirs
from jaxrec.cli.flags import load_config
from jaxrec.commands import evaluate, export, train
from jaxrec.errors import UserError

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
VERSIONS = sorted(path.name for path in HERE.glob('v*'))
CLOSE = 1e-5
# Of results.json, what says how good the model is.
JUDGED = (
  *('metrics', 'baselines', 'validation', 'threshold', 'best_step'),
  *('refitted', 'data', 'fingerprints'),
)


@pytest.fixture(scope='module', params=VERSIONS)
def kept(request) -> pathlib.Path:
  """A version's files, as they are in the repository."""
  return HERE / request.param


@pytest.fixture(scope='module')
def copied(kept, tmp_path_factory) -> pathlib.Path:
  """A copy of all of them, to write to; it lies elsewhere."""
  place = tmp_path_factory.mktemp('compat') / kept.name
  shutil.copytree(kept, place)
  return place


@pytest.fixture(scope='module')
def prepared(tmp_path_factory) -> pathlib.Path:
  """Where data is prepared, anew."""
  return tmp_path_factory.mktemp('prepared')


@pytest.fixture
def command_line(copied, prepared, monkeypatch):
  """name -> the flags of --config that the version was started with."""
  monkeypatch.chdir(ROOT)
  recorded = json.loads((copied / 'commands.json').read_text())
  made_at = f'=tests/compat/{copied.name}/'

  def find(name: str) -> list[str]:
    flags = [flag.replace(made_at, f'={copied}/') for flag in recorded[name]]
    assert sum(str(copied) in flag for flag in flags) == 2  # Data, encoder.
    # Presets move on; what this one was then has a name of its own.
    flags = [re.sub(':interactions$', ':interactions_v0_1', f) for f in flags]
    return [*flags, f'--config.data.cache_dir={prepared}']

  return find


@pytest.fixture(scope='module')
def expected(kept) -> dict:
  """What the version answered and reached."""
  return json.loads((kept / 'expected.json').read_text(encoding='utf8'))


def assert_close(value, recorded, place: str = '') -> None:
  """`value` holds what was recorded; it may have more keys."""
  if isinstance(recorded, dict):
    assert isinstance(value, Mapping), place
    assert recorded.keys() <= value.keys(), place
    for key in recorded:
      assert_close(value[key], recorded[key], f'{place}/{key}')
  elif isinstance(recorded, list):
    assert isinstance(value, Sequence), place
    assert len(value) == len(recorded), place
    for i, part in enumerate(recorded):
      assert_close(value[i], part, f'{place}/{i}')
  elif isinstance(recorded, float):
    assert value == pytest.approx(recorded, rel=CLOSE, abs=CLOSE), place
  else:
    assert value == recorded, place


def assert_answers(
  bundle: pathlib.Path, recorded: list[dict], without: Sequence[str] = ()
) -> None:
  """The bundle answers to all that was asked as it did.

  `without`: what of an answer is not compared.
  """
  model = jaxrec.load(bundle)
  for question in recorded:
    ask = getattr(model, question['method'])
    answer = [dataclasses.asdict(x) for x in ask(**question['arguments'])]
    wanted = [
      {key: x for key, x in one.items() if key not in without}
      for one in question['answer']
    ]
    assert_close(answer, wanted, str(question['arguments']))


@pytest.mark.parametrize('name', ['news', 'shop'])
def test_a_bundle_answers_as_it_did(kept, expected, name):
  assert_answers(kept / f'{name}.bundle', expected[name])


@pytest.mark.parametrize(
  'name',
  ['news', pytest.param('shop', marks=pytest.mark.slow)],  # See the next one.
)
def test_a_workdir_is_evaluated_and_exported_as_it_was(
  copied, expected, command_line, name, tmp_path
):
  config = load_config(command_line(name))
  workdir = copied / f'{name}.workdir'
  recorded = workdirs.read(workdir)
  found = evaluate.evaluate_workdir(config, workdir, 'test')
  assert_close(found, {part: recorded[part] for part in JUDGED})
  export.export_workdir(config, workdir, tmp_path / 'bundle')
  # What is exported now says the same items and logits, and scores that are
  # cosines; probabilities of a whole catalog are another thing than they were.
  without = ['score', *(['probability'] if name == 'shop' else [])]
  assert_answers(tmp_path / 'bundle', expected[name], without)


@pytest.mark.parametrize('name', ['news', 'shop'])
def test_a_finished_workdir_is_known_as_finished(
  copied, command_line, name, capsys
):
  workdir = copied / f'{name}.workdir'
  before = workdirs.read(workdir)
  config = load_config(command_line(name))
  assert train.train_and_evaluate(config, workdir) == before
  assert 'nothing left to train' in capsys.readouterr().out


def test_an_unfinished_training_goes_on_to_where_it_went(
  copied, expected, command_line
):
  """In a process of its own, as whoever started it would go on."""
  workdir = copied / 'unfinished.workdir'
  assert workdirs.read(workdir) is None
  one_device = os.environ['XLA_FLAGS'].replace('count=8', 'count=1')
  done = subprocess.run(
    [
      *(sys.executable, '-m', 'jaxrec.main'),
      *command_line('unfinished'),
      f'--workdir={workdir}',
    ],
    cwd=ROOT,
    env=os.environ | {'XLA_FLAGS': one_device},
    capture_output=True,
    text=True,
    timeout=200,
  )
  assert done.returncode == 0, done.stderr
  assert 'continuing from step 2' in done.stdout
  recorded = expected['unfinished']
  predicted = pq.read_table(workdir / 'predictions.parquet').to_pylist()
  found = workdirs.read(workdir) | {'predictions': predicted}
  assert_close(found, recorded)


@pytest.mark.parametrize('name', ['news', 'shop', 'unfinished'])
def test_another_value_of_an_old_key_is_another_run(copied, command_line, name):
  """So that what the tests above pass is not that nothing is compared."""
  config = load_config([*command_line(name), '--config.head.width=5'])
  with pytest.raises(UserError, match='there 4, now 5'):
    evaluate.evaluate_workdir(config, copied / f'{name}.workdir', 'test')
