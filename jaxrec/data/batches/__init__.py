"""Item indices -> batches of arrays, for training and for evaluation."""
