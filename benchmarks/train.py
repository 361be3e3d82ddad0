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

import itertools
import statistics

from benchmarks import setup  # isort: skip (first: it sets the environment)

import jax
import numpy as np

from jaxrec.parallel import sharding
from jaxrec.training.state import merge_params
from jaxrec.training.steps import batch_loss

CASES = {'all': -1, 'top2': 2, 'frozen': 0}
SAME_LOSS = 1e-4


class Ours:
  """jaxrec's step on an experiment, warm."""

  def __init__(self, experiment, steps: int):
    self.experiment, self.steps = experiment, steps
    self.state, self.frozen = experiment.init()
    self.params = jax.device_get(merge_params(self.state.params, self.frozen))
    self.pace = experiment.pace()
    counted = list(experiment.pipeline.counted(0, steps))
    self.batches, self.counts = zip(*counted, strict=True)
    self.loss = self._loss()
    self.run()  # Compiles every shape there is.

  def _loss(self) -> float:
    """Of the first batch, without dropout."""
    from flax import nnx

    def loss(params, batch):
      model = nnx.merge(self.experiment.graphdef, params)
      return batch_loss(model, batch, {'impressions': 1.0})

    batch = sharding.put_batch(self.batches[0], self.experiment.mesh)
    return float(jax.jit(loss)(self.params, batch))

  def run(self) -> None:
    """All steps, fed by the pipeline; the parameters move on."""
    for batch in self.experiment.pipeline.batches(0, self.steps):
      batch = sharding.put_batch(batch, self.experiment.mesh)
      self.state, metrics = self.experiment.train_step(
        self.state, self.frozen, batch
      )
    jax.block_until_ready((self.state, metrics))

  def run_input(self) -> None:
    """The pipeline alone."""
    for _ in self.experiment.pipeline.batches(0, self.steps):
      pass

  @property
  def flops(self) -> float | None:
    """Useful FLOPs of all steps."""
    flops_of = self.pace.flops_of
    return flops_of and sum(map(flops_of, self.counts))


class Theirs:
  """The PyTorch program, fed one way."""

  def __init__(self, ours: Ours, feed, steps: int):
    import torch

    from benchmarks import torch_model

    experiment = ours.experiment
    config, catalog = experiment.config, experiment.catalog
    self.torch, self.program = torch, torch_model
    self.steps, self.config = steps, config
    self.examples = [experiment.pipeline.examples_of(i) for i in range(steps)]
    self.model = torch_model.TorchRecommender(
      experiment.encoder.directory,
      hidden_width=config.head.width,
      scoring=config.scoring,
      trainable_layers=config.encoder.trainable_layers,
      dropout=config.encoder.dropout,
      positive_rate=1 / config.data.num_candidates,
    )
    torch_model.load_jax_params(self.model, ours.params)
    self.optimizer = torch_model.make_optimizer(self.model, config.optim)
    self.feed = lambda lists: feed(
      *lists,
      np.asarray(catalog.tokens),
      np.asarray(catalog.offsets),
      history_length=config.data.history_length,
      num_candidates=config.data.num_candidates,
    )
    self.loss = self._loss()

  def _loss(self) -> float:
    self.model.eval()
    with self.torch.no_grad():
      loss = self.program.loss_of(self.model, self.feed(self.examples[0]))
    self.model.train()
    return float(loss)

  def run(self) -> None:
    for lists in self.examples:
      self.program.train_step(
        self.model,
        self.optimizer,
        self.feed(lists),
        clip_norm=self.config.optim.clip_norm,
      )


def main() -> None:
  parser = setup.parser(__doc__.splitlines()[0])
  parser.add_argument('--against', choices=('none', 'torch'), default='none')
  parser.add_argument('--cases', default=','.join(CASES))
  parser.add_argument('--steps', type=int, default=2, help='of a round')
  parser.add_argument('--frozen_steps', type=int, default=100)
  args = parser.parse_args()
  cases = {name: CASES[name] for name in args.cases.split(',')}

  contenders, work, flops, losses, ours = {}, {}, {}, {}, {}
  for case, layers in cases.items():
    steps = args.frozen_steps if case == 'frozen' else args.steps
    experiment = setup.experiment(args, **{'encoder.trainable_layers': layers})
    with jax.set_mesh(experiment.mesh):
      mine = ours[case] = Ours(experiment, steps)
    name = f'{case}/jaxrec'
    contenders[name], losses[name] = in_mesh(mine, 'run'), mine.loss
    work[name] = steps * args.batch_size
    if case == 'all':
      contenders['all/input'] = in_mesh(mine, 'run_input')
      work['all/input'] = work[name]
    flops[name] = mine.flops
    if args.against == 'torch' and case != 'frozen':
      from benchmarks import torch_model

      feeds = {'torch_dedup': torch_model.dedup}
      if case == 'all':
        feeds['torch_padded'] = torch_model.padded
      for theirs, feed in feeds.items():
        name = f'{case}/{theirs}'
        program = Theirs(mine, feed, steps)
        contenders[name], losses[name] = program.run, program.loss
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
  some = next(iter(ours.values()))
  peak = some.pace.peak
  setup.report(
    args,
    {
      'examples_per_second': rates,
      'ratios': ratios,
      'loss_of_first_batch': losses,
      'mfu': {
        name: total / statistics.median(taken[name]) / peak
        for name, total in flops.items()
        if total and peak
      },
      'peak_flops': peak,
      'peak_flops_source': some.pace.peak_source,
      'distinct_shapes': {
        case: mine.experiment.train_step._cache_size()
        for case, mine in ours.items()
      },
    },
  )


def in_mesh(ours: Ours, method: str):
  """`ours.method` inside its mesh."""

  def call():
    with jax.set_mesh(ours.experiment.mesh):
      getattr(ours, method)()

  return call


if __name__ == '__main__':
  main()
