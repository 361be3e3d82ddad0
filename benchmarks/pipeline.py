"""The input alone, in batches/s: indices to packed batches on the host.

    python -m benchmarks.pipeline --data=../shared/data/mind

For each way that items enter: packed `tokens` (all layers train), `hidden`
states (the top 2 do) and `vectors` (frozen).
"""

from benchmarks import setup  # isort: skip (first: it sets the environment)

import jax

CASES = {'tokens': -1, 'hidden': 2, 'vectors': 0}


def main() -> None:
  parser = setup.parser(__doc__.splitlines()[0])
  parser.add_argument('--steps', type=int, default=100, help='of a round')
  args = parser.parse_args()
  contenders, pipelines = {}, {}
  for name, layers in CASES.items():
    experiment = setup.experiment(args, **{'encoder.trainable_layers': layers})
    with jax.set_mesh(experiment.mesh):
      pipelines[name] = experiment.pipeline

    def run(pipeline=pipelines[name]):
      for _ in pipeline.batches(0, args.steps):
        pass

    contenders[name] = run
  taken = setup.interleaved(contenders, args.rounds)
  work = dict.fromkeys(contenders, args.steps)
  setup.report(
    args,
    {
      'batches_per_second': setup.rates(taken, work),
      'examples_an_epoch': pipelines['tokens'].num_examples,
    },
  )


if __name__ == '__main__':
  main()
