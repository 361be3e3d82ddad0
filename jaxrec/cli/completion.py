"""jaxrec completion bash|zsh: a script that completes the command.

    source <(jaxrec completion bash)

Verbs, their flags, presets with their variants and the keys of configs are
written into the script, so that a key press starts no program.
"""

import importlib
from typing import NamedTuple

from jaxrec import presets
from jaxrec.cli import HELP, fail
from jaxrec.cli.known_keys import known_keys
from jaxrec.errors import UserError, choices

SHELLS = ('bash', 'zsh')
USAGE = """usage: jaxrec completion bash|zsh

Prints a script that completes verbs, flags, presets and keys of configs:

  source <(jaxrec completion bash)      in ~/.bashrc
  source <(jaxrec completion zsh)       in ~/.zshrc, after compinit"""
# Bash takes '=' and ':' for the ends of words; what stands before the last of
# them is put together again, and is not repeated in what is answered.
SCRIPT = """\
_jaxrec() {
  local line=${COMP_LINE:0:COMP_POINT} word words verb
  word=${line##* }
  verb=${COMP_WORDS[1]}
  case $verb in
@verbs@
    *) words='@names@' ;;
  esac
  if [[ $COMP_CWORD -eq 1 ]]; then
    words='@names@'
    compopt +o nospace 2> /dev/null
  fi
  case $word in
    --config=* | --configs=*)
      [[ " $words " == *" ${word%%=*}= "* ]] || return
      words='@presets@'
      word=${word#*=} ;;
    --*=*) COMPREPLY=($(compgen -f -- "${word#*=}")); return ;;
    --config.*)
      [[ " $words " == *' --config= '* ]] || return
      words='@keys@' ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  if [[ $word == *:* ]]; then
    COMPREPLY=("${COMPREPLY[@]#"${word%:*}:"}")
  fi
}
complete -o default -o nospace -F _jaxrec jaxrec
"""
ZSH = 'autoload -U +X bashcompinit && bashcompinit\n'


class _Flags(NamedTuple):
  """Of a verb: how its flags are typed."""

  verb: str
  words: list[str]


def script(shell: str, verbs: list[str]) -> str:
  """What a shell has to source.

  Args:
    shell: one of SHELLS.
    verbs: of the command.

  Raises:
    UserError: another shell.
  """
  if shell not in SHELLS:
    raise UserError(f'shell {choices(shell, SHELLS)}')
  cases = [
    f"    {flags.verb}) words='{' '.join(flags.words)}' ;;"
    for flags in map(_flags, verbs)
  ]
  names = [
    name if i == 0 else f'{name}:{variant}'
    for name in presets.files()
    for i, variant in enumerate(['', *presets.variants(name)])
  ]
  keys = dict.fromkeys(f'--config.{key.path}=' for key in known_keys())
  text = (
    SCRIPT.replace('@verbs@', '\n'.join(cases))
    .replace('@names@', ' '.join(verbs))
    .replace('@presets@', ' '.join(names))
    .replace('@keys@', ' '.join(keys))
  )
  return (ZSH if shell == 'zsh' else '') + text


def _flags(verb: str) -> _Flags:
  if verb == 'completion':
    return _Flags(verb, list(SHELLS))
  module = importlib.import_module(f'jaxrec.cli.{verb}')
  if verb == 'serve':  # Its flags are argparse's.
    return _Flags(verb, module.spelt_flags())
  return _Flags(
    verb,
    [
      word
      for flag in module.VERB.flags
      for word in (
        [f'--{flag.name}', f'--no{flag.name}']
        if flag.kind == 'bool'
        else [f'--{flag.name}=']
      )
    ]
    + ['--help'],
  )


def run(argv: list[str], verbs: list[str] | None = None) -> None:
  """The verb; exits with 2 where the shell is another.

  Args:
    argv: what stands after it.
    verbs: of the command; None: those that `command` has.
  """
  if any(argument in HELP for argument in argv) or not argv:
    print(USAGE)
    return
  if verbs is None:
    from jaxrec.cli.command import VERBS

    verbs = list(VERBS)
  try:
    print(script(argv[0], verbs), end='')
  except UserError as e:
    fail(e)
