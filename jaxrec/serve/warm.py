"""Compiling before anybody waits for it."""

import contextlib
from collections.abc import Callable
from typing import Any

from jaxrec.errors import UserError
from jaxrec.parallel.compiled import compiled_directory


def warm_up(
  model: Any, max_batch: int, say: Callable[[str], None] = lambda line: None
) -> None:
  """Calls the model as requests will, in the sizes they will have.

  Args:
    model: as `jaxrec.load` returns it; it is not changed.
    max_batch: users at once.
    say: called with a line for people, before.
  """
  ids = model.item_ids[: 4 * model.history_length]
  # Lengths that are read, and of what is not to be recommended again.
  length = model.history_length
  lengths = {min(n, len(ids)) for n in (1, length // 4, length, 4 * length)}
  batches: list[list] = []
  users = 1
  while True:
    batches += [[ids[:length]] * users for length in sorted(lengths)]
    if users >= max_batch:
      break
    users = min(4 * users, max_batch)  # As `user_vectors.USERS` grow.
  for words in (1, 500):
    for texts in (1, 8, 64):
      entries = [{'text': f'{n} ' * words} for n in range(texts)]
      batches.append([[entry] for entry in entries[:max_batch]])
  directory = compiled_directory()
  say(
    f'compiling for {len(batches)} sizes'
    + (f' (the first start; kept in {directory})' if directory else '')
  )
  for histories in batches:
    model.recommend_many(histories, 10)
  model.recommend_many([[*ids[:1], {'text': 'a'}]], 10, explain=True)
  model.score_many([ids[:1]] * 2, [ids[:1], ids])
  with contextlib.suppress(UserError):  # Not every bundle is calibrated.
    model.recommend_many([ids], 10, strategy='probability')
  model.search('', 1)
  model.search('a', 1)  # Lays out the texts.
