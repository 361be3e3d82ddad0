"""The catalog: what every item is, as tokens and as numbers."""
