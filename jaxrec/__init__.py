"""jaxrec: recommenders that read."""

__version__ = '0.1.0'


def load(bundle):
  """The `bundle.model.Model` in a directory that --mode=export wrote.

  Needs numpy, jax, tokenizers and safetensors, and nothing that trains.

  Args:
    bundle: the directory.

  Raises:
    UserError: it is no bundle, or not as it was written; names the file.
  """
  from jaxrec.inference.load import load

  return load(bundle)
