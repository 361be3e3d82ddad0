"""Models: one per file, keyword arguments in, arrays out."""
