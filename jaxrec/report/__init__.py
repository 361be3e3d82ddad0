"""What a run reached, to look at: report.html, and tables of several runs.

render.py: the page, from results.json; sections.py: its sections; figures.py:
their plots; plot_style.py: how plots look; words.py: sentences and numbers;
curves.py: what event files hold. table.py: the final table on the console.
seeds.py: the seeds of one config together; comparison.py: several configs in
tables; comparison_figure.py: in a figure. templates.py: *.j2, filled.
"""
