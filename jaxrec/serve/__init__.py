"""A bundle over HTTP: recommendations, scores, items, and a page to look at.

    python -m jaxrec.serve --bundle=DIR

It needs the extra `serve`.
"""
