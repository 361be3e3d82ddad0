import json
import shutil

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from jaxrec.errors import UserError
from jaxrec.models.text import weights
from tests.models.conftest import CONFIG, WEIGHTS, shapes, shard


def rewrite(directory, change):
  """Rewrites the weights as change(name, array) -> {name: array} of each."""
  tensors = {}
  for name, array in load_file(directory / WEIGHTS).items():
    tensors |= change(name, array)
  save_file(tensors, directory / WEIGHTS, {'format': 'pt'})


def reconfigure(directory, **changes):
  """Sets keys of config.json; None takes one away."""
  path = directory / 'config.json'
  config = json.loads(path.read_text()) | changes
  path.write_text(
    json.dumps({k: v for k, v in config.items() if v is not None})
  )


def assert_equal(found, want):
  assert jax.tree.structure(found) == jax.tree.structure(want)
  for x, y in zip(*map(jax.tree.leaves, (found, want)), strict=True):
    assert isinstance(x, np.ndarray) and x.dtype == np.float32
    np.testing.assert_array_equal(x, y)


# --------------------------------------------------------------- round trip
def test_what_is_saved_is_loaded(saved, params):
  assert weights.bert_config(saved) == CONFIG
  assert_equal(weights.load_params(saved, params), params)


def test_device_arrays_are_saved_and_the_stack_is_cut_as_asked(
  saved, params, tmp_path
):
  weights.save_params(tmp_path / 'b', jax.tree.map(jnp.asarray, params), CONFIG)
  for trainable in (-1, 0, 1):
    a, b = (
      weights.load_params(d, shapes(trainable_layers=trainable))
      for d in (saved, tmp_path / 'b')
    )
    assert_equal(a, b)
    stacks = [a[name] for name in weights.STACKS if name in a]
    assert len(stacks) == (2 if trainable == 1 else 1)
    kernels = np.concatenate([stack['qkv']['kernel'] for stack in stacks])
    want = [params[name]['qkv']['kernel'] for name in weights.STACKS]
    np.testing.assert_array_equal(kernels, np.concatenate(want))


def test_query_key_and_value_lie_side_by_side_and_transposed(saved, params):
  kernel = params['layers']['qkv']['kernel'][1]  # The third layer's.
  tensors = load_file(saved / WEIGHTS)
  for i, name in enumerate(('query', 'key', 'value')):
    np.testing.assert_array_equal(
      tensors[f'encoder.layer.2.attention.self.{name}.weight'],
      kernel[:, i].T,
    )


def old_norm(name):
  for new, old in (('weight', 'gamma'), ('bias', 'beta')):
    name = name.replace(f'LayerNorm.{new}', f'LayerNorm.{old}')
  return name


@pytest.mark.parametrize(
  'rename', [lambda name: f'bert.{name}', old_norm], ids=['prefix', 'gamma']
)
def test_older_names(saved, params, rename):
  rewrite(saved, lambda name, x: {rename(name): x})
  assert not load_file(saved / WEIGHTS).keys() <= {
    name for name, _ in weights._parts(params, CONFIG['vocab_size'])
  }
  assert_equal(weights.load_params(saved, params), params)


def test_pooler_heads_and_buffers_are_ignored(saved, params):
  extra = {
    'pooler.dense.weight': np.ones((8, 8), np.float32),
    'cls.predictions.bias': np.ones(20, np.float32),
    'embeddings.position_ids': np.arange(9)[None],
  }
  rewrite(saved, lambda name, x: {name: x, **extra})
  assert_equal(weights.load_params(saved, params), params)


@pytest.mark.parametrize('dtype', [np.float16, ml_dtypes.bfloat16])
def test_half_precision_becomes_float32(saved, params, dtype):
  rewrite(saved, lambda name, x: {name: x.astype(dtype)})
  want = jax.tree.map(lambda x: x.astype(dtype).astype(np.float32), params)
  assert_equal(weights.load_params(saved, params), want)


def test_sharded_files(saved, params):
  shard(saved)
  assert_equal(weights.load_params(saved, params), params)


def test_fingerprint_is_of_the_bytes(saved, tmp_path):
  copy = shutil.copytree(saved, tmp_path / 'copy')
  first = weights.fingerprint(saved)
  assert len(first) == 16 and weights.fingerprint(copy) == first
  (copy / 'vocab.txt').write_text('[PAD]')
  assert weights.fingerprint(copy) == first
  reconfigure(copy, layer_norm_eps=1e-6)
  second = weights.fingerprint(copy)
  rewrite(copy, lambda name, x: {name: x + 1})
  assert len({first, second, weights.fingerprint(copy)}) == 3


# -------------------------------------------------------------- config.json
@pytest.mark.parametrize(
  'changes, message',
  [
    ({'model_type': 'roberta'}, "model_type is 'roberta'; supported: 'bert'"),
    ({'model_type': None}, 'model_type is None'),
    ({'hidden_act': 'gelu_new'}, "hidden_act is 'gelu_new'; .*'gelu'"),
    (
      {'position_embedding_type': 'relative_key'},
      "position_embedding_type is 'relative_key'; .*'absolute'",
    ),
    ({'is_decoder': True}, 'is_decoder is True; .*False'),
    (
      {'hidden_size': None, 'vocab_size': None},
      'lacks vocab_size, hidden_size',
    ),
    ({'hidden_size': '8'}, "hidden_size is '8'"),
    ({'num_hidden_layers': 0}, 'num_hidden_layers is 0'),
    ({'layer_norm_eps': 0}, 'layer_norm_eps is 0'),
    ({'num_attention_heads': 3}, '8 is no multiple of num_attention_heads 3'),
  ],
)
def test_a_config_that_bert_does_not_compute(saved, changes, message):
  reconfigure(saved, **changes)
  with pytest.raises(UserError, match=message) as caught:
    weights.bert_config(saved)
  assert str(saved / 'config.json') in str(caught.value)


def test_optional_keys_have_the_defaults_of_their_format(saved):
  reconfigure(
    saved, position_embedding_type=None, hidden_act=None, layer_norm_eps=None
  )
  assert weights.bert_config(saved) == CONFIG | {'norm_epsilon': 1e-12}


@pytest.mark.parametrize(
  'text, message',
  [('{"a": ', 'is not JSON'), ('[1]', 'holds a list'), (None, WEIGHTS)],
)
def test_a_config_that_is_no_config(saved, text, message):
  path = saved / 'config.json'
  path.unlink() if text is None else path.write_text(text)
  with pytest.raises(UserError, match=message) as caught:
    weights.bert_config(saved)
  assert 'config.json' in str(caught.value)


# ------------------------------------------------------------------ weights
@pytest.mark.parametrize(
  'change, message',
  [
    (
      lambda name, x: {} if name.endswith('1.output.dense.bias') else {name: x},
      r'lack encoder\.layer\.1\.output\.dense\.bias',
    ),
    (
      lambda name, x: {name: x[:-1] if 'layer.1.inter' in name else x},
      r'encoder\.layer\.1\.intermediate\.dense\.\w+ is \[11.*asks for \[12',
    ),
    (
      lambda name, x: {name: x.astype(np.int32) if 'word' in name else x},
      r'word_embeddings\.weight is I32; supported: .*F32',
    ),
    (
      lambda name, x: {name: x, name.replace('layer.2', 'layer.3'): x},
      r'encoder\.layer\.3\.\S+ is left over \(16 tensors',
    ),
    (
      lambda name, x: {name: x * (np.nan if 'word' in name else 1)},
      r'word_embeddings\.weight holds [\d,]+ values that are not finite',
    ),
    (
      lambda name, x: {
        name: x + (np.inf if '1.output.dense.bias' in name else 0)
      },
      r'layer\.1\.output\.dense\.bias holds .* not finite',
    ),
  ],
  ids=['missing', 'shape', 'integers', 'left over', 'NaN', 'inf'],
)
def test_tensors_that_do_not_fit(saved, params, change, message):
  rewrite(saved, change)
  with pytest.raises(UserError, match=message) as caught:
    weights.load_params(saved, params)
  assert str(saved) in str(caught.value)


@pytest.mark.parametrize(
  'damage, message',
  [
    (lambda data: data[:-10], 'truncated or no safetensors'),
    (lambda data: data[:5], 'truncated or no safetensors'),
    (lambda data: b'', 'truncated or no safetensors'),
    (lambda data: b'<!doctype html><html></html>', 'truncated or no safetens'),
    (
      lambda data: (
        b'version https://git-lfs.github.com/spec/v1\noid sha256:0\n'
      ),
      'git-lfs pointer, not the weights: run git lfs pull',
    ),
  ],
)
def test_damaged_weights(saved, params, damage, message):
  path = saved / WEIGHTS
  path.write_bytes(damage(path.read_bytes()))
  with pytest.raises(UserError, match=message) as caught:
    weights.load_params(saved, params)
  assert str(path) in str(caught.value)


def test_a_shard_or_its_index_is_missing(saved, params):
  shard(saved)
  index = saved / 'model.safetensors.index.json'
  (saved / 'model-00002-of-00002.safetensors').unlink()
  with pytest.raises(UserError, match='no model-00002-of-00002'):
    weights.load_params(saved, params)
  index.write_text('{}')
  with pytest.raises(UserError, match=r'index\.json has no weight_map'):
    weights.load_params(saved, params)
  index.unlink()
  with pytest.raises(UserError, match=f'no {WEIGHTS} in .*: it has config'):
    weights.load_params(saved, params)


def test_pickles_are_not_read(saved, params):
  (saved / WEIGHTS).rename(saved / 'pytorch_model.bin')
  with pytest.raises(UserError, match=r'a pickle can run.*save_pretrained'):
    weights.load_params(saved, params)
