"""Items through the encoder: each once, packed, over all devices."""

import pathlib

import jax
import numpy as np
from flax import nnx

from jaxrec.data.batching import PackedItems
from jaxrec.data.catalog import Catalog
from jaxrec.data.columns import read_columns, write_columns
from jaxrec.data.eval_batches import catalog_batches
from jaxrec.sharding import num_batch_shards, put_batch
from jaxrec.steps import make_encode_step

BATCH_TOKENS = 8192  # Of one device's share of an encoding batch.


class CatalogEncoder:
  """Encodes items with given parameters, compiled once.

  Args:
    graphdef: of an ItemEncoder.
    items: the catalog's packing.
    mesh: see `sharding`.
  """

  def __init__(self, graphdef, items: PackedItems, mesh):
    self.items = items
    self.mesh = mesh
    shards = num_batch_shards(mesh)
    self.num_rows = max(BATCH_TOKENS // items.row_tokens, 1) * shards
    self._step = jax.jit(make_encode_step(graphdef))

  def __call__(self, params, wanted: np.ndarray, advance=lambda count: None):
    """Pooled vectors, float32 [len(wanted), D], of the items `wanted`.

    Args:
      params: of the ItemEncoder.
      wanted: distinct item indices.
      advance: called with the number of items done after each batch.
    """
    wanted = np.asarray(wanted)
    places = np.empty(wanted.max() + 1, np.int64)
    places[wanted] = np.arange(len(wanted))
    vectors = None
    share = self.num_rows // jax.process_count()
    mine = slice(jax.process_index() * share, (jax.process_index() + 1) * share)
    for chunk, rows, arrays in catalog_batches(
      self.items, wanted, self.num_rows
    ):
      arrays = put_batch(tuple(x[mine] for x in arrays), self.mesh)
      pooled = np.asarray(self._step(params, *arrays))
      if vectors is None:
        vectors = np.empty((len(wanted), pooled.shape[-1]), np.float32)
      vectors[places[chunk]] = pooled[rows]
      advance(len(chunk))
    return vectors


def frozen_vectors(
  make_encoder,
  load_params,
  catalog: Catalog,
  *,
  row_tokens: int,
  row_segments: int,
  mesh,
  fingerprint: str,
  cache_dir: pathlib.Path,
  track,
) -> np.ndarray:
  """Pooled vectors of the whole catalog by a frozen encoder, computed once.

  Args:
    make_encoder: () -> ItemEncoder.
    load_params: parameters' shapes -> pretrained parameters.
    catalog: N items.
    row_tokens, row_segments: L and S of the packing.
    mesh: see `sharding`.
    fingerprint: of the weights and of how they are used.
    cache_dir: where the vectors are kept, by fingerprint.
    track: (description, total) -> a context with an `advance(count)`.

  Returns:
    float32 [N, D], memory-mapped.
  """
  directory = cache_dir / 'vectors' / f'{fingerprint}-{catalog.fingerprint}'
  if not directory.is_dir():
    graphdef, params = nnx.split(nnx.eval_shape(make_encoder), nnx.Param)
    params = jax.tree.map(
      jax.numpy.asarray, load_params(nnx.to_pure_dict(params))
    )
    items = PackedItems(catalog, row_tokens, row_segments)
    encode = CatalogEncoder(graphdef, items, mesh)
    with track('encoding the catalog', len(catalog)) as advance:
      vectors = encode(params, np.arange(len(catalog)), advance)
    write_columns(directory, {'vectors': vectors})
  return read_columns(directory)['vectors']
