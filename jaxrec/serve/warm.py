"""Compiling before anybody waits for it."""

import contextlib
import os
import pathlib
from typing import Any

from jaxrec.errors import UserError


def keep_compiled() -> None:
  """Keeps compiled programs between starts, where JAX was not told otherwise.

  In the cache of trainings, ~/.cache/jaxrec/compiled.
  """
  import jax

  if jax.config.jax_compilation_cache_dir is None:
    cache = os.environ.get('XDG_CACHE_HOME') or '~/.cache'
    directory = pathlib.Path(cache).expanduser() / 'jaxrec' / 'compiled'
    jax.config.update('jax_compilation_cache_dir', str(directory))
    # The many small programs of a start take seconds together.
    jax.config.update('jax_persistent_cache_min_compile_time_secs', 0.0)
    jax.config.update('jax_persistent_cache_min_entry_size_bytes', -1)


def warm_up(model: Any, max_batch: int, say=lambda words: None) -> None:
  """Asks for what requests will ask for, in the sizes they will have.

  Args:
    model: as `jaxrec.load` returns it; it is not changed.
    max_batch: users at once.
    say: called with a line for people, before.
  """
  ids = model.item_ids[: 4 * model.history_length]
  # Lengths that are read, and of what is not to be recommended again.
  length = model.history_length
  lengths = {min(n, len(ids)) for n in (1, length // 4, length, 4 * length)}
  asked, users = [], 1
  while True:
    asked += [[ids[:length]] * users for length in sorted(lengths)]
    if users >= max_batch:
      break
    users = min(4 * users, max_batch)  # As the model's own sizes grow.
  for words in (1, 500):
    for texts in (1, 8, 64):
      entries = [{'text': f'{n} ' * words} for n in range(texts)]
      asked.append([[entry] for entry in entries[:max_batch]])
  import jax

  kept = jax.config.jax_compilation_cache_dir
  say(
    f'compiling for {len(asked)} sizes'
    + (f' (the first start; kept in {kept})' if kept else '')
  )
  for histories in asked:
    model.recommend_many(histories, 10)
  model.recommend_many([[*ids[:1], {'text': 'a'}]], 10, explain=True)
  model.score_many([ids[:1]] * 2, [ids[:1], ids])
  with contextlib.suppress(UserError):  # Not every bundle is calibrated.
    model.recommend_many([ids], 10, strategy='probability')
  model.search('', 1)
  model.search('a', 1)  # Lays out the texts.
