"""The recommender in PyTorch and transformers, to measure jaxrec beside.

What a careful user would write: the same model, loss and optimizer, from the
libraries' own modules. It is fed in two ways: `padded`, as public news
recommenders do it, every slot of every example through BERT; and `dedup`, each
distinct item of the batch once, sorted by length, in chunks.

    inputs = dedup(histories, candidates, labels, tokens, offsets, ...)
    loss = train_step(model, optimizer, inputs, clip_norm=1.0)

Making the inputs is host work of every step, as in a DataLoader's collate, and
counts towards the step's time.
"""

import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
import transformers
from flax.traverse_util import flatten_dict
from torch import nn
from torch.nn.utils import rnn

from jaxrec.errors import UserError, choices
from jaxrec.training.optimizer import OptimizerConfig

EPSILON = 1e-6  # Of `unit`; jaxrec's.
# Paths of the jaxrec parameters that this model has beside the encoder's.
READ = {
  'terms/text/project/kernel',
  'terms/text/project/bias',
  'head/lstm/inputs/kernel',
  'head/lstm/inputs/bias',
  'head/lstm/recurrent/kernel',
  'head/correct/kernel',
  'head/mean/empty',
  'terms/text/scale',
  'bias',
}


class Inputs(NamedTuple):
  """One batch, on the CPU.

  The texts' vectors, in the order of `texts`, are the table that `history` and
  `candidates` point into. Where a mask is False, or a history is over, the
  slot points anywhere and does not count.

  Attributes:
    texts: chunks of items, each (tokens int64 [n, t], mask int64 [n, t]).
    history: int64 [B, H], oldest first.
    lengths: int64 [B], of the histories.
    candidates, candidate_mask: int64 and bool [B, C].
    labels: float32 [B, C], 1 for clicked.
  """

  texts: list[tuple[torch.Tensor, torch.Tensor]]
  history: torch.Tensor
  lengths: torch.Tensor
  candidates: torch.Tensor
  candidate_mask: torch.Tensor
  labels: torch.Tensor

  def to(self, device: torch.device) -> 'Inputs':
    """The same on `device`, but for `lengths`, which nn.LSTM reads here."""
    move = lambda x: x.to(device, non_blocking=True)
    return Inputs(
      texts=[(move(tokens), move(mask)) for tokens, mask in self.texts],
      history=move(self.history),
      lengths=self.lengths,
      candidates=move(self.candidates),
      candidate_mask=move(self.candidate_mask),
      labels=move(self.labels),
    )


# ------------------------------------------------------------------- feeding
def _pad(rows: Sequence[np.ndarray], width: int, fill: int, dtype):
  """Lists of numbers -> [B, width] filled up with `fill`, and their lengths."""
  lengths = np.array([len(row) for row in rows])
  padded = np.full((len(rows), width), fill, dtype)
  padded[np.arange(width) < lengths[:, None]] = np.concatenate(rows)
  return padded, lengths


def _texts(items: np.ndarray, tokens: np.ndarray, offsets: np.ndarray, width):
  """Tokens and mask, int64 [n, width], of items; -1 is an empty slot.

  An empty slot is one [PAD]: attention to nothing would be NaN.
  """
  begin = offsets[items]
  lengths = np.where(items < 0, 1, offsets[items + 1] - begin)
  if lengths.max() > width:
    raise UserError(
      f'an item has {lengths.max()} tokens: max_tokens={width} is too few'
    )
  mask = np.arange(width) < lengths[:, None]
  ids = np.zeros(mask.shape, np.int64)
  place = mask & (items >= 0)[:, None]
  ids[place] = tokens[(begin[:, None] + np.arange(width))[place]]
  return torch.from_numpy(ids), torch.from_numpy(mask.astype(np.int64))


def _inputs(texts, history, lengths, candidates, counts, labels) -> Inputs:
  """Inputs of padded slots, NumPy, and how many of each example's count."""
  width = candidates.shape[1]
  wanted, _ = _pad(labels, width, 0, np.float32)
  return Inputs(
    texts=texts,
    history=torch.from_numpy(history),
    lengths=torch.from_numpy(lengths),
    candidates=torch.from_numpy(candidates),
    candidate_mask=torch.from_numpy(np.arange(width) < counts[:, None]),
    labels=torch.from_numpy(wanted),
  )


def padded(
  histories: Sequence[np.ndarray],
  candidates: Sequence[np.ndarray],
  labels: Sequence[np.ndarray],
  tokens: np.ndarray,
  offsets: np.ndarray,
  *,
  history_length: int,
  num_candidates: int,
  max_tokens: int = 32,
) -> Inputs:
  """Every slot is a text of `max_tokens`: [B * (H + C), T] through BERT.

  Args:
    histories, candidates, labels: one int array per example, at most
      history_length, num_candidates, num_candidates long.
    tokens: int32, all items' tokens end to end.
    offsets: int64 [N + 1]; item i's tokens are offsets[i]..offsets[i + 1].
    history_length: H.
    num_candidates: C.
    max_tokens: T.

  Raises:
    UserError: an item is longer than `max_tokens`.
  """
  history, lengths = _pad(histories, history_length, -1, np.int64)
  shown, counts = _pad(candidates, num_candidates, -1, np.int64)
  items = np.concatenate([history, shown], axis=1)
  slots = np.arange(items.size).reshape(items.shape)
  texts = [_texts(items.ravel(), tokens, offsets, max_tokens)]
  history, shown = slots[:, :history_length], slots[:, history_length:]
  return _inputs(texts, history, lengths, shown, counts, labels)


def dedup(
  histories: Sequence[np.ndarray],
  candidates: Sequence[np.ndarray],
  labels: Sequence[np.ndarray],
  tokens: np.ndarray,
  offsets: np.ndarray,
  *,
  history_length: int,
  num_candidates: int,
  chunk: int = 64,
) -> Inputs:
  """Each distinct item once, longest first, in chunks padded to their longest.

  Args:
    histories, candidates, labels, tokens, offsets: see `padded`.
    history_length: H, that no history exceeds; slots go to the longest one.
    num_candidates: C.
    chunk: texts that BERT reads at a time.
  """
  flat = np.concatenate(  # Where a list is empty it would be floats.
    [*histories, *candidates], dtype=np.int64, casting='unsafe'
  )
  distinct, slots = np.unique(flat, return_inverse=True)
  sizes = offsets[distinct + 1] - offsets[distinct]
  order = np.argsort(-sizes, kind='stable')
  rows = np.empty_like(order)  # Of the table, by place among the distinct.
  rows[order] = np.arange(len(order))
  ends = np.cumsum([len(x) for x in (*histories, *candidates)])
  parts = np.split(rows[slots], ends[:-1])
  width = min(history_length, max(1, *map(len, histories)))
  history, lengths = _pad(parts[: len(histories)], width, 0, np.int64)
  shown, counts = _pad(parts[len(histories) :], num_candidates, 0, np.int64)
  texts = [
    _texts(distinct[part], tokens, offsets, sizes[part[0]])
    for part in np.split(order, range(chunk, len(order), chunk))
  ]
  return _inputs(texts, history, lengths, shown, counts, labels)


# --------------------------------------------------------------------- model
def unit(x: torch.Tensor) -> torch.Tensor:
  """`x` with its last axis at length 1; zeros stay zeros."""
  return x * torch.rsqrt(x.square().sum(-1, keepdim=True) + EPSILON)


class TorchRecommender(nn.Module):
  """jaxrec's Recommender with pooling 'mean' and head 'lstm'.

  Args:
    directory: Hugging Face directory of a BERT.
    hidden_width: W, of the LSTM.
    scoring: 'cosine' or 'dot'.
    trainable_layers: how many of BERT's layers train, from the top; -1 for all
      of them and the embeddings.
    dropout: on the outputs of attention and MLP in the layers that train.
    positive_rate: share of candidates that are clicked in training.

  Raises:
    UserError: `trainable_layers` or `scoring` that cannot be.
  """

  def __init__(
    self,
    directory: str | pathlib.Path,
    *,
    hidden_width: int = 256,
    scoring: str = 'cosine',
    trainable_layers: int = -1,
    dropout: float = 0.0,
    positive_rate: float = 0.5,
  ):
    super().__init__()
    if scoring not in ('cosine', 'dot'):
      raise UserError(f'scoring: {choices(scoring, ("cosine", "dot"))}')
    self.bert = transformers.BertModel.from_pretrained(
      directory,
      add_pooling_layer=False,
      attn_implementation='sdpa',
      hidden_dropout_prob=dropout,
      attention_probs_dropout_prob=0.0,
    )
    self._freeze(trainable_layers)
    width = self.bert.config.hidden_size
    self.project = nn.Linear(width, width)
    self.lstm = nn.LSTM(width, hidden_width, batch_first=True)
    # A second bias of the same gates would double their learning rate.
    self.lstm.bias_hh_l0.requires_grad_(False).zero_()
    self.correct = nn.Linear(hidden_width, width, bias=False)
    self.empty = nn.Parameter(torch.randn(width) * width**-0.5)
    self.scale = nn.Parameter(torch.tensor(5.0 if scoring == 'cosine' else 1.0))
    odds = positive_rate / (1 - positive_rate)
    self.bias = nn.Parameter(torch.tensor(math.log(odds)))
    self.scoring = scoring
    with torch.no_grad():
      nn.init.eye_(self.project.weight)
      nn.init.zeros_(self.project.bias)
      nn.init.zeros_(self.correct.weight)
      nn.init.zeros_(self.lstm.bias_ih_l0)
      self.lstm.bias_ih_l0[hidden_width : 2 * hidden_width] = 1.0
    self.train()  # from_pretrained leaves BERT in eval mode.

  def _freeze(self, trainable_layers: int) -> None:
    # Autograd records nothing below the first parameter that has a gradient.
    layers = self.bert.encoder.layer
    if not -1 <= trainable_layers <= len(layers):
      raise UserError(
        f'trainable_layers is {trainable_layers}; this BERT has {len(layers)} '
        f'layers: give 0..{len(layers)}, or -1 for all'
      )
    self.bert.embeddings.dropout.p = 0.0  # Ours has none there.
    if trainable_layers == -1:
      return
    frozen = layers[: len(layers) - trainable_layers]
    for module in (self.bert.embeddings, *frozen):
      module.requires_grad_(False)
      for part in module.modules():
        if isinstance(part, nn.Dropout):
          part.p = 0.0

  def item_vectors(self, tokens, mask) -> torch.Tensor:
    """tokens, mask: int64 [n, t] -> float32 [n, D]."""
    states = self.bert(input_ids=tokens, attention_mask=mask).last_hidden_state
    shares = mask.to(states.dtype)
    shares = shares / shares.sum(1, keepdim=True)
    pooled = torch.bmm(shares[:, None], states)[:, 0]
    x = self.project(pooled)
    return unit(x) if self.scoring == 'cosine' else x

  def user_vectors(self, history, lengths) -> torch.Tensor:
    """Item vectors [B, H, D] and lengths [B] on the CPU -> [B, D]."""
    packed = rnn.pack_padded_sequence(
      history, lengths.clamp(min=1), batch_first=True, enforce_sorted=False
    )
    _, (hidden, _) = self.lstm(packed)
    lengths = lengths.to(history.device)[:, None]
    steps = torch.arange(history.shape[1], device=history.device)
    mask = (steps < lengths).to(history.dtype)
    mean = torch.bmm(mask[:, None], history)[:, 0] / lengths.clamp(min=1)
    some = lengths > 0
    user = torch.where(some, mean, self.empty)
    user = user + self.correct(hidden[0] * some)
    return unit(user) if self.scoring == 'cosine' else user

  def forward(self, inputs: Inputs) -> torch.Tensor:
    """Logits, float32 [B, C]."""
    table = torch.cat([self.item_vectors(*text) for text in inputs.texts])

    def look_up(slots):
      found = table.index_select(0, slots.flatten())
      return found.view(*slots.shape, -1)

    users = self.user_vectors(look_up(inputs.history), inputs.lengths)
    items = look_up(inputs.candidates)
    return self.scale * torch.bmm(items, users[..., None])[..., 0] + self.bias


def load_jax_params(model: TorchRecommender, params: Mapping) -> None:
  """Fills the head from jaxrec's parameters; BERT stays as its directory's.

  Args:
    model: what to fill.
    params: nested dict of a Recommender's parameters, NumPy arrays; 'encoder'
      may be missing and is not read.

  Raises:
    KeyError, RuntimeError: a parameter is missing or of another shape.
    UserError: there is one that this model does not have: of fields, ids,
      biases or trends, or of another head.
  """
  _check_known(params)
  head, text = params['head'], params['terms']['text']
  gates = np.array(head['lstm']['inputs']['bias'])
  # jaxrec adds 1 to the forget gate, the second of four, outside its bias.
  gates[len(gates) // 4 : len(gates) // 2] += 1
  arrays = {
    'project.weight': text['project']['kernel'].T,
    'project.bias': text['project']['bias'],
    'lstm.weight_ih_l0': head['lstm']['inputs']['kernel'].T,
    'lstm.bias_ih_l0': gates,
    'lstm.weight_hh_l0': head['lstm']['recurrent']['kernel'].T,
    'lstm.bias_hh_l0': np.zeros_like(gates),
    'correct.weight': head['correct']['kernel'].T,
    'empty': head['mean']['empty'],
    'scale': text['scale'],
    'bias': params['bias'],
  }
  bert = {f'bert.{name}': x for name, x in model.bert.state_dict().items()}
  model.load_state_dict(
    bert | {name: torch.tensor(np.array(x)) for name, x in arrays.items()}
  )


def _check_known(params: Mapping) -> None:
  """UserError if a Recommender's parameters hold what is not in READ."""
  paths = {
    '/'.join(map(str, path))
    for path in flatten_dict(dict(params))
    if path[0] != 'encoder'
  }
  if extra := sorted(paths - READ):
    raise UserError(
      f'the PyTorch recommender has no {", ".join(extra)}: measure one of '
      'texts alone, whose head is an LSTM'
    )


# ------------------------------------------------------------------ training
def make_optimizer(
  model: TorchRecommender,
  config: OptimizerConfig,
  encoder_learning_rate: float,
) -> torch.optim.AdamW:
  """AdamW with a constant learning rate for the encoder, one for the rest.

  Args:
    model: what trains.
    config: of jaxrec's optimizer; weights that decay are matrices other than
      embeddings. Its schedule and its clipping are not read.
    encoder_learning_rate: of BERT; the rest has the config's.
  """
  embeddings = {
    id(module.weight)
    for module in model.modules()
    if isinstance(module, nn.Embedding)
  }
  rates = {'encoder': encoder_learning_rate, 'head': config.learning_rate}
  groups = {}
  for name, x in model.named_parameters():
    if x.requires_grad:
      part = 'encoder' if name.startswith('bert.') else 'head'
      decays = x.ndim == 2 and id(x) not in embeddings
      groups.setdefault((part, decays), []).append(x)
  return torch.optim.AdamW(
    [
      {
        'params': parameters,
        'lr': rates[part],
        'weight_decay': config.weight_decay if decays else 0.0,
      }
      for (part, decays), parameters in groups.items()
    ],
    betas=(config.b1, config.b2),
    fused=True,
  )


def loss_of(model: TorchRecommender, inputs: Inputs) -> torch.Tensor:
  """Mean sigmoid cross-entropy over the batch's candidates, in nats."""
  mask = inputs.candidate_mask
  each = nn.functional.binary_cross_entropy_with_logits(
    model(inputs), inputs.labels, reduction='none'
  )
  return torch.where(mask, each, 0).sum() / mask.sum().clamp(min=1)


def train_step(
  model: TorchRecommender,
  optimizer: torch.optim.Optimizer,
  inputs: Inputs,
  *,
  clip_norm: float,
) -> torch.Tensor:
  """One step of training in place; returns the loss before it, a scalar.

  Args:
    model, optimizer: what is stepped.
    inputs: one batch; moved to where the model is.
    clip_norm: of the gradient's global norm; 0 for no clipping.
  """
  loss = loss_of(model, inputs.to(model.scale.device))
  loss.backward()
  if clip_norm:
    nn.utils.clip_grad_norm_(
      (x for x in model.parameters() if x.requires_grad), clip_norm
    )
  optimizer.step()
  optimizer.zero_grad(set_to_none=True)
  return loss.detach()
