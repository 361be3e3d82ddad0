"""All mistakes of a command at once, and what may have been meant."""

import pytest

from jaxrec.cli import command, mistakes
from tests.cli.test_command import error_of

MEANT = {
  'learning_rate': 'optimizer.learning_rate',
  'lr': 'optimizer.learning_rate',
  'optimizer.lr': 'optimizer.learning_rate',
  'optimiser.learning_rate': 'optimizer.learning_rate',
  'training.lr': 'optimizer.learning_rate',
  'model.text.lr': 'model.text.learning_rate',
  'learningRate': 'optimizer.learning_rate',
  'epochs': 'training.epochs',
  'n-epochs': 'training.epochs',
  'max_len': 'input.history_length or model.text.max_tokens',
  'model.text.max_length': 'model.text.max_tokens',
  'hidden_size': 'model.head.width',
  'model.terms.ids.dim': 'model.terms.ids.width',
  'modle.head.width': 'model.head.width',
  'bs': 'input.batch_size',
  'batch_sise': 'input.batch_size',
  'evaluation.batchsize': 'evaluation.batch_size',
  'num_layers': 'model.head.layers (with model.head.type=transformer)',
  'embedding_dim': 'model.terms.item.width or model.head.width',
  'dropout': 'model.head.dropout or model.terms.item.dropout or model.text.'
  'dropout',
  'loss': 'objectives.next_item.loss',
  'random_seed': 'seed',
  'model.head.dropot': 'dropout',
}


@pytest.mark.parametrize('name', MEANT)
def test_what_was_meant(name):
  (line,) = mistakes.of_config('ecommerce:interactions', {name: '1'})
  said = f'config.{name}: unknown key; did you mean {MEANT[name]}?'
  assert line.startswith(said)


@pytest.mark.parametrize(
  ('changes', 'message'),
  [
    ({'model.head.type': 'mean', 'model.head.width': '3'}, 'type=lstm, gru'),
    ({'model.head.type': 'lsmt'}, "did you mean 'lstm'"),
    ({'model.terms': 'text,idz'}, "did you mean 'ids'"),
    ({'model.terms.idz.width': '3'}, "did you mean 'ids'"),
    ({'model.head': 'gru'}, 'a section: name one of type'),
    ({'training.epochs': 'six'}, 'training.epochs=six: must be a number'),
    ({'training.refit': 'maybe'}, 'must be true or false'),
    ({'zzz': '1'}, r'unknown key; (there are: seed, data'),
  ],
)
def test_other_mistakes(changes, message):
  (line,) = mistakes.of_config('news', changes)
  assert message in line


@pytest.mark.parametrize(
  'changes',
  [
    {'model.terms.trend.half_life': '4'},
    {'model.head.type': 'transformer', 'model.head.layers': '2'},
    {'model.terms': 'text,ids', 'model.terms.ids.decays.follows': '0.5'},
    {'ensemble': ''},
    {'batch_size': '3', 'head.decays': '1,1'},  # Of version 0.1.0.
    {'training.epochs': '1e2', 'model.text.pretrained': 'x', 'seed': '0x1'},
  ],
  ids=str,
)
def test_what_is_right(changes):
  assert not mistakes.of_config('news', changes)


@pytest.mark.parametrize(
  ('flag', 'meant'),
  [
    ('lr', '--config.optimizer.learning_rate'),
    ('epochs', '--config.training.epochs'),
    ('training.epochs', '--config.training.epochs'),
    ('batch-size', '--config.input.batch_size'),
    ('seed', '--config.seed'),
    ('output_dir', '--workdir'),
    ('work-dir', '--workdir'),
    ('wrokdir', '--workdir'),
    ('preset', '--config'),
  ],
)
def test_a_flag_that_is_a_key_of_the_config(flag, meant, capsys):
  line = error_of(
    capsys, 'train', '--config=news', '--workdir=w', f'--{flag}=1'
  )
  assert line.endswith(f'unknown flag --{flag}: did you mean {meant}?')


@pytest.mark.parametrize(
  ('flag', 'meant'),
  [('top_k', '--k'), ('model', '--bundle'), ('in', '--users')],
)
def test_flags_of_recommend(flag, meant, capsys):
  given = ['--bundle=b', '--users=u', '--output=o', f'--{flag}=1']
  assert f'did you mean {meant}?' in error_of(capsys, 'recommend', *given)


def test_all_are_told_at_once(capsys):
  given = '--config=news go --config.lr=1 --epochs=3 --verbos --config.seed=x'
  with pytest.raises(SystemExit, match='2'):
    command.run(['train', *given.split(), '--config.model.head.type=gruu'])
  lines = capsys.readouterr().err.splitlines()
  assert all(line.startswith('jaxrec: error: ') for line in lines)
  wanted = ['--epochs', '--verbos', "'go'", 'config.lr', 'config.seed', 'gruu']
  wanted += ['--workdir']
  assert len(lines) == len(wanted)
  for word in wanted:
    assert sum(word in line for line in lines) == 1, (word, lines)
