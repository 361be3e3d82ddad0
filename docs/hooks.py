"""What mkdocs does beside reading pages: settings, and a look at what it made.

The keys of the settings come from the frozen dataclasses beside the parts, and
their meaning from the `Attributes:` of the dataclasses' docstrings, so that the
page cannot say anything else than the code.
"""

import dataclasses
import logging
import pathlib
import re
import sys
from collections.abc import Iterator

import griffe

ROOT = pathlib.Path(__file__).parents[1]
MARK = '<!-- settings -->'
# What a browser fetches by itself when it opens a page.
_FETCHED = re.compile(
  r'<(?:script|img|iframe|source|link\b(?=[^>]*\brel="?(?:stylesheet|preload|'
  r'preconnect|dns-prefetch|icon)))\b[^>]*?\b(?:src|href)="?(https?:[^" >]+)'
)
_log = logging.getLogger('mkdocs.hooks.jaxrec')


def on_post_page(output: str, page, **_) -> str:
  """Warns, which ends a strict build, of a page that needs the network."""
  for address in _FETCHED.findall(output):
    _log.warning('%s loads %s', page.file.src_uri, address)
  return output


def on_page_markdown(markdown: str, **_) -> str:
  """Puts the tables where a page has the mark."""
  if MARK not in markdown:
    return markdown
  if str(ROOT) not in sys.path:  # The modules of this clone.
    sys.path.insert(0, str(ROOT))
  from jaxrec.training.settings import Config

  return markdown.replace(MARK, settings(Config))


def settings(config: type) -> str:
  """Markdown: a table for each section of a config, and for each part.

  Args:
    config: a dataclass whose fields are sections, as `jaxrec.config` reads
      them.

  Raises:
    ValueError: a key is not described in its class's docstring.
  """
  lines = ['## All keys', '']
  for title, note, rows in tables(config()):
    if title:
      lines += [f'### `{title}`', '']
    if note:
      lines += [note, '']
    if rows:
      lines += ['| key | default | what it means |', '| --- | --- | --- |']
    lines += [
      f'| `{key}` | `{_shown(default)}` | {_cell(meaning)} |'
      for key, default, meaning in rows
    ]
    lines += [''] if rows else []
  return '\n'.join(lines)


def tables(
  section: object, path: str = '', title: str = '', note: str = ''
) -> Iterator[tuple[str, str, list]]:
  """(title, a line about it, [(key, default, meaning)]) of what has keys.

  A part that is not among the defaults has its keys all the same.

  Args:
    section: with its default values.
    path: of its keys.
    title, note: of its own table.
  """
  rows: list[tuple[str, object, str]] = []
  nested: list[tuple] = []
  meanings = described(type(section))
  for field in dataclasses.fields(section):
    key = f'{path}.{field.name}' if path else field.name
    value = getattr(section, field.name)
    if 'one_of' in field.metadata:
      registry = field.metadata['one_of']
      rows.append((f'{key}.type', value.type, f'one of {_names(registry)}'))
      for name, part in registry.items():
        shown = f'{key}.type={name}'
        nested.append((part.Config(), key, _summary(part), shown))
    elif 'some_of' in field.metadata:
      registry = field.metadata['some_of']
      there = ','.join(value)
      rows.append((key, there, f'which there are, of {_names(registry)}'))
      for name, part in registry.items():
        absent = '' if name in value else ' Absent by default.'
        about = f'{_summary(part)}{absent}'
        shown = f'{key}.{name}'
        nested.append((part.Config(), shown, about, shown))
    elif dataclasses.is_dataclass(value):
      nested.append((value, key, _summary(type(value)), key))
    else:
      rows.append((key, value, meanings[field.name]))
  if rows or note:
    yield title, note, rows
  for inner, inner_path, about, shown in nested:
    yield from tables(inner, inner_path, shown, about)


def described(cls: type) -> dict[str, str]:
  """What docstrings say of the fields of a dataclass and of its bases.

  Raises:
    ValueError: nothing is said of one of them.
  """
  meanings: dict[str, str] = {}
  for base in reversed(cls.__mro__):
    for part in griffe.parse_google(griffe.Docstring(base.__doc__ or '')):
      if part.kind is griffe.DocstringSectionKind.attributes:
        meanings |= {item.name: item.description for item in part.value}
  for field in dataclasses.fields(cls):
    is_section = dataclasses.is_dataclass(field.type)
    if field.name not in meanings and not (field.metadata or is_section):
      raise ValueError(f'{cls.__qualname__}: {field.name} is not described')
  return meanings


def _summary(cls: type) -> str:
  return (cls.__doc__ or '').strip().partition('\n')[0]


def _names(registry: dict) -> str:
  return ', '.join(f'`{name}`' for name in registry)


def _shown(value: object) -> str:
  return "''" if value == '' else str(value)


def _cell(text: str) -> str:
  text = ' '.join(text.split()).replace('|', r'\|')
  return text[:1].upper() + text[1:]
