"""jaxrec compare: what its flags ask for."""

import os
import pathlib
import subprocess
import sys

import pytest

from jaxrec.cli.compare import plan
from jaxrec.errors import UserError
from tests.cli.test_main import environment

ROOT = pathlib.Path(__file__).parents[2]
NEWS, VIDEO = (str(ROOT / 'configs' / f'{x}.py') for x in ('news', 'video'))


def test_overrides_are_typed_and_go_to_whom_they_name(tmp_path):
  sets = [
    'input.batch_size=16',
    'optimizer.clip_norm=2',
    'video:training.num_steps=10',
    'news-demo:data.dir=/a=b:c,d',
  ]
  planned = plan([f'{NEWS}:demo', VIDEO], ['3', '1', '3'], sets, tmp_path)
  assert [(r.name, r.seed) for r in planned] == [
    ('news-demo', 3),
    ('video', 3),
    ('news-demo', 1),
    ('video', 1),
  ]
  demo, films = planned[0].config, planned[1].config
  assert demo.input.batch_size == 16
  assert isinstance(demo.input.batch_size, int)
  assert demo.optimizer.clip_norm == 2
  assert isinstance(demo.optimizer.clip_norm, float)
  assert demo.data.dir == '/a=b:c,d' and films.data.dir == ''
  assert films.training.num_steps == 10 and demo.training.num_steps == 1500
  assert demo.seed == 3 and planned[2].config.seed == 1
  assert planned[3].workdir == tmp_path / 'video' / 'seed1'


@pytest.mark.parametrize(
  ('configs', 'seeds', 'change', 'message'),
  [
    (['news'], '0', 'batch_sise=3', r'news-demo: .*input\.batch_size'),
    (['news'], '0', 'optimizer.clip_nrom=3', 'clip_norm'),
    (['news'], '0', 'input.batch_size=many', 'batch_size'),
    (['news'], '0', 'vidio:batch_size=3', "'vidio' is unknown"),
    (['news', 'video'], '0', 'vidio:batch_size=3', "did you mean 'video'"),
    (['news'], '0', 'batch_size', 'give KEY=VALUE'),
    (['news'], '0', 'seed=1', 'given by --seeds'),
    (['news'], 'a', '', 'whole numbers'),
    (['news'], '', '', 'whole numbers'),
    ([], '0', '', '--configs is missing'),
    (['news', 'news'], '0', '', 'give each once'),
    (['newz'], '0', '', r'no such file .*newz\.py: did you mean .*news\.py'),
    (['news:demos'], '0', '', 'did you mean demo'),
  ],
  ids=str,
)
def test_mistakes_are_one_line_before_anything_runs(
  configs, seeds, change, message, tmp_path
):
  given = []
  for name in configs:
    file, _, variant = name.partition(':')
    path = ROOT / 'configs' / f'{file}.py'
    given.append(f'{path}:{variant or "demo"}' if 'video' not in name else path)
  with pytest.raises(UserError, match=message) as e:
    plan(
      list(map(str, given)),
      seeds.split(',') if seeds else [],
      [change] if change else [],
      tmp_path,
    )
  assert '\n' not in str(e.value)


@pytest.mark.parametrize(
  ('args', 'message'),
  [
    (['--configs=configs/news.py:demo'], '--workdir is missing'),
    (['--wrokdir=a'], 'workdir'),
    (['--workdir=a', '--configs=configs/news.py:dem'], 'did you mean demo'),
  ],
  ids=str,
)
def test_typos_exit_2(args, message):
  done = subprocess.run(
    [sys.executable, '-m', 'jaxrec.compare', *args],
    cwd=ROOT,
    env=environment() | {'PYTHONPATH': os.fspath(ROOT)},
    capture_output=True,
    text=True,
    timeout=200,
  )
  assert done.returncode == 2 and 'Traceback' not in done.stderr
  (line,) = done.stderr.strip().splitlines()
  assert line.startswith('jaxrec: error: ') and message in line
