"""From scores to what results.json says.

protocols.py: who is ranked among what, and a scorer judged by it. summary.py:
ours beside the baselines. confidence.py: the bootstrap. lists.py, slices.py:
what recommended lists are like, and parts of a split. predictions.py: files for
other programs.
"""
