"""What the benchmarks are run on: tiny worlds, one device."""

import json

import pytest


@pytest.fixture
def tiny_flags(tiny_mind, tiny_bert, cache_dir, one_device):
  """--NAME=VALUE of a benchmark on data, for seconds."""
  return [
    f'--data={tiny_mind}',
    f'--cache={cache_dir}',
    f'--encoder={tiny_bert}',
    '--batch_size=4',
    '--rounds=1',
  ]


@pytest.fixture
def reported(tmp_path, capsys):
  """(benchmark's main, flags) -> the JSON that it wrote, and printed too."""

  def run(main, flags):
    path = tmp_path / 'report.json'
    main([*flags, f'--output={path}'])
    report = json.loads(path.read_text())
    printed = capsys.readouterr().out
    assert json.loads(printed[printed.index('{\n') :]) == report
    return report

  return run
