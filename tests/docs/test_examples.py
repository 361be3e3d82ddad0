"""The examples run, in small, and say what they should."""

import importlib.util
import json
import pathlib
import subprocess
import sys
import types

import pytest

import jaxrec
from jaxrec.errors import UserError
from jaxrec.models import terms
from tests.docs import pages

EXAMPLES = sorted((pages.ROOT / 'examples').glob('*.py'))


def example(name: str):
  """The module of an example, which lies in no package."""
  path = pages.ROOT / 'examples' / f'{name}.py'
  spec = importlib.util.spec_from_file_location(f'example_{name}', path)
  module = importlib.util.module_from_spec(spec)
  sys.modules[spec.name] = module  # Dataclasses look their module up.
  spec.loader.exec_module(module)
  return module


@pytest.fixture
def small(tiny_bert, tmp_path):
  """Changes that make any config of sequences run in seconds."""
  return {
    'training.num_steps': 2,
    'training.eval_every': 2,
    'training.checkpoint_every': 2,
    'training.refit': False,
    'model.text.pretrained': str(tiny_bert),
    'model.text.row_tokens': 128,
    'model.head.width': 8,
    'model.terms.item.width': 8,
    'evaluation.baselines': 'popularity',
    'evaluation.num_bootstrap': 20,
    'data.cache_dir': str(tmp_path / 'cache'),
  }


def test_own_data_to_server_and_read_report(
  small, tmp_path, one_device, capsys
):
  module = example('own_data_to_server')
  module.main([f'--out={tmp_path / "out"}'], small)
  printed = capsys.readouterr().out
  assert 'for who bought Alto coffee:' in printed
  assert 'for somebody unknown:' in printed
  assert f'python -m jaxrec.serve --bundle={tmp_path / "out/bundle"}' in printed
  model = jaxrec.load(tmp_path / 'out' / 'bundle')
  assert len(model.item_ids) == len(module.KINDS) * len(module.MAKERS)
  assert model.item('tea-Brio').text == 'Brio tea'
  # And what the run says of itself.
  example('read_report').main([str(tmp_path / 'out' / 'run')])
  text = (tmp_path / 'out' / 'run' / 'results.json').read_text(encoding='utf8')
  results, printed = json.loads(text), capsys.readouterr().out
  ours, popularity = (
    metrics['ndcg@10']
    for metrics in (results['metrics'], results['baselines']['popularity'])
  )
  assert f'jaxrec: ndcg@10 {ours:.4f}' in printed
  assert f'best baseline: popularity {popularity:.4f}' in printed
  assert f'chose step {results["best_step"]} of 2' in printed
  assert 'ndcg@10 by clicked item known to: ' in printed


def test_own_tables_are_taken(tmp_path, monkeypatch, capsys):
  """Those that are given, and none that it makes."""
  module, asked_for = example('own_data_to_server'), []
  record = lambda *given: asked_for.append(given) or tmp_path / 'bundle'
  monkeypatch.setattr(module, 'train_and_export', record)
  monkeypatch.setattr(module, 'ask', asked_for.append)
  out = tmp_path / 'out'
  module.main(['--interactions=a.csv', '--items=b.csv', f'--out={out}'])
  tables = pathlib.Path('a.csv'), pathlib.Path('b.csv')
  assert asked_for == [(*tables, out, None), tmp_path / 'bundle']
  assert not out.exists()
  assert f'--bundle={tmp_path / "bundle"}' in capsys.readouterr().out


def test_new_term(small, tiny_mind, tmp_path, monkeypatch, one_device, capsys):
  monkeypatch.setitem(terms.TERMS, 'length', None)  # It is taken out again.
  changes = {k: v for k, v in small.items() if not k.startswith('model.terms')}
  changes |= {'data.name': 'mind_small', 'data.dir': str(tiny_mind)}
  example('new_term').main([f'--out={tmp_path / "run"}'], changes)
  assert 'with the length of titles: AUC 0.' in capsys.readouterr().out
  text = (tmp_path / 'run' / 'results.json').read_text(encoding='utf8')
  config = json.loads(text)['config']
  assert config['model']['terms']['length']['column'] == 'title'


def test_a_term_says_what_it_cannot_read():
  module = example('new_term')
  source = types.SimpleNamespace(dataset=types.SimpleNamespace(items={}))
  with pytest.raises(UserError, match='column=plot'):
    module.Length.start(module.LengthConfig(column='plot'), None, source)


def test_read_report_without_baselines_at_step_0():
  results = {
    'dataset': 'mine',
    'split': 'test',
    'protocol': {
      'name': 'leave_one_out',
      'examples': 3,
      'candidates': 'the whole catalog',
      'main_metric': 'ndcg@10',
    },
    'metrics': {'ndcg@10': 0.5},
    'intervals': {'ndcg@10': [0.25, 0.75]},
    'baselines': {},
    'best_step': 0,
    'train': {'steps': 100},
    'slices': {'user': {'new': {'examples': 0, 'metrics': {}}}},
  }
  lines = example('read_report').summary(results)
  assert lines[2].endswith('step 0 of 100: training added nothing to the start')
  assert len(lines) == 3  # Nobody is in the slice.
  results['best_step'] = 40
  results['training'] = {
    'added': {'ndcg@10': {'difference': 0.0125, 'p': 0.004}}
  }
  assert example('read_report').summary(results)[2:] == [
    'validation chose step 40 of 100',
    'which adds +0.0125 ndcg@10 to step 0 (p = 0.004)',
  ]


@pytest.mark.parametrize('path', EXAMPLES, ids=lambda path: path.stem)
def test_examples_name_their_command(path):
  text = path.read_text(encoding='utf8')
  assert f'python examples/{path.name}' in text


def test_help_of_an_example():
  """As a process of its own, outside pytest's environment."""
  command = [sys.executable, str(pages.ROOT / 'examples' / 'read_report.py')]
  done = subprocess.run([*command, '--help'], capture_output=True, text=True)
  assert done.returncode == 0 and 'workdir' in done.stdout
