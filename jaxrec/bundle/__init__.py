"""Bundles: a trained model as files.

What reads them (here and in `inference`) imports numpy, jax, tokenizers and
safetensors alone, and those modules of jaxrec that import no more either;
`commands.export` writes them.
"""
