"""The keys that the sources name are those that the classes have."""

from jaxrec.cli import known_keys
from jaxrec.cli.near_keys import SYNONYMS
from jaxrec.training.settings import Config


def test_they_are_the_same():
  keys = known_keys.keys_of_sources()
  assert keys == tuple(known_keys.keys_of_classes(Config()))
  assert keys == known_keys.known_keys()
  kinds = {known_keys.ONE, known_keys.SOME, *known_keys.PLAIN}
  assert {key.kind for key in keys} == kinds


def test_every_synonym_is_of_a_key():
  paths = {key.path for key in known_keys.keys_of_sources()}
  assert {key for keys in SYNONYMS.values() for key in keys} <= paths
