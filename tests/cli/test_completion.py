"""What a shell offers, asked of a shell."""

import shutil
import subprocess

import pytest

from jaxrec import presets
from jaxrec.cli import command, completion
from tests.cli.test_command import error_of


@pytest.fixture(scope='module')
def offered():
  """A line up to the cursor -> the words that bash offers."""
  if not shutil.which('bash'):
    pytest.skip('no bash')
  script = completion.script('bash', list(command.VERBS))

  def ask(line: str) -> list[str]:
    words = line.split(' ')
    ask = (
      f'{script}\nCOMP_LINE={line!r} COMP_POINT={len(line)}\n'
      f'COMP_WORDS=({" ".join(map(repr, words))}) COMP_CWORD={len(words) - 1}\n'
      '_jaxrec; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
      ['bash', '-c', ask], capture_output=True, text=True, timeout=60
    )
    assert not done.stderr
    return done.stdout.split()

  return ask


def test_bash(offered):
  assert offered('jaxrec ') == list(command.VERBS)
  assert offered('jaxrec ex') == ['export']
  assert offered('jaxrec export --b') == ['--bundle=']
  assert offered('jaxrec train --config=ne')[0] == 'news'
  assert 'video' in offered('jaxrec train --config=')
  variants = presets.variants('video')
  assert offered('jaxrec train --config=video:') == variants
  assert offered('jaxrec train --config.optimizer.le') == [
    '--config.optimizer.learning_rate='
  ]
  assert '--port=' in offered('jaxrec serve --p')
  assert offered('jaxrec completion z') == ['zsh']


def test_zsh_reads_what_bash_does():
  bash, zsh = (completion.script(shell, ['train']) for shell in ('bash', 'zsh'))
  assert zsh.endswith(bash) and 'bashcompinit' in zsh


def test_the_verb(capsys):
  command.run(['completion', 'bash'])
  assert 'complete -o default' in capsys.readouterr().out
  command.run(['completion'])
  assert capsys.readouterr().out.startswith('usage: jaxrec completion')
  assert "did you mean 'zsh'" in error_of(capsys, 'completion', 'zhs')
