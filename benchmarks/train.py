"""Training, in examples/s, beside a PyTorch program of the same model.

    python -m benchmarks.train --data=../shared/data/mind --against=torch

Cases: `all` layers train; the `top2` do, with ours reading the hidden states
kept below them; the encoder is `frozen` and ours reads vectors. PyTorch runs
twice: `padded`, every slot of every example a text of 32 tokens, as public news
recommenders do it; and `dedup`, each distinct text of the batch once, sorted by
length. All see the same batches, weights and dropout rate; feeding is part of
a step; what compiles does so before. With dropout off, the losses of the first
batch must be equal.
"""

from benchmarks import setup  # isort: skip (first: it sets the environment)

import functools
import itertools
import statistics
from collections.abc import Sequence

CASES = {'all': -1, 'top2': 2, 'frozen': 0}
SAME_LOSS = 1e-4


def main(argv: Sequence[str] | None = None) -> None:
  parser = setup.parser(__doc__.splitlines()[0])
  setup.add_against(parser)
  parser.add_argument('--cases', default=','.join(CASES))
  parser.add_argument('--steps', type=int, default=2, help='of a round')
  parser.add_argument('--frozen_steps', type=int, default=100)
  args = parser.parse_args(argv)
  cases = setup.names(args.cases, tuple(CASES), '--cases')
  setup.check_against(args)
  setup.report(args, measure(args, cases))


def feeds(case: str, config) -> dict:
  """The ways in which PyTorch is fed, by name."""
  from benchmarks import torch_model

  ways = {'torch_dedup': torch_model.dedup}
  if case == 'all':
    ways['torch_padded'] = functools.partial(
      torch_model.padded, max_tokens=config.model.text.max_tokens
    )
  return ways


def measure(args, cases: Sequence[str]) -> dict:
  """Rates, ratios, losses and MFU of the cases.

  Raises:
    SystemExit: the programs' losses of one batch differ.
  """
  from benchmarks import programs

  contenders, work, flops, losses, jax_programs = {}, {}, {}, {}, {}
  for case in cases:
    steps = args.frozen_steps if case == 'frozen' else args.steps
    experiment = setup.experiment(
      args, **{'model.text.trainable_layers': CASES[case]}
    )
    jax_program = programs.JaxProgram(experiment, steps)
    jax_programs[case] = jax_program
    name = f'{case}/jaxrec'
    contenders[name], losses[name] = jax_program.run, jax_program.loss
    work[name] = steps * args.batch_size
    if case == 'all':
      contenders['all/input'] = jax_program.run_input
      work['all/input'] = work[name]
    flops[name] = jax_program.flops
    if args.against == 'torch' and case != 'frozen':
      for feed_name, feed in feeds(case, experiment.config).items():
        name = f'{case}/{feed_name}'
        torch_program = programs.TorchProgram(jax_program, feed)
        contenders[name] = torch_program.run
        losses[name] = torch_program.loss
        work[name] = steps * args.batch_size

  for case in cases:
    same = [loss for name, loss in losses.items() if name.startswith(case)]
    for a, b in itertools.combinations(same, 2):
      if abs(a - b) > SAME_LOSS:
        raise SystemExit(f'{case}: the losses of one batch differ: {losses}')

  taken = setup.interleaved(contenders, args.rounds)
  rates = setup.rates(taken, work)
  ratios = {
    f'{name.split("/")[0]}: jaxrec / {name.split("/")[1]}': setup.ratio(
      rates, f'{name.split("/")[0]}/jaxrec', name
    )
    for name in rates
    if 'torch' in name
  }
  if 'all' in cases:
    ratios['input / all'] = setup.ratio(rates, 'all/input', 'all/jaxrec')
  paces = [program.pace for program in jax_programs.values()]
  # A frozen encoder is no part of the step: nothing is counted.
  pace = next((x for x in paces if x.peak), paces[0])
  return {
    'examples_per_second': rates,
    'ratios': ratios,
    'loss_of_first_batch': losses,
    'mfu': {
      name: total / statistics.median(taken[name]) / pace.peak
      for name, total in flops.items()
      if total and pace.peak
    },
    'peak_flops': pace.peak,
    'peak_flops_source': pace.peak_source,
    'distinct_shapes': {
      case: program.experiment.train_step._cache_size()
      for case, program in jax_programs.items()
    },
  }


if __name__ == '__main__':
  setup.run(main)
