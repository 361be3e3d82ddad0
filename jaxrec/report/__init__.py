"""report.html: what a run reached, to look at.

render.py: the page, from results.json; figures.py: its plots; words.py: its
sentences; curves.py: what event files hold; showcase.py: examples.
comparison.py: several runs in one table; comparison_figure.py: its figure;
templates.py: *.j2, filled.
"""
