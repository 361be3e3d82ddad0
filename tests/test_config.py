"""Config sections: made of what users write, and written as they are."""

import dataclasses
from typing import Any, ClassVar

import pytest

from jaxrec import presets
from jaxrec.config import (
  Choice,
  choices_of,
  from_mapping,
  one_of,
  some_of,
  to_mapping,
)
from jaxrec.errors import UserError, at_least
from jaxrec.training.settings import Config


@dataclasses.dataclass(frozen=True)
class Drum:
  type: ClassVar[str] = 'drum'
  size: int = 14

  def __post_init__(self):
    at_least(self, size=1)


@dataclasses.dataclass(frozen=True)
class Tuning:
  pitch: float = 440.0


@dataclasses.dataclass(frozen=True)
class Flute:
  type: ClassVar[str] = 'flute'
  tuning: Tuning = dataclasses.field(default_factory=Tuning)
  silver: bool = False


class Part:
  def __init__(self, config: Any):
    self.Config = config


PARTS = {'drum': Part(Drum), 'flute': Part(Flute)}


@dataclasses.dataclass(frozen=True)
class Stage:
  lead: Any = one_of(PARTS, 'drum')
  others: Any = some_of(PARTS, 'flute')


@dataclasses.dataclass(frozen=True)
class Concert:
  name: str = 'spring'
  stage: Stage = dataclasses.field(default_factory=Stage)


def test_what_is_missing_has_its_default():
  assert from_mapping(Concert, {}) == Concert()
  made = from_mapping(
    Concert,
    {
      'stage': {
        'lead': {'type': 'flute', 'tuning': {'pitch': 442}},
        'others': {'flute': {}, 'drum': {'size': 8}},
      }
    },
  )
  assert made.stage.lead == Flute(Tuning(442.0))
  assert isinstance(made.stage.lead.tuning.pitch, float)  # 442 serves as well.
  assert made.stage.others == {'drum': Drum(8), 'flute': Flute()}
  assert list(made.stage.others) == ['drum', 'flute']  # As in the registry.


def test_a_mapping_makes_the_same_section_again():
  concert = Concert(stage=Stage(Flute(Tuning(415.0), True), {'drum': Drum(3)}))
  values = to_mapping(concert)
  assert values == {
    'name': 'spring',
    'stage': {
      'lead': {'type': 'flute', 'tuning': {'pitch': 415.0}, 'silver': True},
      'others': {'drum': {'size': 3}},
    },
  }
  assert from_mapping(Concert, values) == concert


@pytest.mark.parametrize(
  'preset',
  [f'{name}:{v}' for name in presets.files() for v in presets.variants(name)],
)
def test_every_preset_is_written_as_it_is_read(preset):
  config = presets.get_config(preset)
  section = Config.from_dict(config)
  assert section.to_dict() == config.to_dict()
  assert Config.from_dict(section.to_dict()) == section
  assert Config.of(section) is section and Config.of(config) == section


def test_places_that_parts_are_chosen_for():
  assert choices_of(Concert) == {
    'stage.lead': Choice(PARTS, several=False),
    'stage.others': Choice(PARTS, several=True),
  }
  assert list(choices_of(Config)) == [
    *('model.head', 'model.terms'),
    *('ensemble', 'objectives', 'tracking'),
  ]


@pytest.mark.parametrize(
  ('values', 'message'),
  [
    ({'nmae': 'x'}, r'^nmae: unknown key; did you mean name\? \(there are: '),
    (
      {'stage': {'laed': {}}},
      r'^stage\.laed: unknown key; did you mean lead\?',
    ),
    ({'zzz': 1}, r'^zzz: unknown key; \(there are: name, stage\)$'),
    (
      {'stage': {'others': {'flute': {'tuning': {'pich': 1.0}}}}},
      r'^stage\.others\.flute\.tuning\.pich: .*did you mean pitch\?',
    ),
    ({'name': 3}, r'^name=3: must be of type str$'),
    (
      {'stage': {'lead': {'type': 'drum', 'size': 1.5}}},
      r'^stage\.lead\.size=1\.5: must be of type int$',
    ),
    (  # A bool is an int to Python, and a mistake here.
      {'stage': {'lead': {'type': 'drum', 'size': True}}},
      r'^stage\.lead\.size=True: must be of type int$',
    ),
    (
      {'stage': {'others': {'flute': {'tuning': {'pitch': True}}}}},
      r'^stage\.others\.flute\.tuning\.pitch=True: must be of type float$',
    ),
    ({'stage': 'loud'}, r"^stage='loud': must be a section of keys$"),
    (
      {'stage': {'lead': 'drum'}},
      r"^stage\.lead='drum': must be a section of keys$",
    ),
    (
      {'stage': {'others': 'drum'}},
      r"^stage\.others='drum': must be a section of keys$",
    ),
    (
      {'stage': {'lead': {'type': 'flut'}}},
      r"^stage\.lead\.type: 'flut' is unknown: did you mean 'flute'\?",
    ),
    (
      {'stage': {'lead': {'size': 3}}},
      r'^stage\.lead\.type: None is unknown',
    ),
    (
      {'stage': {'others': {'drun': {}}}},
      r'^stage\.others\.drun: unknown key; did you mean drum\?',
    ),
    (  # A section's own check, told with the section's path.
      {'stage': {'lead': {'type': 'drum', 'size': 0}}},
      r'^stage\.lead\.size=0: must be 1 or more$',
    ),
    (
      {'stage': {'others': {'drum': {'size': -1}}}},
      r'^stage\.others\.drum\.size=-1: must be 1 or more$',
    ),
  ],
  ids=str,
)
def test_mistakes_are_told_by_their_keys(values, message):
  with pytest.raises(UserError, match=message):
    from_mapping(Concert, values)


@pytest.mark.parametrize(
  ('values', 'message'),
  [
    ({'model': {'head': {'type': 'lstm', 'width': 0}}}, 'model.head.width=0: '),
    ({'model': {'text': {'dropout': 1.0}}}, 'model.text.dropout=1.0: '),
    (
      {'model': {'terms': {'text': {}, 'ids': {'decays': {'follows': 2.0}}}}},
      'model.terms.ids.decays.follows=2.0: ',
    ),
    ({'input': {'batch_size': 0}}, 'input.batch_size=0: '),
    ({'data': {'k_core': -1}}, 'data.k_core=-1: '),
    ({'data': {'columns': {'title': ''}}}, 'data.columns.title is empty'),
    ({'optimizer': {'b1': 1.0}}, 'optimizer.b1=1.0: '),
    ({'training': {'num_steps': -1}}, 'training.num_steps=-1: '),
    ({'evaluation': {'seen': 'gone'}}, "evaluation.seen: 'gone' is unknown"),
    (
      {'objectives': {'impressions': {'loss': 'sofmax'}}},
      "objectives.impressions.loss: 'sofmax' is unknown",
    ),
    ({'objectives': {}}, 'objectives: name some of impressions, next_item'),
    ({'model': {'terms': {'appeal': {}}}}, 'model.terms: name text or item'),
  ],
  ids=lambda x: x if isinstance(x, str) else '',
)
def test_every_section_tells_the_whole_path_once(values, message):
  with pytest.raises(UserError) as error:
    Config.from_dict(values)
  assert str(error.value).startswith(message)
