"""A small directory of MIND's form, for tests where the real one is absent."""

import pathlib

import numpy as np

WORDS = ('rain', 'sun', 'team', 'wins', 'vote', 'bank', 'film', 'star', 'bread')


def write_tiny_mind(directory: pathlib.Path, size: str = 'small') -> None:
  """Writes MIND<size>_train and MIND<size>_dev under `directory`."""
  rng = np.random.default_rng(0)
  ids = [f'N{i}' for i in range(60)]
  news = ''.join(
    f'{i}\tnews\tlocal\t{" ".join(rng.choice(WORDS, 5))}\t\t\t[]\t[]\n'
    for i in ids
  )
  for part, examples, day in (('train', 80, 10), ('dev', 20, 13)):
    lines = []
    for i in range(examples):
      history = ' '.join(rng.choice(ids, rng.integers(0, 9)))
      shown = rng.permutation(ids)[:6]
      clicked = rng.integers(0, 6)
      shown = ' '.join(f'{n}-{int(j == clicked)}' for j, n in enumerate(shown))
      time = f'11/{day}/2019 {1 + i % 12}:{i % 60:02}:00 AM'
      lines.append(f'{i + 1}\tU{i % 20}\t{time}\t{history}\t{shown}\n')
    folder = directory / f'MIND{size}_{part}'
    folder.mkdir(parents=True)
    (folder / 'news.tsv').write_text(news, encoding='utf8')
    (folder / 'behaviors.tsv').write_text(''.join(lines), encoding='utf8')
