"""What the programs keep in a device's memory."""

import re

import jax
import numpy as np
import pytest
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from jaxrec.parallel import sharding
from jaxrec.retrieval import block_programs
from tests.retrieval.test_sharded_index import MESHES, D, make_mesh


@pytest.mark.parametrize('shape', MESHES, ids=str)
def test_a_device_keeps_its_scores_of_one_block_once(shape):
  """No array is larger, no program copies it, no item vector is gathered."""
  n, block, k, num_pairs = 4096, 8, 2, 64
  mesh = make_mesh(shape)
  items = jax.ShapeDtypeStruct(
    (n, D), np.float32, sharding=NamedSharding(mesh, P(sharding.AXES))
  )
  spread = jax.ShapeDtypeStruct(
    (block, n), np.float32, sharding=NamedSharding(mesh, block_programs.SCORES)
  )
  pairs = (np.zeros(num_pairs, np.int32),) * 2
  users, scores = np.zeros((block, D)), np.zeros(num_pairs, np.float32)
  factors, added = np.ones((block, 3)), (pairs, scores)
  lower = lambda f, *args, **changes: f.lower(*args, mesh=mesh, **changes)
  largest = block * n // mesh.size
  new = []
  for lowered in (
    lower(block_programs.score, items, users, pairs, added, num_items=n - 3),
    lower(block_programs.best, spread, pairs, k=k, approximate=None),
    lower(block_programs.tails, spread, np.zeros((block, k)), factors),
    lower(block_programs.count_others, spread, pairs, scores),
  ):
    compiled = lowered.compile()
    text = compiled.as_text()
    shapes = re.findall(r'\w+\[([0-9,]+)\]', text.split('\n\n', 1)[1])
    sizes = [np.prod([int(x) for x in dims.split(',')]) for dims in shapes]
    assert max(sizes) == largest
    assert not re.search(rf'\[{block},{n // mesh.size}\]\S* copy\(', text)
    memory = compiled.memory_analysis()
    sizes = memory.output_size_in_bytes - memory.alias_size_in_bytes
    new.append((sizes + memory.temp_size_in_bytes) / (4 * largest))
  # The first makes the scores, the others keep them where they are.
  assert 1 <= new[0] < 1.1
  assert max(new[1:]) < 0.5
