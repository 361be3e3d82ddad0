"""Whole catalogs, ranked on a mesh.

sharded_index.py: item vectors on the devices, asked for the best of many users.
blocks.py: how users are cut into blocks. block_programs.py: what the devices
run of a block. top_k.py: scores, and the best k of them. choice.py: the chance
of each.
"""
