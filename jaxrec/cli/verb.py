"""What a verb of flags is: how it is called, helped with, and begun."""

import dataclasses
import textwrap
from collections.abc import Callable, Iterable

from absl import app, flags
from absl.flags import FlagValues

from jaxrec import __version__, presets
from jaxrec.cli import HELP, VERSION, fail, print_anything
from jaxrec.cli.flags import Flag, define, parse
from jaxrec.cli.main_keys import MAIN_KEYS
from jaxrec.errors import UserError


@dataclasses.dataclass(frozen=True)
class Verb:
  """A verb of the command.

  Attributes:
    name: as it is typed.
    summary: what it does, a sentence or two.
    flags: its own.
    needed: names of those that it cannot do without.
    work: what it does, with the flags' values; `run` ends with its exit code.
    check: what is told at once, before anything slow; raises UserError.
    after_training: whether it is of the workdir of a training, whose config is
      its own where none is given.
  """

  name: str
  summary: str
  flags: tuple[Flag, ...]
  needed: tuple[str, ...]
  work: Callable[[FlagValues], None]
  check: Callable[[FlagValues], None] = lambda values: None
  after_training: bool = False

  def run(self, argv: list[str], also: Iterable[Flag] = ()) -> None:
    """The command; exits with 2 after a line of error.

    Args:
      argv: what stands after the verb.
      also: flags that are read and not used: of a command that other verbs
        share.
    """
    print_anything()
    if any(argument in HELP for argument in argv):
      print(self.help())
      return
    if any(argument in VERSION for argument in argv):
      print(f'jaxrec {__version__}')
      return
    argv = [f'jaxrec {self.name}', *argv]
    by_name = {flag.name: flag for flag in (*also, *self.flags)}
    values, config = define(by_name.values())

    def read(argv: list[str]) -> list[str]:
      try:
        needed = [by_name[name] for name in self.needed]
        rest = parse(
          values,
          argv,
          config,
          needed,
          may_grow=self.name == 'train',
          after_training=self.after_training,
        )
        self.check(values)
      except UserError as e:
        fail(e)
      flags.FLAGS.mark_as_parsed()  # absl's own are among `values`.
      return rest

    app.run(lambda _: self.work(values), argv, flags_parser=read)

  def help(self) -> str:
    """The verb, its flags, and presets where it takes a config."""
    needed = [_spelt(flag) for flag in self.flags if flag.name in self.needed]
    usage = ' '.join(['usage: jaxrec', self.name, *needed, '[FLAGS]'])
    lines = textwrap.wrap(usage, 78, subsequent_indent=' ' * 14)
    lines += ['', *textwrap.wrap(self.summary, 78), '', 'flags:']
    for flag in self.flags:
      lines += _entry(_spelt(flag), flag.help + _default(flag))
      if flag.kind == 'config':
        lines += _entry(
          f'--{flag.name}.KEY=VALUE',
          'Changes a key of the config, --config.seed=1. May be repeated; an '
          'unknown key is answered by the near misses.',
        )
    if any(flag.kind == 'config' for flag in self.flags):
      lines += ['', 'keys that are changed most (docs/settings.md has all):']
      for key, value, meaning in MAIN_KEYS:
        lines += _entry(f'--config.{key}={value}', meaning)
      lines += ['', 'presets and their variants (the first is the default):']
      for name in presets.files():
        lines += textwrap.wrap(
          ', '.join(presets.variants(name)),
          78,
          initial_indent=f'  {name:<12}',
          subsequent_indent=' ' * 14,
        )
    return '\n'.join(lines)


def _spelt(flag: Flag) -> str:
  if flag.kind == 'bool':
    return f'--[no]{flag.name}'
  return f'--{flag.name}={flag.value or "TEXT"}'


def _default(flag: Flag) -> str:
  if flag.default in (None, []):
    return ''
  default = flag.default
  if isinstance(default, list):
    default = ','.join(default)
  return f' Default: {default}.'


def _entry(title: str, text: str) -> list[str]:
  indent = ' ' * 10
  wrapped = textwrap.wrap(
    text, 78, initial_indent=indent, subsequent_indent=indent
  )
  return [f'  {title}', *wrapped]
