"""What README and docs point at is there."""

import re

import pytest

from tests.docs import pages

_LINK = re.compile(r'\]\(([^)\s]+)\)')
_PATH = re.compile(
  r'(?<![\w/.])((?:jaxrec|tests|configs|benchmarks|examples|launch|docs)'
  r'/[\w./]*\w/?)'
)
_MODULE = re.compile(r'(?<![\w.])((?:jaxrec|benchmarks)(?:\.[a-z_]+)+)')
each_page = pytest.mark.parametrize('page', pages.PAGES, ids=pages.name_of)


@each_page
def test_links_resolve(page):
  for link in _LINK.findall(page.read_text(encoding='utf8')):
    if link.startswith(('http://', 'https://')):
      continue
    path, _, anchor = link.partition('#')
    target = page.parent / path if path else page
    assert target.exists(), link
    if anchor:
      assert anchor in pages.anchors(target), link


@each_page
def test_paths_exist(page):
  if page.name == 'CHANGELOG.md':  # It may speak of what has gone.
    return
  # What a recipe tells the reader to add comes with its code.
  added = {'jaxrec/data/datasets/radio.py'}
  for span in pages.spans(page):
    for path in _PATH.findall(span):
      assert path in added or (pages.ROOT / path).exists(), path


@each_page
def test_modules_in_commands_exist(page):
  for words in pages.commands(page):
    for module in _MODULE.findall(' '.join(words[:3])):
      path = pages.ROOT.joinpath(*module.split('.'))
      assert path.with_suffix('.py').is_file() or path.is_dir(), module


def test_the_readme_is_a_front_page():
  text = (pages.ROOT / 'README.md').read_text(encoding='utf8')
  assert text.count('\n') < 150
  lines = [b.text for b in pages.blocks(pages.ROOT / 'README.md')]
  alone = [line for line in lines if 'pip install -q' in line]
  # Each does all of its own set-up.
  assert len(alone) == 2
  for line in alone:
    assert line.startswith('python3 -m venv') and line.count('\n') == 1
