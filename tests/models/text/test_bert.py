import functools
import importlib.util
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxrec.errors import UserError
from jaxrec.models.text import bert as bert_lib
from jaxrec.models.text import hub, weights

TINY = dict(
  vocab_size=60,
  max_positions=32,
  num_types=2,
  width=16,
  mlp_width=24,
  num_heads=4,
  num_layers=2,
)
GOLDENS = pathlib.Path(__file__).parent / 'goldens' / 'minilm.npz'
needs_minilm = pytest.mark.skipif(
  importlib.util.find_spec(hub.ALIASES['minilm'][0]) is None,
  reason="pip install 'jaxrec[demo]'",
)


@functools.cache
def abstract(**kwargs):
  """graphdef and shapes of params of a Bert that is never computed."""
  make = lambda: bert_lib.Bert(**kwargs, rngs=nnx.Rngs(0))
  graphdef, params = nnx.split(nnx.eval_shape(make), nnx.Param)
  return graphdef, nnx.to_pure_dict(params)


def split(**kwargs):
  """graphdef and pure dict of random params, biases and norms included."""
  graphdef, params = abstract(**TINY | kwargs)
  rng = np.random.default_rng(0)

  def draw(path, leaf):
    is_scale = path[-1].key == 'scale'
    return np.float32(is_scale + 0.3 * rng.normal(size=leaf.shape))

  return graphdef, jax.tree.map_with_path(draw, params)


def recut(params, num_frozen):
  """The same weights, the lowest `num_frozen` layers in the frozen stack."""
  stacks = [params[name] for name in weights.STACKS if name in params]
  whole = jax.tree.map(lambda *xs: np.concatenate(xs), *stacks)
  cut = {'embeddings': params['embeddings']}
  if num_frozen:
    cut['frozen_layers'] = jax.tree.map(lambda x: x[:num_frozen], whole)
  if num_frozen < TINY['num_layers']:
    cut['layers'] = jax.tree.map(lambda x: x[num_frozen:], whole)
  return cut


@functools.partial(jax.jit, static_argnums=0)
def run(graphdef, params, rows, key=None):
  return nnx.merge(graphdef, params)(*rows, key=key)


@functools.partial(jax.jit, static_argnums=3)
def pool(hidden, positions, segments, num):
  return (
    bert_lib.segment_mean(hidden, segments, num),
    bert_lib.segment_first(hidden, segments, positions, num),
  )


def lay_out(shape, texts, places):
  """tokens, positions, segments with text i at places[i] = row, start, segment.

  Padding holds arbitrary tokens, which nothing may read.
  """
  tokens = np.random.default_rng(9).integers(0, 60, shape, np.int32)
  positions, segments = np.zeros((2, *shape), np.int32)
  for text, (row, start, segment) in zip(texts, places, strict=True):
    where = row, slice(start, start + len(text))
    tokens[where], positions[where] = text, np.arange(len(text))
    segments[where] = segment
  return tokens, positions, segments


def texts_of(lengths, seed=0):
  rng = np.random.default_rng(seed)
  return [rng.integers(0, TINY['vocab_size'], n) for n in lengths]


def places_of(shape, lengths, seed):
  """Random places that do not overlap, with gaps and any segment numbers."""
  rng = np.random.default_rng(seed)
  rows = rng.permutation(np.arange(len(lengths)) % shape[0])
  places = [None] * len(lengths)
  for row in range(shape[0]):
    inside = rng.permutation(np.flatnonzero(rows == row))
    spare = shape[1] - sum(lengths[i] for i in inside)
    numbers = rng.permutation(np.arange(1, len(lengths) + 1))
    start = 0
    for i, segment in zip(inside, numbers, strict=False):
      gap = rng.integers(0, spare + 1)
      places[i] = int(row), int(start + gap), int(segment)
      start, spare = start + gap + lengths[i], spare - gap
  return places


def states_of(hidden, texts, places):
  return [
    np.asarray(hidden[row, start : start + len(text)])
    for text, (row, start, _) in zip(texts, places, strict=True)
  ]


def test_a_text_is_the_same_alone_and_packed_at_any_place():
  lengths = [5, 1, 9, 3, 7, 2]
  texts = texts_of(lengths)
  graphdef, params = split()

  def both(shape, places):
    rows = lay_out(shape, texts, places)
    hidden = run(graphdef, params, rows)
    row, _, segment = np.asarray(places).T
    pooled = [x[row, segment - 1] for x in pool(hidden, *rows[1:], len(texts))]
    return states_of(hidden, texts, places), pooled

  alone, pooled_alone = both((6, 9), [(i, 0, 1) for i in range(6)])
  means = np.stack([x.mean(0) for x in alone])
  np.testing.assert_allclose(pooled_alone[0], means, atol=1e-5)
  np.testing.assert_array_equal(pooled_alone[1], [x[0] for x in alone])
  for seed in range(4):
    places = places_of((2, 20), lengths, seed)
    packed, pooled = both((2, 20), places)
    for x, y in zip(alone, packed, strict=True):
      np.testing.assert_allclose(x, y, atol=1e-5)
    np.testing.assert_allclose(pooled, pooled_alone, atol=1e-5)


def test_longer_rows_change_nothing():
  texts = texts_of([4, 6])
  places = [(0, 0, 1), (0, 4, 2)]
  graphdef, params = split()
  short, long = (
    states_of(
      run(graphdef, params, lay_out((1, length), texts, places)), texts, places
    )
    for length in (10, 20)
  )
  for x, y in zip(short, long, strict=True):
    np.testing.assert_allclose(x, y, atol=1e-5)


def test_neighbours_change_a_text_not_by_one_bit():
  lengths = [5, 6, 4]
  places = [(0, 0, 3), (0, 6, 1), (0, 13, 2)]
  graphdef, params = split()
  texts, others = texts_of(lengths), texts_of(lengths, seed=1)
  others[1] = texts[1]
  before, after = (
    states_of(run(graphdef, params, lay_out((1, 20), t, places)), t, places)
    for t in (texts, others)
  )
  np.testing.assert_array_equal(before[1], after[1])
  for i in (0, 2):
    assert np.abs(before[i] - after[i]).max() > 0.1


@pytest.fixture(scope='module')
def rows():
  lengths = [8, 3, 7, 5]
  return lay_out((2, 13), texts_of(lengths), places_of((2, 13), lengths, 0))


@pytest.mark.parametrize('trainable', [-1, 0, 1, 2])
def test_cuts_give_the_same_output_and_only_the_top_has_a_gradient(
  rows, trainable
):
  whole, params = split()
  graphdef, _ = split(trainable_layers=trainable)
  num_frozen = 0 if trainable == -1 else TINY['num_layers'] - trainable
  cut = recut(params, num_frozen)

  def loss(params):
    hidden = run(graphdef, params, rows)
    return jnp.sum(jnp.sin(hidden)), hidden

  grads, hidden = jax.jit(jax.grad(loss, has_aux=True))(cut)
  np.testing.assert_allclose(hidden, run(whole, params, rows), atol=1e-6)
  trained = {'layers'} | ({'embeddings'} if trainable == -1 else set())
  for name, grad in grads.items():
    moves = [bool(np.any(g)) for g in jax.tree.leaves(grad)]
    assert moves == [name in trained] * len(moves), name


def test_gelus_derivative_is_that_of_jax():
  x = jnp.linspace(-6, 6, 101)
  exact = functools.partial(jax.nn.gelu, approximate=False)
  ours, theirs = (
    jax.vmap(jax.value_and_grad(f)) for f in (bert_lib.gelu, exact)
  )
  for found, wanted in zip(ours(x), theirs(x), strict=True):
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def gradient(rows, **kwargs):
  """Gradient of some function of all hidden states, and these."""
  graphdef, params = split(**kwargs)

  def loss(params):
    hidden = nnx.merge(graphdef, params)(*rows, key=jax.random.key(3))
    return jnp.sum(jnp.sin(hidden))

  return jax.jit(jax.value_and_grad(loss))(params)


@pytest.fixture(scope='module')
def plain_gradient(rows):
  return gradient(rows, dropout_rate=0.3)


@pytest.mark.parametrize(
  'changes',
  [
    {'remat': 'none'},
    {'remat': 'full'},
    {'unroll': 2},
    {'attention': 'xla'},
  ],
  ids=str,
)
def test_how_it_is_computed_changes_neither_output_nor_gradient(
  rows, plain_gradient, changes
):
  found = gradient(rows, dropout_rate=0.3, **changes)
  jax.tree.map(
    lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-4),
    found,
    plain_gradient,
  )


@pytest.mark.parametrize('changes', [{'remat': 'dot'}, {'attention': 'xl'}])
def test_a_misspelt_choice_is_an_error(changes):
  with pytest.raises(UserError, match=f'model.text.{next(iter(changes))}'):
    split(**changes)


@pytest.mark.parametrize('trainable', [0, 1, 2])
def test_the_suffix_alone_goes_on_from_the_prefix(rows, trainable):
  graphdef, params = split(trainable_layers=trainable)
  hidden = nnx.merge(graphdef, params).prefix(*rows)
  above, shapes = abstract(**TINY, trainable_layers=trainable, has_prefix=False)
  rest = {name: params[name] for name in shapes}
  assert not rest.keys() & {'embeddings', 'frozen_layers'}
  np.testing.assert_allclose(
    nnx.merge(above, rest)(hidden, *rows[1:]),
    run(graphdef, params, rows),
    atol=1e-6,
  )


def test_dropout_is_decided_by_the_key_and_spares_the_frozen_part(rows):
  graphdef, params = split(dropout_rate=0.5, trainable_layers=1)
  params = recut(params, 1)
  a, b = jax.random.key(0), jax.random.key(1)
  out = [run(graphdef, params, rows, key) for key in (a, a, b)]
  np.testing.assert_array_equal(out[0], out[1])
  assert not np.allclose(out[0], out[2])

  frozen, _ = split(dropout_rate=0.5, trainable_layers=0)
  params = recut(params, 2)
  np.testing.assert_array_equal(
    run(frozen, params, rows, a), run(frozen, params, rows)
  )


def test_dropout_keeps_the_mean():
  x = bert_lib.dropout(
    jnp.ones((200, 200)), 0.25, jax.random.split(jax.random.key(0), 200)
  )
  np.testing.assert_allclose(np.unique(x), [0, 1 / 0.75], rtol=1e-6)
  np.testing.assert_allclose(x.mean(), 1, atol=0.02)


def test_a_rows_dropout_does_not_depend_on_the_rows_beside_it():
  keys = jax.random.split(jax.random.key(0), 6)
  x = jnp.ones((6, 5, 7))  # An odd width: two elements share a word.
  whole = bert_lib.dropout(x, 0.5, keys)
  np.testing.assert_array_equal(
    whole[2:4], bert_lib.dropout(x[2:4], 0.5, keys[2:4])
  )
  assert len({row.tobytes() for row in np.asarray(whole)}) == 6


def test_layer_norm_and_its_derivative_are_those_of_flax():
  x, dy = jax.random.normal(jax.random.key(0), (2, 3, 4, 8))
  scale, bias = jax.random.normal(jax.random.key(1), (2, 8))

  def reference(x, scale, bias):
    options = {'epsilon': 1e-6, 'use_fast_variance': False}
    norm = nnx.LayerNorm(8, **options, rngs=nnx.Rngs(0))
    norm.scale[...], norm.bias[...] = scale, bias
    return norm(x)

  ours = lambda *args: bert_lib.layer_norm(*args, 1e-6)
  found, wanted = (jax.vjp(f, x, scale, bias) for f in (ours, reference))
  np.testing.assert_allclose(found[0], wanted[0], atol=1e-5)
  for a, b in zip(found[1](dy), wanted[1](dy), strict=True):
    np.testing.assert_allclose(a, b, atol=1e-5)


def test_each_layer_drops_out_by_its_own_key():
  graphdef, params = split(dropout_rate=0.5)
  x = np.ones((1, 4, TINY['width']), np.float32)
  segments = np.ones((1, 4), np.int32)
  keys = jax.random.split(jax.random.key(0), 2)
  rows_keys = lambda key: jax.random.fold_in(key, 0)[None]

  @jax.jit
  def both(params):
    layers = nnx.merge(graphdef, params).layers
    y = x
    for i in range(2):
      y = jax.tree.map(lambda a, i=i: a[i], layers)(
        y, segments, rows_keys(keys[i])
      )
    key = jax.random.key(0)
    scanned = bert_lib.scan_layers(
      layers, x, segments, key, 2, remat='dots', unroll=1
    )
    return scanned, y

  np.testing.assert_allclose(*both(params), atol=1e-5)


def test_segment_mean_is_zero_where_a_segment_is_absent():
  x = jnp.asarray(np.random.default_rng(0).normal(size=(1, 6, 4)), jnp.float32)
  segments = jnp.asarray([[3, 3, 0, 1, 1, 1]])
  positions = jnp.asarray([[0, 1, 0, 0, 1, 2]])
  mean, first = pool(x, positions, segments, 3)
  zero = np.zeros(4)
  want = [x[0, 3:].mean(0), zero, x[0, :2].mean(0)]
  np.testing.assert_allclose(mean[0], want, atol=1e-6)
  np.testing.assert_array_equal(first[0], [x[0, 3], zero, x[0, 0]])


def test_bfloat16_is_near_float32(rows):
  graphdef, params = split()
  exact = run(graphdef, params, rows)
  graphdef, _ = split(dtype=jnp.bfloat16)
  near = run(graphdef, params, rows)
  assert near.dtype == jnp.bfloat16
  mean = bert_lib.segment_mean(near, jnp.asarray(rows[2]), 4)
  assert mean.dtype == jnp.float32
  near = np.asarray(near, np.float32)
  error = np.abs(near - exact)[rows[2] > 0]
  scale = np.asarray(exact).std()
  assert 0 < error.max() < 0.1 * scale and error.mean() < 0.02 * scale


@pytest.mark.parametrize(
  'kwargs, message',
  [
    ({'num_heads': 3}, '16 is no multiple of 3'),
    ({'trainable_layers': 3}, r'is 3; .* 2 layers: give 0\.\.2'),
    ({'trainable_layers': -2}, r'is -2; .*-1 for all'),
  ],
)
def test_bad_arguments(kwargs, message):
  with pytest.raises(UserError, match=message):
    bert_lib.Bert(**TINY | kwargs, rngs=nnx.Rngs(0))


# ------------------------------------------- against the reference in PyTorch
def load(directory, **kwargs):
  """graphdef and params of the BERT in `directory`."""
  graphdef, params = abstract(**weights.bert_config(directory), **kwargs)
  return graphdef, weights.load_params(directory, params)


def packed_hidden(graphdef, params, texts, shape):
  """Hidden states of `texts`, packed in rows, end to end."""
  places = places_of(shape, [len(t) for t in texts], 0)
  hidden = run(graphdef, params, lay_out(shape, texts, places))
  return np.concatenate(states_of(hidden, texts, places))


@needs_minilm
def test_minilm_equals_the_recorded_reference():
  goldens = np.load(GOLDENS)
  texts = np.split(goldens['tokens'], np.cumsum(goldens['lengths'])[:-1])
  graphdef, params = load(hub.resolve('minilm'), trainable_layers=2)
  hidden = packed_hidden(graphdef, params, texts, (3, 48))
  np.testing.assert_allclose(hidden, goldens['hidden'], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
  'which', ['tiny', 'ours', pytest.param('minilm', marks=needs_minilm)]
)
def test_live_reference(which, tmp_path):
  torch = pytest.importorskip('torch')
  transformers = pytest.importorskip('transformers')
  torch.manual_seed(0)
  directory = tmp_path
  if which == 'minilm':
    directory = hub.resolve('minilm')
  elif which == 'ours':
    _, params = split()
    weights.save_params(directory, params, TINY | {'norm_epsilon': 1e-5})
  else:
    config = transformers.BertConfig(
      vocab_size=60,
      max_position_embeddings=40,
      hidden_size=32,
      intermediate_size=48,
      num_attention_heads=4,
      num_hidden_layers=3,
      initializer_range=0.3,
      layer_norm_eps=1e-5,
    )
    model = transformers.BertModel(config)
    with torch.no_grad():  # Biases and norms start at 0 and 1: hide no mix-up.
      for p in model.parameters():
        p.add_(0.1 * torch.randn_like(p))
    model.save_pretrained(directory)
  model = transformers.BertModel.from_pretrained(
    directory, add_pooling_layer=False
  ).eval()
  lengths = [12, 3, 1, 20, 7, 16]
  texts = texts_of(lengths)
  tokens = np.zeros((len(texts), 20), np.int64)
  mask = np.arange(20) < np.asarray(lengths)[:, None]
  tokens[mask] = np.concatenate(texts)
  with torch.inference_mode():
    want = model(
      torch.asarray(tokens),
      attention_mask=torch.asarray(mask.astype(np.int64)),
      token_type_ids=torch.zeros(tokens.shape, dtype=torch.int64),
    ).last_hidden_state.numpy()[mask]
  graphdef, params = load(directory, trainable_layers=1)
  found = packed_hidden(graphdef, params, texts, (2, 40))
  np.testing.assert_allclose(found, want, rtol=0, atol=1e-5)
