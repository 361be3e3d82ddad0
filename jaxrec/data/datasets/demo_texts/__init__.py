"""The demo worlds' texts: subtopics, templates, and what fills their slots.

Lines make a source: '# topic', '## subtopic', 'slot: value | value', and
templates, whose {slots} are drawn; a value may hold slots itself. What comes
before the first topic is for all: each subtopic is dealt some of those values,
and people, from `first` and `last` names, that no other one has. What comes
before a topic's first subtopic is for all of that topic. A slot's later values
come later (see `Subtopic.phrases`).
"""

import dataclasses
import functools
import re
import string
from collections.abc import Callable

SMALL = (
  'a an and as at by for from in into of on or the to with '
  'cm g kg km litre litres m mAh ml mm'
)


def capitalised(text: str) -> str:
  """As a sentence begins."""
  return text[0].upper() + text[1:]


def title_case(text: str) -> str:
  """As titles are written: small words and units small, the first aside."""
  first, *others = capitalised(text).split(' ')
  small = SMALL.split()
  large = [w if w.rstrip(',') in small else capitalised(w) for w in others]
  return ' '.join([first, *large])


@dataclasses.dataclass
class Subtopic:
  """A strand of the items; `slots` are in the order their values come."""

  topic: str
  name: str
  slots: dict[str, list[str]]
  templates: list[str]

  def phrases(self, slot: str, known: float) -> list[str]:
    """The first `known` (a fraction in 0..1) of the slot's values."""
    values = self.slots[slot]
    return values[: max(1, round(known * len(values)))]


@dataclasses.dataclass(frozen=True, eq=False)
class TextSource:
  """A domain's texts.

  Attributes:
    lines: as the module's docstring says.
    appealing: a pattern; everyone acts on titles that have it a little more.
    style: what a drawn title goes through last.
    columns: templates of an item's other texts, by column; a slot that the
      title has is filled alike.
  """

  lines: str
  appealing: str
  style: Callable[[str], str] = title_case
  columns: dict[str, str] = dataclasses.field(default_factory=dict)

  @functools.cached_property
  def subtopics(self) -> list[Subtopic]:
    """Every subtopic, in the order written."""
    return _parse(self.lines)

  def draw(self, subtopic: Subtopic, rng, known: float) -> dict[str, str]:
    """Draws one item's texts by column; `rng` is a NumPy Generator."""
    pick = lambda values: values[rng.integers(len(values))]
    drawn: dict[str, str] = {}

    def fill(text: str) -> str:
      for _, slot, _, _ in string.Formatter().parse(text):
        if slot and slot not in drawn:
          drawn[slot] = fill(pick(subtopic.phrases(slot, known)))
      return text.format(**drawn)

    title = self.style(fill(pick(subtopic.templates)))
    others = {name: capitalised(fill(t)) for name, t in self.columns.items()}
    return {'title': title, **others}

  def appeals(self, title: str) -> bool:
    """Whether everyone acts on it a little more."""
    return re.search(self.appealing, title) is not None


def _dealt(shared: dict[str, list[str]], n: int) -> dict[str, list[str]]:
  """Subtopic n's part of what is for all; no two share a person."""
  turn = lambda slot, i: shared[slot][i % len(shared[slot])]
  dealt = {
    slot: [turn(slot, i) for i in range(5 * n, 5 * n + 8)]
    for slot in shared.keys() - {'first', 'last'}
  }
  if 'first' in shared:
    people = range(8 * n, 8 * n + 8)
    dealt |= {s: [turn(s, i) for i in people] for s in ('first', 'last')}
    dealt['who'] = [f'{turn("first", i)} {turn("last", i)}' for i in people]
  return dealt


def _parse(lines: str) -> list[Subtopic]:
  """The subtopics of a source's lines; see the module's docstring."""
  subtopics: list[Subtopic] = []
  shared, of_topic = Subtopic('', '', {}, []), Subtopic('', '', {}, [])
  topic, into = '', shared  # Where the next slots and templates go.
  for line in filter(None, lines.split('\n')):
    if line.startswith('# '):
      topic = line[2:]
      into = of_topic = Subtopic(topic, '', {}, [])
    elif line.startswith('## '):
      slots = _dealt(shared.slots, len(subtopics))
      slots |= {slot: [*values] for slot, values in of_topic.slots.items()}
      templates = [*shared.templates, *of_topic.templates]
      subtopics.append(into := Subtopic(topic, line[3:], slots, templates))
    elif re.match('[a-z]+: ', line):
      slot, values = line.split(': ', 1)
      into.slots.setdefault(slot, []).extend(values.split(' | '))
    else:
      into.templates.append(line)
  return subtopics
