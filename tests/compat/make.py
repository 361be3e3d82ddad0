"""Makes a fixture of this version: tiny workdirs, bundles, what they answer.

    python -m tests.compat.make tests/compat/vX_Y_Z

A version makes one before it changes how workdirs or bundles are laid out;
README.md tells what lies in it. It is started at the root of the repository, on
one device, and takes a minute on two CPU cores. Paths in the fixture are
relative to that root: it knows nothing of the machine that made it.
"""

import dataclasses
import json
import os
import pathlib
import shutil
import sys
import tempfile
from unittest import mock

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ['JAX_PLATFORMS'] = 'cpu'

import jax
import numpy as np
import pyarrow.parquet as pq
from flax import nnx
from tokenizers import (
  Tokenizer,
  normalizers,
  pre_tokenizers,
  processors,
)
from tokenizers import models as tokenizer_models

import jaxrec
from jaxrec import workdirs
from jaxrec.cli.flags import load_config
from jaxrec.commands import export, train
from jaxrec.models.text import weights
from jaxrec.models.text.bert import Bert
from jaxrec.parallel.processes import Stopped, StopSignal

STEPS = 4
STOP_AFTER = 2  # The step after which the unfinished training ends.
SIZES = {
  'vocab_size': 100,
  'max_positions': 16,
  'num_types': 2,
  'width': 8,
  'mlp_width': 16,
  'num_heads': 2,
  'num_layers': 2,
  'norm_epsilon': 1e-12,
}
WORDS = {
  'weather': ['rain', 'sun', 'snow', 'coast', 'storm', 'wind'],
  'sport': ['team', 'wins', 'cup', 'goal', 'match', 'race'],
  'money': ['bank', 'vote', 'tax', 'bond', 'trade', 'price'],
  'screen': ['film', 'star', 'show', 'actor', 'music', 'stage'],
}
THINGS = [
  'mug',
  'cup',
  'lamp',
  'clock',
  'card',
  'bag',
  'box',
  'bowl',
  'plate',
  'tin',
]
COLOURS = ('red', 'blue')
DAY = 86400

# ------------------------------------------------------------- command lines
TINY = {
  'input.batch_size': 8,
  'input.history_length': 8,
  'evaluation.batch_size': 8,
  'evaluation.baselines': 'popularity',
  'evaluation.num_bootstrap': 20,
  'training.num_steps': STEPS,
  'training.log_every': 1,
  'training.eval_every': 2,
  'training.checkpoint_every': 2,
  'training.refit': True,
  'model.text.max_tokens': 12,
  'model.head.width': 4,
  'optimizer.warmup_steps': 1,
}
NEWS = TINY | {
  'seed': 1,
  'data.dir': 'mind',
  'model.text.trainable_layers': 1,
  'model.text.learning_rate': 1e-3,
  'model.terms': 'text,fields,appeal,item_bias',
  'model.terms.text.centered': 'histories',
  'model.terms.fields.names': 'category',
  'model.terms.fields.width': 4,
  'model.terms.fields.learning_rate': 2e-2,
  'model.terms.appeal.learning_rate': 1e-2,
  'model.terms.item_bias.start': 0.5,
  'model.terms.item_bias.shrinkage': 10.0,
  'model.terms.item_bias.learning_rate': 1e-2,
  'optimizer.learning_rate': 1e-3,
}
SHOP = TINY | {
  'data.dir': 'shop',
  'data.interactions_file': 'interactions.tsv',
  'data.items_file': 'items.tsv',
  'model.text.trainable_layers': 0,
  'model.head.behaviours': True,
  'model.head.gaps': True,
  'model.terms': 'text,ids,trend',
  'model.terms.text.decay': 0.6,
  'model.terms.ids.width': 4,
  'model.terms.ids.channels': 'together,follows',
  'model.terms.ids.penalty': 5.0,
  'model.terms.ids.decays.together': 0.8,
  'model.terms.ids.decays.follows': 0.6,
  'model.terms.ids.learning_rate': 1e-1,
  'model.terms.trend.half_life': 3.0,
  'optimizer.learning_rate': 2e-2,
}
CONFIGS = {
  'news': ('configs/news.py:mind_small', NEWS),
  'shop': ('configs/ecommerce.py:interactions', SHOP),
  'unfinished': (
    'configs/ecommerce.py:interactions',
    SHOP | {'training.refit': False},
  ),
}


def command_line(name: str, place: str) -> list[str]:
  """The flags of --config, the fixture lying at `place`."""
  file, values = CONFIGS[name]
  values = values | {
    'data.dir': f'{place}/{values["data.dir"]}',
    'model.text.pretrained': f'{place}/encoder',
  }
  return [
    f'--config={file}',
    *(f'--config.{key}={value}' for key, value in values.items()),
  ]


# --------------------------------------------------------------------- worlds
def write_mind(directory: pathlib.Path) -> None:
  """MIND-small's form: 30 items; users keep to what they like, mostly."""
  rng = np.random.default_rng(0)
  kinds = list(WORDS)
  ids = [f'N{i}' for i in range(30)]
  kind_of = [kinds[i % len(kinds)] for i in range(len(ids))]
  news = ''.join(
    f'{item}\t{kind}\tlocal\t{" ".join(rng.choice(WORDS[kind], 4))}'
    '\t\t\t[]\t[]\n'
    for item, kind in zip(ids, kind_of, strict=True)
  )
  for part, count, day in (('train', 64, 10), ('dev', 24, 13)):
    lines = []
    for i in range(count):
      liked = kinds[i % 3]
      of_kind = [x for x, k in zip(ids, kind_of, strict=True) if k == liked]
      others = [x for x in ids if x not in of_kind]
      history = rng.permutation(of_kind)[: rng.integers(0, 6)]
      history = [*history, *rng.permutation(others)[: rng.integers(0, 3)]]
      rest = [x for x in of_kind if x not in history]
      clicked = rng.choice(rest if rng.random() < 0.8 else others)
      shown = [clicked, *rng.permutation([x for x in others if x != clicked])]
      shown = rng.permutation(shown[:6])
      listed = ' '.join(f'{x}-{int(x == clicked)}' for x in shown)
      time = f'11/{day}/2019 {1 + i // 6}:{i % 60:02}:00 AM'
      read = ' '.join(rng.permutation(history).tolist())
      lines.append(f'{i + 1}\tU{i % 12}\t{time}\t{read}\t{listed}\n')
    folder = directory / f'MINDsmall_{part}'
    folder.mkdir(parents=True)
    (folder / 'news.tsv').write_text(news, encoding='utf8')
    (folder / 'behaviors.tsv').write_text(''.join(lines), encoding='utf8')


def write_shop(directory: pathlib.Path) -> None:
  """Tables of one's own: 20 items, 12 users who look at things and buy them."""
  rng = np.random.default_rng(1)
  items = [(f'i{i}', f'{COLOURS[i // 10]} {THINGS[i % 10]}') for i in range(20)]
  rows = [('user_id', 'item_id', 'timestamp', 'behaviour')]
  for user in range(12):
    time, item, done = 10**9 + user * DAY, int(rng.integers(20)), set()
    for turn in range(8):
      kind = ('view', 'buy')[turn % 3 == 2]
      rows.append((f'u{user}', f'i{item}', time, kind))
      time += int(rng.integers(600, 2 * DAY))
      done.add(item)
      # What is three further on is next, mostly; nothing comes again.
      item = (item + (3 if rng.random() < 0.8 else 7)) % 20
      while item in done:
        item = (item + 1) % 20
  directory.mkdir(parents=True)
  for name, table in (
    ('items', [('item_id', 'title'), *items]),
    ('interactions', rows),
  ):
    text = ''.join('\t'.join(map(str, row)) + '\n' for row in table)
    (directory / f'{name}.tsv').write_text(text, encoding='utf8')


def write_encoder(directory: pathlib.Path) -> None:
  """A BERT of 100 tokens and two random layers, as Hugging Face has it."""
  bert = Bert(**SIZES, rngs=nnx.Rngs(7))
  params = nnx.to_pure_dict(nnx.state(bert, nnx.Param))
  weights.save_params(directory, params, SIZES)
  letters = [chr(c) for c in range(ord('a'), ord('z') + 1)]
  words = {word: None for words in WORDS.values() for word in words}
  words |= {word: None for word in (*THINGS, *COLOURS)}
  tokens = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']
  tokens += [*words, *letters, *(f'##{c}' for c in letters)]
  vocabulary = {word: i for i, word in enumerate(tokens[: SIZES['vocab_size']])}
  tokenizer = Tokenizer(
    tokenizer_models.WordPiece(vocabulary, unk_token='[UNK]')
  )
  tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
  tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
  tokenizer.post_processor = processors.TemplateProcessing(
    single='[CLS] $A [SEP]',
    special_tokens=[(name, vocabulary[name]) for name in ('[CLS]', '[SEP]')],
  )
  tokenizer.save(str(directory / 'tokenizer.json'), pretty=False)


# ------------------------------------------------------------------ questions
HISTORIES = {
  'news': {
    'none': {'history': []},
    'known': {'history': ['N1', 'N5', 'N2']},
    'new': {'history': ['N3', {'text': 'storm on the coast'}]},
  },
  'shop': {
    'none': {'history': []},
    'known': {
      'history': ['i1', 'i4', 'i7'],
      'behaviours': ['view', 'view', 'buy'],
      'times': [10**9, 10**9 + 3600, 10**9 + 5 * DAY],
      'now': 10**9 + 6 * DAY,
    },
    'new': {'history': ['i3', {'text': 'blue box'}, 'i6']},
  },
}
CANDIDATES = {
  'news': ['N0', 'N9', {'text': 'team wins the cup'}],
  'shop': ['i0', 'i9', {'text': 'red card'}],
}


def questions(name: str):
  """(method, arguments) of all that a bundle is asked."""
  for given in HISTORIES[name].values():
    for strategy in ('top_k', 'probability'):
      yield 'recommend', {**given, 'k': 5, 'strategy': strategy}
      candidates = CANDIDATES[name]
      yield 'score', {**given, 'candidates': candidates, 'strategy': strategy}
    yield 'recommend', {**given, 'k': 3, 'explain': True}
  first, *_ = HISTORIES[name]['known']['history']
  yield 'search', {'text': first, 'k': 3}


def answered(bundle: pathlib.Path, name: str) -> list[dict]:
  """What a bundle answers to `questions`, as JSON can hold it."""
  model = jaxrec.load(bundle)
  return [
    {
      'method': method,
      'arguments': arguments,
      'answer': [
        dataclasses.asdict(x) for x in getattr(model, method)(**arguments)
      ],
    }
    for method, arguments in questions(name)
  ]


# --------------------------------------------------------------------- making
def stopped_training(config, workdir: pathlib.Path) -> None:
  """Trains up to STOP_AFTER, as if SIGTERM had come during that step."""

  def reached(self, step):
    return step == STOP_AFTER

  with mock.patch.object(StopSignal, 'reached', reached):
    try:
      train.train_and_evaluate(config, workdir)
    except Stopped:
      return
  raise AssertionError('it was not stopped')


def keep_needed(workdir: pathlib.Path) -> None:
  """Removes what nobody needs, and what tells of times and machines.

  Of checkpoints the last is kept, in which both trainings end.
  """
  kept = {'config.json', 'results.json', 'checkpoints', 'refit'}
  for path in [*workdir.iterdir(), *workdir.glob('refit/*')]:
    if path.name not in kept:
      path.unlink()
  for folder in workdir.rglob('checkpoints'):
    for path in sorted(folder.iterdir(), key=lambda path: int(path.name))[:-1]:
      shutil.rmtree(path)
  for path in workdir.rglob('commit_success.txt'):  # That it is there counts.
    path.write_text('committed\n')


def make(place: pathlib.Path) -> None:
  """Writes the fixture at `place`, a new directory under the working one."""
  place.mkdir(parents=True)
  write_mind(place / 'mind')
  write_shop(place / 'shop')
  write_encoder(place / 'encoder')
  lines = {name: command_line(name, place.as_posix()) for name in CONFIGS}
  workdirs.write_json(place / 'commands.json', lines)
  configs = {name: load_config(line) for name, line in lines.items()}
  expected = {}
  for name in ('news', 'shop'):
    workdir, bundle = place / f'{name}.workdir', place / f'{name}.bundle'
    found = train.train_and_evaluate(configs[name], workdir)
    assert found['best_step'] == STEPS, 'change the learning rates'
    export.export_workdir(configs[name], workdir, bundle)
    expected[name] = answered(bundle, name)
    keep_needed(workdir)
  stopped_training(configs['unfinished'], place / 'unfinished.workdir')
  keep_needed(place / 'unfinished.workdir')
  with tempfile.TemporaryDirectory() as whole:
    found = train.train_and_evaluate(configs['unfinished'], pathlib.Path(whole))
    assert found['best_step'] == STEPS, 'change the learning rates'
    predicted = pq.read_table(f'{whole}/predictions.parquet').to_pylist()
  names = ('best_step', 'metrics', 'validation')
  expected['unfinished'] = {name: found[name] for name in names}
  expected['unfinished']['predictions'] = predicted
  text = json.dumps(workdirs.plain(expected), indent=1, allow_nan=False)
  (place / 'expected.json').write_text(text + '\n', encoding='utf8')


if __name__ == '__main__':
  # The functions of a bundle name the files they were traced from.
  jax.config.update('jax_hlo_source_file_canonicalization_regex', '.*/')
  with tempfile.TemporaryDirectory() as cache:
    os.environ['XDG_CACHE_HOME'] = cache
    make(pathlib.Path(sys.argv[1]))
