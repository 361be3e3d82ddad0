"""Lines where there is no terminal."""

import time
import types

from jaxrec import console


def test_time_left_is_of_steps_that_compiled_nothing(monkeypatch, capsys):
  clock = types.SimpleNamespace(now=0.0)
  fake = types.SimpleNamespace(monotonic=lambda: clock.now)
  monkeypatch.setattr(console, 'time', fake)
  monkeypatch.setattr(console, 'LINE_SECONDS', 0.0)
  with console.Display().track('training', 104, 4) as advance:
    for seconds in (300, 2, 2, 2, 2):
      clock.now += seconds
      advance(1)
  lines = capsys.readouterr().out.splitlines()
  assert lines == [
    'training 5/104',
    'training 6/104',
    'training 7/104',
    'training 8/104, 192 s left',
    'training 9/104, 190 s left',
  ]


def test_long_silence_is_broken_and_work_that_speaks_is_left_alone(
  monkeypatch, capsys
):
  monkeypatch.setattr(console, 'QUIET_SECONDS', 0.02)
  display = console.Display()
  with display.working('reading the files'):
    time.sleep(0.2)
  lines = capsys.readouterr().out.splitlines()
  assert lines and all(
    line.startswith('still reading the files, 0 s') for line in lines
  )
  monkeypatch.setattr(console, 'QUIET_SECONDS', 60.0)
  with display.working('reading the files'):
    display.say('read 1')
  assert capsys.readouterr().out == 'read 1\n'
