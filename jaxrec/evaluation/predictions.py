"""What was predicted, as files other programs read."""

import pathlib
import zipfile
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from jaxrec.data.columns.impressions import Impressions
from jaxrec.evaluation.judged import Judged

CHUNK = 1 << 14  # Examples of a Parquet row group.


def write(
  workdir: pathlib.Path,
  stem: str,
  examples: Impressions,
  judged: Judged,
  ids: Sequence[str],
  *,
  shown: bool,
) -> pathlib.Path:
  """Writes ours: a zipped prediction.txt of impressions, Parquet of the rest.

  prediction.txt is what MIND's evaluation takes: a line an impression, its id
  and the rank of each candidate, in the order they were shown. The Parquet file
  has a row an example: user_id, items and scores (the best of the candidates,
  best first), targets and target_ranks.

  Args:
    workdir: where the file goes.
    stem: its name without the ending.
    examples: as evaluated.
    judged: ours.
    ids: of the catalog's items.
    shown: whether the candidates are those of impressions.

  Returns:
    The file.
  """
  path = workdir / f'{stem}.{"zip" if shown else "parquet"}'
  partial = path.with_name(f'{path.name}.partial')
  (_write_zip if shown else _write_parquet)(partial, examples, judged, ids)
  partial.replace(path)
  return path


def candidate_ranks(logits: np.ndarray, examples: Impressions) -> np.ndarray:
  """int64 [P], from 1: each candidate's rank in its list.

  Equal logits by item id's hash, so that no order of a file decides.
  """
  lengths = np.diff(examples.candidate_offsets)
  owners = np.repeat(np.arange(len(examples)), lengths)
  mixed = examples.candidates.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
  order = np.lexsort((mixed, -logits, owners))
  ranks = np.empty(len(order), np.int64)
  begins = np.repeat(examples.candidate_offsets[:-1], lengths)
  ranks[order] = np.arange(len(order)) - begins + 1
  return ranks


def _write_zip(
  path: pathlib.Path, examples: Impressions, judged: Judged, ids: Sequence[str]
) -> None:
  assert judged.logits is not None  # Impressions list their candidates.
  ranks = candidate_ranks(judged.logits, examples)
  with (
    zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive,
    archive.open('prediction.txt', 'w', force_zip64=True) as file,
  ):
    for i in range(len(examples)):
      listed = ','.join(map(str, ranks[examples.shown(i)].tolist()))
      file.write(f'{examples.impression_ids[i]} [{listed}]\n'.encode())


def _write_parquet(
  path: pathlib.Path, examples: Impressions, judged: Judged, ids: Sequence[str]
) -> None:
  clicked = np.asarray(examples.labels) > 0
  items, ranks = examples.candidates[clicked], judged.places.ranks()
  ends = np.concatenate([[0], np.cumsum(clicked)])[examples.candidate_offsets]
  schema = pa.schema(
    {
      'user_id': pa.string(),
      'items': pa.list_(pa.string()),
      'scores': pa.list_(pa.float32()),
      'targets': pa.list_(pa.string()),
      'target_ranks': pa.list_(pa.int64()),
    }
  )
  names = lambda items: [ids[i] for i in items.tolist()]
  with pq.ParquetWriter(path, schema) as writer:
    for begin in range(0, len(examples), CHUNK):
      rows = range(begin, min(begin + CHUNK, len(examples)))
      lists = [judged.top[i][judged.top[i] >= 0] for i in rows]
      targets = [slice(ends[i], ends[i + 1]) for i in rows]
      columns = {
        'user_id': [examples.user_ids[i] for i in rows],
        'items': [names(best) for best in lists],
        'scores': [
          judged.scores[i, : len(best)]
          for i, best in zip(rows, lists, strict=True)
        ],
        'targets': [names(items[of_example]) for of_example in targets],
        'target_ranks': [ranks[of_example] for of_example in targets],
      }
      writer.write_table(pa.table(columns, schema))
