"""From scores to what results.json says.

config.py: the section of a config. protocols.py: who is ranked among what.
scorers.py: what a scorer is; model_scorer.py: our model as one. judged.py: what
a scorer did. metrics.py: numbers per example. summary.py: ours beside the
baselines; tuning.py: their settings; side_by_side.py: their differences;
other_way.py: seen items masked and kept. confidence.py: the bootstrap.
calibration.py: probabilities. lists.py: what recommended lists are like.
slices.py: parts of a split. showcase.py: examples to look at. predictions.py:
files for other programs.
"""
