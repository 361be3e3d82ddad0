"""The Python of README and docs runs, page by page, as it stands."""

import contextlib
import doctest
import io

import pytest

from tests.docs import pages
from tests.docs.conftest import unregistered

WITH_PYTHON = [
  page
  for page in pages.PAGES
  if {'python', 'pycon'} & {block.language for block in pages.blocks(page)}
]


def test_there_is_python_to_run():
  names = {pages.name_of(page) for page in WITH_PYTHON}
  assert {'README.md', 'docs/serving.md', 'docs/contributing.md'} <= names


@pytest.mark.parametrize('page', WITH_PYTHON, ids=pages.name_of)
def test_python_runs(page, small_demo, tmp_path, monkeypatch):
  """In order, in one namespace; of sessions the input alone is run."""
  monkeypatch.chdir(tmp_path)
  namespace = {'__name__': 'page'}
  for block in pages.blocks(page):
    if block.language == 'pycon':
      examples = doctest.DocTestParser().get_examples(block.text)
      sources = [example.source for example in examples]
    else:
      sources = [block.text] if block.language == 'python' else []
    for source in sources:
      for written, path in {
        '/tmp/news': small_demo.bundle,
        '/tmp/jaxrec-news': small_demo.workdir,
      }.items():
        source = source.replace(f"'{written}'", repr(str(path)))
      with unregistered(), contextlib.redirect_stdout(io.StringIO()):
        exec(compile(source, pages.name_of(page), 'exec'), namespace)
