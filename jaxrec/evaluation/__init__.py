"""From scores to what results.json says.

protocols.py: who is ranked among what, and a scorer judged by it. scorers.py:
what a scorer is. summary.py: ours beside the baselines. confidence.py: the
bootstrap. calibration.py: probabilities. lists.py, slices.py: what recommended
lists are like, and parts of a split. predictions.py: files for other programs.
"""
