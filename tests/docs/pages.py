"""README and docs as the tests read them: blocks, commands, names."""

import itertools
import pathlib
import re
import shlex
import textwrap
from collections.abc import Iterator
from typing import NamedTuple

ROOT = pathlib.Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob('*.md'), *(ROOT / 'docs').glob('*.md')])
SHELL = ('sh', 'bash')
_FENCE = re.compile(r'^( *)```(\w*)[^\n]*\n(.*?)^\1```$', re.M | re.S)
_INDENTED = re.compile(r'(?:(?<=\n\n)|\A)((?: {4}[^\n]*\n)+)')
_SPAN = re.compile(r'(?<!`)`((?:[^`\n]|\n(?!\n))+)`(?!`)')
_SETS = re.compile(r'[A-Z_]+=\S*$')  # A variable of the environment.
_COMMAND = re.compile(
  r'([A-Z_]+=\S+ )*(python3?|jaxrec|sbatch|launch/\w+\.\w+) '
)
_HEADING = re.compile(r'^#+ (.+)$', re.M)


class Block(NamedTuple):
  """A block of code.

  Attributes:
    language: as the fence has it, '' where it has none.
    text: without the indentation that all of it has.
  """

  language: str
  text: str


def name_of(page: pathlib.Path) -> str:
  """A page's, as a test is called."""
  return str(page.relative_to(ROOT))


def blocks(page: pathlib.Path) -> list[Block]:
  """The fenced and the indented blocks of a page; the latter are shell."""
  text = page.read_text(encoding='utf8')
  fenced = [
    Block(language, textwrap.dedent(code))
    for _, language, code in _FENCE.findall(text)
  ]
  indented = _INDENTED.findall(_FENCE.sub('', text))
  return fenced + [Block('sh', textwrap.dedent(code)) for code in indented]


def spans(page: pathlib.Path) -> list[str]:
  """The code within sentences and tables."""
  text = _FENCE.sub('', page.read_text(encoding='utf8'))
  found = [span.replace('\n', ' ') for span in _SPAN.findall(text)]
  return [span.replace(r'\|', '|') for span in found]


def commands(page: pathlib.Path) -> Iterator[list[str]]:
  """The words of each command, of blocks and of sentences."""
  texts = [b.text for b in blocks(page) if b.language in SHELL]
  texts += [span for span in spans(page) if _COMMAND.match(span)]
  for text in texts:
    for line in text.replace('\\\n', ' ').splitlines():
      for command in re.split(r' && | \| |; ', line.partition(' #')[0]):
        words = list(itertools.dropwhile(_SETS.match, shlex.split(command)))
        if words:
          yield words


def arguments(words: list[str], module: str) -> list[str] | None:
  """What stands after `python -m module`; None: another command."""
  if pathlib.PurePath(words[0]).name not in ('python', 'python3'):
    return None
  return words[3:] if words[1:3] == ['-m', module] else None


def anchors(page: pathlib.Path) -> set[str]:
  """What links to the headings of a page end in."""
  text = _FENCE.sub('', page.read_text(encoding='utf8'))
  return {
    re.sub(r'[^\w\- ]', '', heading.lower()).strip().replace(' ', '-')
    for heading in _HEADING.findall(text)
  }
