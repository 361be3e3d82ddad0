"""What a run says of itself, out of its results.json.

    python examples/read_report.py /tmp/jaxrec-news

The same numbers stand in report.html, with pictures.
"""

import argparse
import json
import pathlib


def number(value: float | None, form: str = '.4f') -> str:
  """A dash where nothing was measured."""
  return '-' if value is None else format(value, form)


def summary(results: dict) -> list[str]:
  """Lines that sum up what `results.json` holds."""
  protocol, metric = results['protocol'], results['protocol']['main_metric']
  low, high = results['intervals'][metric]
  lines = [
    f'{results["dataset"]}, {results["split"]} split: {protocol["name"]}, '
    f'{protocol["examples"]:,} examples, among {protocol["candidates"]}',
    f'jaxrec: {metric} {number(results["metrics"][metric])}, '
    f'95 % of resamples of the users {number(low)} to {number(high)}',
  ]
  # The oracle knows the true probabilities of a made-up world: no rival.
  rivals = {
    name: metrics[metric]
    for name, metrics in results['baselines'].items()
    if name != 'oracle'
  }
  if rivals:
    best = max(rivals, key=lambda name: rivals[name] or 0)
    difference = results['comparisons'][best][metric]
    lines.append(
      f'best baseline: {best} {number(rivals[best])}, jaxrec is ahead by '
      f'{number(difference["difference"], "+.4f")} '
      f'(p = {number(difference["p"], ".3f")})'
    )
  step, steps = results['best_step'], results['train']['steps']
  lines.append(
    f'validation chose step {step} of {steps}'
    + (': training added nothing to the start' if step == 0 else '')
  )
  if step and 'training' in results:  # Version 0.1.0 did not say.
    added = results['training']['added'][metric]
    lines.append(
      f'which adds {number(added["difference"], "+.4f")} {metric} to step 0 '
      f'(p = {number(added["p"], ".3f")})'
    )
  for slice_name, parts in results['slices'].items():
    values = [
      f'{part} {number(values["metrics"][metric])} ({values["examples"]:,})'
      for part, values in parts.items()
      if values['examples']
    ]
    if values:
      lines.append(f'{metric} by {slice_name}: {", ".join(values)}')
  return lines


def main(argv: list[str] | None = None) -> None:
  """Prints the summary of a workdir."""
  parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
  parser.add_argument('workdir', type=pathlib.Path)
  args = parser.parse_args(argv)
  text = (args.workdir / 'results.json').read_text(encoding='utf8')
  print('\n'.join(summary(json.loads(text))))


if __name__ == '__main__':
  main()
