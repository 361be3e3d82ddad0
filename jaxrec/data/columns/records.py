"""TFDS records -> columns, once; later runs map the columns into memory."""

import pathlib
from collections.abc import Iterator

import numpy as np
import tensorflow_datasets as tfds

from jaxrec.data.columns.files import ColumnWriter, read_columns, with_texts
from jaxrec.data.columns.impressions import Impressions, read_impressions
from jaxrec.data.columns.ragged import CHUNK
from jaxrec.data.columns.sequences import Sequences
from jaxrec.data.columns.texts import Texts

FORMAT = 'columns-4'  # To be counted up when what is written changes.


def records(builder, split: str) -> Iterator[dict]:
  """A split's records in the written order, many at a time.

  Ragged features as (values, lengths); others as arrays, strings as bytes.
  """
  config = tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False)
  records = builder.as_dataset(split=split, read_config=config)
  for chunk in records.ragged_batch(CHUNK // 16).prefetch(1):
    yield {
      name: (value.values.numpy(), value.row_lengths().numpy())
      if hasattr(value, 'row_lengths')
      else value.numpy()
      for name, value in chunk.items()
    }


def item_columns(builder, directory: pathlib.Path) -> dict[str, Texts]:
  """The catalog's text columns by name, N each; cached in `directory`."""
  if not directory.is_dir():
    _write_items(builder, directory)
  return with_texts(read_columns(directory))


def impression_columns(
  builder, split: str, directory: pathlib.Path
) -> Impressions:
  """One split's impressions; cached in `directory`."""
  if not directory.is_dir():
    _write_impressions(builder, split, directory)
  return read_impressions(directory)


def sequence_columns(builder, directory: pathlib.Path) -> Sequences:
  """A SequenceBuilder's records; cached in `directory`, memory-mapped."""
  if not directory.is_dir():
    with ColumnWriter(directory) as writer:
      for chunk in records(builder, 'users'):
        writer.append_texts('user_ids', Texts.of(chunk['user_id'].tolist()))
        items, lengths = chunk['items']
        writer.append({'items': items, 'times': chunk['times'][0]})
        behaviours = chunk['behaviours'][0].astype(np.uint8)
        writer.append({'behaviours': behaviours})
        writer.append_offsets('offsets', lengths)
  return Sequences(**with_texts(read_columns(directory)))


def _write_items(builder, directory: pathlib.Path) -> None:
  with ColumnWriter(directory) as writer:
    for chunk in records(builder, 'catalog'):
      for name, values in chunk.items():
        writer.append_texts(name, Texts.of(values.tolist()))


def _write_impressions(builder, split: str, directory: pathlib.Path) -> None:
  with ColumnWriter(directory) as writer:
    for chunk in records(builder, split):
      for name in ('impression_id', 'user_id'):
        writer.append_texts(f'{name}s', Texts.of(chunk[name].tolist()))
      for name, offsets in (
        ('history', 'history_offsets'),
        ('candidates', 'candidate_offsets'),
      ):
        values, lengths = chunk[name]
        writer.append({name: values})
        writer.append_offsets(offsets, lengths)
      writer.append({'times': chunk['time'], 'labels': chunk['labels'][0]})
      if 'probabilities' in chunk:
        writer.append({'probabilities': chunk['probabilities'][0]})
