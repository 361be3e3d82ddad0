"""Data: a publisher's files -> TFDS -> columns on disk -> splits -> batches.

  datasets/  one dataset a file, and their registry
  readers/   files, line by line
  columns/   prepared data as arrays on disk
  splits/    what is learned from, and what is held out
  items/     the catalog: texts as tokens, fields as numbers
  batches/   examples, and the batches they are trained and evaluated in

`prepare.load_dataset` makes the `dataset.Dataset` that a config names.
"""
