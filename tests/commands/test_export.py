"""What is exported is what was trained, whatever of it was trained."""

import json
import pathlib
import subprocess
import sys
import types

import jax
import numpy as np
import pytest
from flax import nnx

import jaxrec
from jaxrec import workdirs
from jaxrec.commands import bundle_files, export
from jaxrec.commands.bundle_functions import whole_text_model
from jaxrec.console import Display
from jaxrec.errors import UserError
from jaxrec.models.text import weights
from jaxrec.models.text.bert import Bert
from jaxrec.training.experiment import Experiment
from jaxrec.training.state import merge_params
from jaxrec.training.validation import Validated
from tests import bundles

ROOT = pathlib.Path(__file__).parents[2]
# Not among what a bundle needs.
HEAVY = [
  *('tensorflow', 'tensorflow_datasets', 'tensorboard', 'flax', 'optax'),
  *('orbax', 'ml_collections', 'absl', 'rich', 'pyarrow', 'flatbuffers'),
  *('transformers', 'clu', 'jinja2', 'plotly'),
]
ALONE = """
import sys
class Refuse:
  def find_spec(self, name, path=None, target=None):
    if name.split('.')[0] in HEAVY:
      raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Refuse())
import jaxrec
model = jaxrec.load(sys.argv[1])
model.add_items([{'item_id': 'x', 'text': 'x'}])
history = [*model.item_ids[:2], {'text': 'y'}]
best = model.recommend(history, k=3, explain=True)
print(*(x.item_id for x in best))
assert model.score(history, ['x'])
"""


def test_a_tuned_layer_from_eight_devices(sharded):
  """Sharded, cached prefix: new texts are encoded by what was trained."""
  config, workdir, bundle = sharded
  model = jaxrec.load(bundle)
  before = np.asarray(model._index.table)
  model.add_items([model.item(i).fields for i in model.item_ids])
  np.testing.assert_allclose(np.asarray(model._index.table), before, atol=1e-5)
  experiment = Experiment.from_config(config, Display(quiet=True))
  with jax.set_mesh(experiment.mesh):
    state, frozen = experiment.init()
    shards = [x.sharding.spec for x in jax.tree.leaves(state.params['encoder'])]
    assert any('fsdp' in str(spec) for spec in shards)
    chosen = experiment.restore_chosen(workdir, state)
    examples = experiment.dataset.test
    logits = experiment.judge.scorer(chosen.params, frozen).pairs(examples)
  ids = experiment.dataset.items['item_id']
  names = lambda items: [ids[int(x)] for x in items]
  for i in range(0, len(examples), 7):
    history = examples.history_of(i, len(examples.history))
    found = model.score(
      names(history), names(examples.candidates[examples.shown(i)])
    )
    np.testing.assert_allclose(
      [x.logit for x in found], logits[examples.shown(i)], atol=1e-5
    )


@pytest.mark.parametrize(
  'changes',
  [
    {'model.text.trainable_layers': 0},
    {'model.text.trainable_layers': 1},
    {'model.text.trainable_layers': 1, 'model.text.prefix_cache': 'none'},
    {'model.text.trainable_layers': 2},
    {'model.text.trainable_layers': -1},
  ],
  ids=str,
)
def test_the_encoder_is_whole(experiment_of, changes, tmp_path):
  """Trained parts over pretrained ones, in a directory of Hugging Face."""
  experiment = experiment_of(**changes)
  rng = np.random.default_rng(0)
  with jax.set_mesh(experiment.mesh):
    state, frozen = experiment.init()
    params = jax.tree.map(
      lambda x: np.asarray(x) + rng.normal(0, 0.1, x.shape).astype(np.float32),
      state.params,
    )
    trained = bundle_files.Trained(
      1,
      merge_params(params, jax.tree.map(np.asarray, frozen)),
      np.zeros((1, 1)),
      None,
      {},
      {},
      {},
      Validated({}, 0.0, None),
      popularity=np.zeros(1),
      half_life=1.0,
    )
    bundle_files._write_encoder(experiment, trained, tmp_path)
    if experiment.encoder.frozen:
      wanted = np.asarray(experiment.encoder.vectors[:4])
    else:
      encoder = trained.params['encoder']
      wanted = experiment.encoder.catalog_encoder.pooled(encoder, np.arange(4))
  assert weights.bert_config(tmp_path) == experiment.encoder.sizes
  bert = nnx.eval_shape(lambda: whole_text_model(experiment.encoder))
  loaded = weights.load_params(
    tmp_path, nnx.to_pure_dict(nnx.state(bert, nnx.Param))
  )
  graphdef, _ = nnx.split(bert)
  catalog = experiment.catalog
  for item in range(4):
    tokens = catalog.tokens[slice(*catalog.offsets[item : item + 2])][None]
    ones = np.ones_like(tokens)
    hidden = nnx.merge(graphdef, loaded)(
      tokens, np.arange(tokens.shape[1])[None], ones
    )
    np.testing.assert_allclose(hidden.mean(1)[0], wanted[item], atol=1e-5)


def test_torch_reads_the_encoder(sharded):
  """transformers' own BertModel gives the same hidden states."""
  torch = pytest.importorskip('torch')
  transformers = pytest.importorskip('transformers')
  directory = sharded[2] / 'encoder'
  theirs, info = transformers.BertModel.from_pretrained(
    directory, output_loading_info=True, add_pooling_layer=False
  )
  assert not info['missing_keys'] and not info['unexpected_keys']
  tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
  tokens = tokenizer('Rain on the coast', return_tensors='np')['input_ids']
  with torch.no_grad():
    wanted = theirs.eval()(torch.tensor(tokens)).last_hidden_state.numpy()
  sizes = weights.bert_config(directory)
  bert = Bert(**sizes, rngs=nnx.Rngs(0))
  graphdef, state = nnx.split(bert)
  loaded = weights.load_params(directory, nnx.to_pure_dict(state))
  found = nnx.merge(graphdef, loaded)(
    tokens, np.arange(tokens.shape[1])[None], np.ones_like(tokens)
  )
  np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize(
  'kind', ['shop', pytest.param('sharded', marks=pytest.mark.slow)]
)
def test_only_four_packages_are_needed(request, kind):
  bundle = request.getfixturevalue(kind)[2]
  done = subprocess.run(
    [sys.executable, '-c', f'HEAVY = {HEAVY}\n{ALONE}', str(bundle)],
    cwd=ROOT,
    capture_output=True,
    text=True,
    timeout=100,
  )
  assert done.returncode == 0, done.stderr
  model = jaxrec.load(bundle)
  model.add_items([{'item_id': 'x', 'text': 'x'}])
  history = [*model.item_ids[:2], {'text': 'y'}]
  wanted = [x.item_id for x in model.recommend(history, k=3)]
  assert done.stdout.split() == wanted


def test_no_pickle_and_all_platforms(shop):
  bundle = shop[2]
  files = {p.relative_to(bundle) for p in bundle.rglob('*') if p.is_file()}
  assert {p.suffix for p in files} <= {'.json', '.safetensors', '.mlir', '.txt'}
  for path in (bundle / 'functions').glob('*.json'):
    told = json.loads(path.read_text())
    assert told['platforms'] == ['cpu', 'cuda', 'tpu'], path


def test_manifest(shop):
  config, _, bundle = shop
  manifest = jaxrec.load(bundle).manifest
  experiment = Experiment.from_config(config, Display(quiet=True))
  assert manifest['fingerprints'] == experiment.fingerprints
  assert manifest['num_items'] == len(experiment.catalog)
  assert manifest['versions']['jax'] == jax.__version__
  assert manifest['calibration']['on'].startswith('validation: targets')
  assert manifest['calibration']['kind'] == 'softmax'
  assert manifest['threshold'] is None  # Nobody was shown a list.
  assert json.loads((bundle / 'config.json').read_text()) == json.loads(
    json.dumps(workdirs.plain(experiment.config.to_dict()))
  )


def test_mistakes_are_one_line(shop, tmp_path):
  config, workdir, _ = shop
  other = tmp_path / 'other'
  other.mkdir()
  (other / 'mine.txt').write_text('mine')
  with pytest.raises(UserError, match='other things than a bundle'):
    export.export_workdir(config, workdir, other)
  with pytest.raises(UserError, match='train there first'):
    export.export_workdir(config, tmp_path / 'none', tmp_path / 'b')
  changed = config.copy_and_resolve_references()
  changed.model.terms.text.scale = 7.0
  with pytest.raises(UserError, match=r'run: model\.terms\.text\.scale'):
    export.export_workdir(changed, workdir, tmp_path / 'b')
  assert [p.name for p in tmp_path.iterdir()] == ['other']


def test_an_unfinished_training_is_told(shop, tmp_path):
  lines = bundles.said['shop'].splitlines()
  (line,) = [line for line in lines if 'note: the training' in line]
  assert 'is not finished: the bundle is of its best step so far' in line
  experiment = types.SimpleNamespace(
    schedule=types.SimpleNamespace(num_steps=4)
  )
  for train in ({}, {'steps': 2}, {'steps': 4}):
    workdirs.write_json(tmp_path / 'results.json', {'train': train})
    finished = export._is_finished(experiment, tmp_path)
    assert finished == (train == {'steps': 4})
