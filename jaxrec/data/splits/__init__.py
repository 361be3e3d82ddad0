"""How a dataset is cut into what is learned from and what is predicted.

Datasets of impressions are cut as their publisher cut them, or by time.
Datasets of sequences are cut by one of `SEQUENCE_PROTOCOLS`: a new one is a
function of `held_out.py`, and its name here. This module imports nothing heavy,
so that a config's names can be checked early.
"""

IMPRESSIONS = 'impressions'
SEQUENCE_PROTOCOLS = ('cold_items', 'leave_one_out', 'time_split')
