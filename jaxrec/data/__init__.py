"""Datasets: files -> TFDS -> index pipeline -> packed batches."""
