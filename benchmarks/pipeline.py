"""The input alone, in batches/s: indices to packed batches on the host.

    python -m benchmarks.pipeline --data=../shared/data/mind

For each way that items enter: packed `tokens` (all layers train), `hidden`
states (the top 2 do) and `vectors` (frozen).
"""

from benchmarks import setup  # isort: skip (first: it sets the environment)

from collections.abc import Sequence

CASES = {'tokens': -1, 'hidden': 2, 'vectors': 0}


def main(argv: Sequence[str] | None = None) -> None:
  parser = setup.parser(__doc__.splitlines()[0])
  parser.add_argument('--steps', type=int, default=100, help='of a round')
  args = parser.parse_args(argv)
  setup.report(args, measure(args))


def measure(args) -> dict:
  """Batches/s of each way."""
  import jax

  contenders, pipelines = {}, {}
  for name, layers in CASES.items():
    experiment = setup.experiment(
      args, **{'model.text.trainable_layers': layers}
    )
    with jax.set_mesh(experiment.mesh):
      pipelines[name] = experiment.pipeline

    def run(pipeline=pipelines[name]):
      for _ in pipeline.batches(0, args.steps):
        pass

    contenders[name] = run
  taken = setup.interleaved(contenders, args.rounds)
  work = dict.fromkeys(contenders, args.steps)
  return {
    'batches_per_second': setup.rates(taken, work),
    'examples_an_epoch': pipelines['tokens'].num_examples,
  }


if __name__ == '__main__':
  setup.run(main)
