"""The steps that encode a catalog: pure functions, jitted by their callers."""

from flax import nnx

from jaxrec.parallel.sharding import replicate


def make_encode_step(graphdef):
  """(params, inputs, positions, segments) -> pooled float32 [R * S, D].

  `graphdef` and `params` are an ItemEncoder's, and so are the arguments.
  """

  def encode_step(params: dict, inputs, positions, segments):
    encoder = nnx.merge(graphdef, params)
    return replicate(encoder(inputs, positions, segments))

  return encode_step


def make_prefix_step(graphdef):
  """(params, tokens, positions, segments) -> hidden states [R, L, D].

  Of the layers that do not train; arguments as in `make_encode_step`.
  """

  def prefix_step(params: dict, tokens, positions, segments):
    encoder = nnx.merge(graphdef, params)
    return replicate(encoder.bert.prefix(tokens, positions, segments))

  return prefix_step
