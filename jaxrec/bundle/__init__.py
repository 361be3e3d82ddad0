"""Bundles: a trained model as files, and what reads and asks them.

All modules here import numpy, jax, tokenizers and safetensors alone, and those
modules of jaxrec that import no more either; `jaxrec.export` writes bundles.
"""
