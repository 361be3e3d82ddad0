"""Heads by name: one file, and one line with its import here, for each."""

from jaxrec.models.heads.head import Head
from jaxrec.models.heads.lstm import LstmHead
from jaxrec.models.heads.mean import MeanHead

HEADS: dict[str, type[Head]] = {'lstm': LstmHead, 'mean': MeanHead}
