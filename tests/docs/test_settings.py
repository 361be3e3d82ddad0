"""The page of the settings says what the dataclasses say, of every key."""

import dataclasses
import importlib.util
import types

import pytest
from flax.traverse_util import flatten_dict

from jaxrec import config
from jaxrec.models.terms import TERMS
from jaxrec.training.settings import Config
from tests.docs import pages


@pytest.fixture(scope='module')
def hooks():
  """docs/hooks.py, as mkdocs imports it: by its path."""
  spec = importlib.util.spec_from_file_location(
    'docs_hooks', pages.ROOT / 'docs' / 'hooks.py'
  )
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module


@dataclasses.dataclass(frozen=True)
class Base:
  """What all have.

  Attributes:
    shared: of all; 'a|b'.
  """

  shared: str = ''


@dataclasses.dataclass(frozen=True)
class Part(Base):
  """One part.

  Attributes:
    own: its own, over
      two lines.
  """

  type = 'part'
  own: int = 3


@dataclasses.dataclass(frozen=True)
class Undescribed(Base):
  """Nothing is said of what it has."""

  silent: int = 0


KINDS = {'part': types.SimpleNamespace(Config=Part, __doc__='A kind.\nMore.')}


@dataclasses.dataclass(frozen=True)
class Whole:
  """All of it.

  Attributes:
    seed: of draws.
  """

  seed: int = 0
  kind: Part = config.one_of(KINDS, 'part')
  kinds: config.Parts = config.some_of(KINDS)


def test_a_table_for_each_section_and_part(hooks):
  text = hooks.settings(Whole)
  assert '| `seed` | `0` | Of draws. |' in text
  assert '| `kind.type` | `part` | One of `part` |' in text
  assert '### `kind.type=part`\n\nA kind.\n' in text
  assert r"| `kind.shared` | `''` | Of all; 'a\|b'. |" in text
  assert '| `kind.own` | `3` | Its own, over two lines. |' in text
  assert '### `kinds.part`\n\nA kind. Absent by default.\n' in text
  with pytest.raises(ValueError, match='silent is not described'):
    hooks.described(Undescribed)


def test_every_key_is_on_the_page(hooks):
  """And those of terms that are absent by default."""
  text = hooks.settings(Config)
  keys = flatten_dict(config.to_mapping(Config()), sep='.')
  for name, term in TERMS.items():
    keys |= flatten_dict(
      {f'model.terms.{name}': config.to_mapping(term.Config())}, sep='.'
    )
  assert len(keys) > 60
  for key in keys:
    part = key.rpartition('.')[0]
    assert f'| `{key}` |' in text or f'### `{part}`' in text, key


def test_the_mark_is_replaced_where_it_stands(hooks):
  page = (pages.ROOT / 'docs' / 'settings.md').read_text(encoding='utf8')
  made = hooks.on_page_markdown(page)
  assert '| `training.num_steps` | `1000` |' in made
  assert hooks.on_page_markdown('# Other\n') == '# Other\n'


@pytest.mark.parametrize(
  ('html', 'is_fetched'),
  [
    ('<script src="https://a.org/x.js"></script>', True),
    ('<link rel="stylesheet" href="https://a.org/x.css">', True),
    ('<img alt="" src="http://a.org/x.png">', True),
    ('<a href="https://a.org">there</a>', False),
    ('<link rel="stylesheet" href="assets/x.css">', False),
    ('<link rel="canonical" href="https://a.org/">', False),
  ],
)
def test_a_page_that_needs_the_network_is_told(hooks, caplog, html, is_fetched):
  source = types.SimpleNamespace(src_uri='index.md')
  page = types.SimpleNamespace(file=source)
  assert hooks.on_post_page(html, page=page) == html
  assert ('index.md loads http' in caplog.text) == is_fetched
