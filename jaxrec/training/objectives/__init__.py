"""Objectives by name: one file, and one line with its import here, for each."""

from jaxrec.training.objectives.contrast import ContrastObjective
from jaxrec.training.objectives.impressions import ImpressionsObjective
from jaxrec.training.objectives.next_item import NextItemObjective
from jaxrec.training.objectives.objective import Objective

OBJECTIVES: dict[str, type[Objective]] = {
  'impressions': ImpressionsObjective,
  'next_item': NextItemObjective,
  'contrast': ContrastObjective,
}
