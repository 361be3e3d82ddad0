"""Impressions read by an Apache Beam pipeline, shard by shard."""

import json
import pathlib
from typing import TYPE_CHECKING, Any

from jaxrec.data.readers.tally import Tally, check_some_read
from jaxrec.errors import UserError

if TYPE_CHECKING:
  from jaxrec.data.datasets.builder import Builder


def load_beam() -> Any:
  """The module apache_beam.

  Raises:
    UserError: it is not installed.
  """
  try:
    import apache_beam
  except ImportError as e:
    raise UserError(
      'reading by a Beam pipeline needs Apache Beam: pip install apache-beam'
    ) from e
  return apache_beam


def piped_split(
  beam: Any, builder: 'Builder', directory: pathlib.Path, split: str
) -> Any:
  """A Beam transform that yields one split's keys and records.

  Counts and notes of what it read become entries of the builder's metadata.

  Args:
    beam: the module apache_beam.
    builder: whose shards are read.
    directory: of the raw files.
    split: one of the builder's SPLITS.
  """
  shards = list(enumerate(builder.impression_shards(directory, split)))
  shared = builder.shared(directory)
  metadata = builder.info.metadata
  # Workers get these by value: no builder, which cannot be pickled, among them.
  name, read_shard, check = builder.name, builder.read_shard, builder.check

  def read(numbered, shared):
    number, shard = numbered
    tally = Tally()
    for example in read_shard(shard, shared, tally.note):
      tally.note(f'{split}: read')
      yield example
    yield beam.pvalue.TaggedOutput('tallies', (number, tally))

  def sum_up(tallies):
    whole = Tally()
    for _, tally in sorted(tallies, key=lambda numbered: numbered[0]):
      whole.add(tally)
    check(directory, split, whole.counts[f'{split}: read'], whole)
    check_some_read(name, split, whole)
    return whole

  @beam.ptransform_fn
  def transform(pipeline):
    context = pipeline | 'Shared' >> beam.Create([shared], reshuffle=False)
    pieces = pipeline | 'Shards' >> beam.Create(shards)  # To the workers.
    outputs = pieces | 'Read' >> beam.FlatMap(
      read, beam.pvalue.AsSingleton(context)
    ).with_outputs('tallies', main='examples')
    whole = (
      outputs.tallies
      | 'Tallies' >> beam.combiners.ToList()
      | 'Together' >> beam.Map(sum_up)
    )
    for kind in ('counts', 'notes'):
      metadata[f'{kind}_{split}'] = whole | kind >> beam.Map(
        lambda tally, kind=kind: json.dumps(getattr(tally, kind))
      )
    return outputs.examples

  return transform()
