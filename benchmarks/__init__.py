"""Speed: of training beside PyTorch, of the input pipeline, of evaluation."""
