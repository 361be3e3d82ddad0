"""A small directory of MovieLens's form."""

import pathlib

import numpy as np


def write_tiny_films(directory: pathlib.Path) -> None:
  """Writes movies.csv and ratings.csv in `directory`."""
  rng = np.random.default_rng(0)
  films = [f'{i},"Film, the {i}th ({1980 + i})",Drama|War' for i in range(40)]
  lines = ['movieId,title,genres', *films]
  (directory / 'movies.csv').write_text('\n'.join(lines) + '\n')
  lines = ['userId,movieId,rating,timestamp']
  for user in range(30):
    seen = rng.permutation(40)[: rng.integers(1, 12)]
    times = np.sort(rng.integers(0, 8, len(seen))) + 10 * user  # Some tie.
    lines += [f'{user},{i},4.0,{t}' for i, t in zip(seen, times, strict=True)]
  (directory / 'ratings.csv').write_text('\n'.join(lines) + '\n')
