"""jaxrec: recommenders that read."""

__version__ = '0.1.0'
