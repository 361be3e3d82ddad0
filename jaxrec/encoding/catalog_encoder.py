"""Items through the encoder: each once, packed, over all devices."""

import hashlib
import pathlib
from collections.abc import Iterator
from typing import NamedTuple

import jax
import numpy as np
from jax.experimental import multihost_utils

from jaxrec.console import Display
from jaxrec.data.batches.assemble import PackedItems
from jaxrec.data.batches.evaluate import catalog_batches
from jaxrec.data.batches.packing import unfill_rows
from jaxrec.data.items.catalog import Catalog
from jaxrec.encoding.item_store import ItemStore
from jaxrec.parallel.sharding import num_batch_shards, put_batch

# Of one device's share of an encoding batch. What a layer computes of the
# smaller one stays in a CPU's cache: a third faster.
BATCH_TOKENS, CPU_BATCH_TOKENS = 8192, 2048


class Encoded(NamedTuple):
  """A batch of the catalog, encoded.

  Attributes:
    items: int [n], item indices.
    rows: int32 [n], each item's row of the table, row * S + segment.
    segments: int32 [R, L].
    outputs: what the step gives, on the device.
  """

  items: np.ndarray
  rows: np.ndarray
  segments: np.ndarray
  outputs: jax.Array


class CatalogEncoder:
  """Runs a step over items, compiled once.

  Args:
    step: (params, inputs, positions, segments) -> [R * S, D] or [R, L, D].
    items: the catalog's packing.
    mesh: see `sharding`.
  """

  def __init__(self, step, items: PackedItems, mesh):
    self.items = items
    self.mesh = mesh
    shards = num_batch_shards(mesh)
    on_cpu = jax.default_backend() == 'cpu'
    tokens = CPU_BATCH_TOKENS if on_cpu else BATCH_TOKENS
    self.num_rows = max(tokens // items.row_tokens, 1) * shards
    self._step = jax.jit(step)

  def batches(
    self, params, wanted: np.ndarray, done: np.ndarray | None = None
  ) -> Iterator[Encoded]:
    """The items `wanted`, batch by batch; the next one is already under way.

    Args:
      params: the step's.
      wanted: distinct item indices.
      done: bool [N]; a batch whose items are all done is left out. The others
        are as they would be with none done, so that resuming changes no bit.
    """
    before = None
    for items, rows, arrays in catalog_batches(
      self.items, wanted, self.num_rows
    ):
      if done is not None and done[items].all():
        continue
      inputs = put_batch(arrays, self.mesh)
      batch = Encoded(items, rows, arrays[-1], self._step(params, *inputs))
      if before is not None:
        yield before
      before = batch
    if before is not None:
      yield before

  def pooled(self, params, wanted: np.ndarray) -> np.ndarray:
    """Pooled vectors, float32 [len(wanted), D], of distinct item indices."""
    wanted = np.asarray(wanted)
    places = np.empty(wanted.max() + 1, np.int64)
    places[wanted] = np.arange(len(wanted))
    vectors: np.ndarray | None = None
    for batch in self.batches(params, wanted):
      outputs = np.asarray(batch.outputs)
      if vectors is None:
        vectors = np.empty((len(wanted), outputs.shape[-1]), np.float32)
      vectors[places[batch.items]] = outputs[batch.rows]
    assert vectors is not None  # Some item is wanted.
    return vectors


def encoded_once(
  make,
  *,
  catalog: Catalog,
  kind: str,
  use: str,
  width: int,
  dtype,
  cache_dir: pathlib.Path,
  display: Display,
) -> np.ndarray:
  """What an encoder gives for the whole catalog, made once, then read.

  A run that was killed goes on from the items that are done.

  Args:
    make: () -> (CatalogEncoder, params); only called if an item is left.
    catalog: N items, T tokens.
    kind: 'vectors', one row for each item, or 'hidden', one for each token.
    use: of what the outputs depend on beside the catalog.
    width: D.
    dtype: kept on disk, float32 or bfloat16.
    cache_dir: where they are kept, by fingerprint.
    display: shows the progress.

  Returns:
    [N, D] or [T, D], memory-mapped.
  """
  digest = hashlib.sha256(use.encode()).hexdigest()[:16]
  per_token = kind == 'hidden'
  count = jax.process_count()
  with ItemStore(
    cache_dir / kind / f'{digest}-{catalog.fingerprint}',
    kind,
    offsets=catalog.offsets if per_token else np.arange(len(catalog) + 1),
    width=width,
    dtype=dtype,
    wait=count == 1,  # Among several, whoever shares a disk has one writer.
    say=display.say,
  ) as store:
    # Processes may have disks of their own: what one lacks, all compute.
    done: np.ndarray = np.array(store.done, bool)
    if count > 1:
      done = np.all(multihost_utils.process_allgather(done), axis=0)
    if not done.all():
      encoder, params = make()
      what = f'encoding the catalog: {kind}'
      with display.track(what, len(done), int(done.sum())) as advance:
        for batch in encoder.batches(params, np.arange(len(done)), done):
          outputs = np.asarray(batch.outputs)
          store.write(
            batch.items,
            unfill_rows(
              outputs, batch.segments, batch.rows, encoder.items.row_segments
            )
            if per_token
            else outputs[batch.rows],
          )
          advance(int((~done[batch.items]).sum()))
  if count > 1:
    multihost_utils.sync_global_devices(f'{kind} are written')
  return store.read()
