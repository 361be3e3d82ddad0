"""The two programs that train: jaxrec's and PyTorch's, on the same batches."""

from collections.abc import Callable

import jax
import numpy as np
from flax import nnx

from jaxrec.parallel import sharding
from jaxrec.training.state import merge_params
from jaxrec.training.steps import batch_loss


class JaxProgram:
  """jaxrec's step on an experiment, warm.

  Args:
    experiment: an Experiment.
    steps: that `run` takes.

  Attributes:
    params: parameters before the first step, on the host.
    pace: counts FLOPs.
    batches: of the steps.
    loss: of the first batch, without dropout.
  """

  def __init__(self, experiment, steps: int):
    self.experiment, self.steps = experiment, steps
    with jax.set_mesh(experiment.mesh):
      self.state, self.frozen = experiment.init()
      self.params = jax.device_get(merge_params(self.state.params, self.frozen))
      self.pace = experiment.pace()
      counted = list(experiment.pipeline.counted(0, steps))
      self.batches, self._counts = zip(*counted, strict=True)
      self.loss = self._loss()
    self.run()  # Compiles every shape there is.

  def _loss(self) -> float:
    def loss(params, batch):
      model = nnx.merge(self.experiment.graphdef, params)
      return batch_loss(model, batch, self.experiment.objectives)

    batch = sharding.put_batch(self.batches[0], self.experiment.mesh)
    return float(jax.jit(loss)(self.params, batch))

  def run(self) -> None:
    """All steps, fed by the pipeline; the parameters move on."""
    with jax.set_mesh(self.experiment.mesh):
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
    """Useful FLOPs of all steps; None where no encoder runs."""
    flops_of = self.pace.flops_of
    return flops_of and sum(map(flops_of, self._counts))


class TorchProgram:
  """The PyTorch program from the same start, fed one way.

  Args:
    jax_program: whose experiment, steps and first parameters it has.
    feed: one of `torch_model`'s ways to make the inputs.

  Attributes:
    examples: histories, candidates and labels of each step.
    loss: of the first batch, without dropout.
  """

  def __init__(self, jax_program: JaxProgram, feed: Callable):
    import torch

    from benchmarks import torch_model

    experiment = jax_program.experiment
    config, catalog = experiment.config, experiment.catalog
    self._torch, self._program, self._config = torch, torch_model, config
    self.examples = [
      experiment.pipeline.examples_of(i) for i in range(jax_program.steps)
    ]
    self._model = torch_model.TorchRecommender(
      experiment.encoder.directory,
      hidden_width=config.model.head.width,
      scoring=config.model.terms['text'].scoring,
      trainable_layers=config.model.text.trainable_layers,
      dropout=config.model.text.dropout,
      positive_rate=1 / config.input.num_candidates,
    )
    torch_model.load_jax_params(self._model, jax_program.params)
    self._optimizer = torch_model.make_optimizer(
      self._model, config.optimizer, config.model.text.learning_rate
    )
    self.feed = lambda lists: feed(
      *lists,
      np.asarray(catalog.tokens),
      np.asarray(catalog.offsets),
      history_length=config.input.history_length,
      num_candidates=config.input.num_candidates,
    )
    self.loss = self._loss()

  def _loss(self) -> float:
    self._model.eval()
    with self._torch.no_grad():
      loss = self._program.loss_of(self._model, self.feed(self.examples[0]))
    self._model.train()
    return float(loss)

  def run(self) -> None:
    """All steps; the parameters move on."""
    for lists in self.examples:
      self._program.train_step(
        self._model,
        self._optimizer,
        self.feed(lists),
        clip_norm=self._config.optimizer.clip_norm,
      )
