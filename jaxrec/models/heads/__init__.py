"""Heads by name: one file, and one line with its import here, for each."""

from jaxrec.models.heads.gru import GruHead
from jaxrec.models.heads.head import Head
from jaxrec.models.heads.lstm import LstmHead
from jaxrec.models.heads.mean import MeanHead
from jaxrec.models.heads.rnn import RnnHead
from jaxrec.models.heads.transformer import TransformerHead

HEADS: dict[str, type[Head]] = {
  'lstm': LstmHead,
  'gru': GruHead,
  'rnn': RnnHead,
  'transformer': TransformerHead,
  'mean': MeanHead,
}
