"""Evaluation: encoding the catalog, scoring impressions, ranking all items.

    python -m benchmarks.evaluate --data=../shared/data/mind --against=torch

- `encode`, items/s: titles through MiniLM, beside torch with every title padded
  to 32 tokens; the vectors must agree.
- `score`, impressions/s: user vectors, logits and metrics of the test split,
  from vectors of its items.
- `top_k`, users/s: the 10 nearest of the whole catalog by cosine, exact, beside
  NumPy (and torch); all must find the same items.
"""

from benchmarks import setup  # isort: skip (first: it sets the environment)

import functools
from collections.abc import Sequence

import numpy as np

TOP = 10
SAME_VECTORS = 1e-4


def main(argv: Sequence[str] | None = None) -> None:
  parser = setup.parser(__doc__.splitlines()[0])
  setup.add_against(parser)
  parser.add_argument('--titles', type=int, default=2048, help='of a round')
  parser.add_argument('--users', type=int, default=512, help='of a round')
  args = parser.parse_args(argv)
  setup.check_against(args)
  experiment = setup.experiment(args)
  import jax

  with jax.set_mesh(experiment.mesh):
    rates = measure(args, experiment)
  setup.report(args, rates)


def measure(args, experiment) -> dict:
  """Rates and ratios of the three parts."""
  from jaxrec.encoding.steps import make_encode_step
  from jaxrec.retrieval.sharded_index import ItemIndex

  rng = np.random.default_rng(0)
  titles = rng.permutation(len(experiment.catalog))[: args.titles]
  vectors = unit(np.array(experiment.encoder.vectors))
  users = vectors[rng.permutation(len(vectors))[: args.users]]
  test = experiment.dataset.test
  state, frozen = experiment.init()

  def score():
    scorer = experiment.judge.scorer(state.params, frozen)
    experiment.judge.protocol.judge(scorer, test, 0.0)

  encoder, params = experiment.encoder.on_tokens(make_encode_step)
  index = ItemIndex(vectors, experiment.mesh)
  parts = {
    'encode': {'jaxrec': lambda: encoder.pooled(params, titles)},
    'score': {'jaxrec': score},
    'top_k': {
      'jaxrec': lambda: index.top_k(users, TOP).items,
      'numpy': functools.partial(numpy_top_k, users, vectors),
    },
  }
  if args.against == 'torch':
    parts['encode']['torch_padded'] = torch_encoder(experiment, titles)
    parts['top_k']['torch'] = torch_top_k(users, vectors)

  parts_rates = {}
  work = {'encode': len(titles), 'score': len(test), 'top_k': len(users)}
  for part, contenders in parts.items():
    # Compiles, and must agree.
    results = {name: call() for name, call in contenders.items()}
    jax_result = results.pop('jaxrec')
    for result in results.values():
      if part == 'top_k':
        check_same_lists(users, vectors, result, jax_result)
      else:
        np.testing.assert_allclose(result, jax_result, atol=SAME_VECTORS)
    taken = setup.interleaved(contenders, args.rounds)
    rates = setup.rates(taken, dict.fromkeys(contenders, work[part]))
    parts_rates[part] = {
      'per_second': rates,
      'ratios': {
        f'jaxrec / {name}': setup.ratio(rates, 'jaxrec', name)
        for name in results
      },
    }
  return parts_rates


def check_same_lists(users, vectors, items, other_items) -> None:
  """AssertionError unless each user's items [U, K] are as near in both.

  By score, since titles occur more than once; in any order.
  """
  scores, other_scores = (
    np.sort(np.einsum('ud,ukd->uk', users, vectors[listed]))
    for listed in (items, other_items)
  )
  np.testing.assert_allclose(scores, other_scores, atol=SAME_VECTORS)


def unit(x: np.ndarray) -> np.ndarray:
  return x / np.linalg.norm(x, axis=-1, keepdims=True)


def numpy_top_k(users: np.ndarray, items: np.ndarray) -> np.ndarray:
  """Exact: a matmul and a partition, by blocks of users."""
  found = []
  for begin in range(0, len(users), 64):
    scores = users[begin : begin + 64] @ items.T
    found.append(np.argpartition(scores, -TOP, axis=1)[:, -TOP:])
  return np.concatenate(found)


def torch_top_k(users: np.ndarray, items: np.ndarray):
  import torch

  users, items = torch.from_numpy(users), torch.from_numpy(items)
  return lambda: torch.topk(users @ items.T, TOP).indices.numpy()


def torch_encoder(experiment, titles: np.ndarray):
  """Titles padded to 32 tokens, 64 at a time, mean-pooled."""
  import torch
  import transformers

  transformers.logging.set_verbosity_error()
  catalog, width = experiment.catalog, experiment.config.model.text.max_tokens
  bert = transformers.BertModel.from_pretrained(
    experiment.encoder.directory,
    add_pooling_layer=False,
    attn_implementation='sdpa',
  ).eval()

  @torch.no_grad()
  def encode():
    found = []
    for begin in range(0, len(titles), 64):
      items = titles[begin : begin + 64]
      lengths = catalog.lengths[items]
      mask = np.arange(width) < lengths[:, None]
      ids = np.zeros(mask.shape, np.int64)
      ids[mask] = np.concatenate(
        [catalog.tokens[slice(*catalog.offsets[i : i + 2])] for i in items]
      )
      mask = torch.from_numpy(mask.astype(np.int64))
      hidden = bert(torch.from_numpy(ids), mask).last_hidden_state
      weights = mask[..., None].float()
      found.append((hidden * weights).sum(1) / weights.sum(1))
    return torch.cat(found).numpy()

  return encode


if __name__ == '__main__':
  setup.run(main)
