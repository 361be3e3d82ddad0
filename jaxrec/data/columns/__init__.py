"""Prepared data: flat arrays with offsets, memory-mapped from disk."""
