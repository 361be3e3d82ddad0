"""A small BERT with random weights, in memory and in files."""

import json

import jax
import numpy as np
import pytest
from flax import nnx
from safetensors.numpy import load_file, save_file

from jaxrec.models.text import weights
from jaxrec.models.text.bert import Bert

CONFIG = dict(
  vocab_size=20,
  max_positions=9,
  num_types=2,
  width=8,
  mlp_width=12,
  num_heads=2,
  num_layers=3,
  norm_epsilon=1e-7,
)
WEIGHTS = 'model.safetensors'


def shapes(**kwargs):
  """A Bert's params as ShapeDtypeStructs."""
  make = lambda: Bert(**CONFIG | kwargs, rngs=nnx.Rngs(0))
  return nnx.to_pure_dict(nnx.state(nnx.eval_shape(make), nnx.Param))


@pytest.fixture
def params():
  """Random params, one layer frozen and two trained."""
  rng = np.random.default_rng(0)
  draw = lambda x: rng.normal(size=x.shape).astype(np.float32)
  params = jax.tree.map(draw, shapes(trainable_layers=2))
  params['embeddings']['tokens']['embedding'][CONFIG['vocab_size'] :] = 0
  return params


@pytest.fixture
def saved(params, tmp_path):
  """A Hugging Face directory with `params`."""
  weights.save_params(tmp_path / 'bert', params, CONFIG)
  return tmp_path / 'bert'


def shard(directory):
  """Deals the tensors over two files and an index."""
  tensors = load_file(directory / WEIGHTS)
  (directory / WEIGHTS).unlink()
  files = {
    name: f'model-{i % 2 + 1:05}-of-00002.safetensors'
    for i, name in enumerate(tensors)
  }
  for file in set(files.values()):
    part = {name: x for name, x in tensors.items() if files[name] == file}
    save_file(part, directory / file)
  index = directory / 'model.safetensors.index.json'
  index.write_text(json.dumps({'metadata': {}, 'weight_map': files}))
