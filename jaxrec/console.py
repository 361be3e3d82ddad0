"""What people look at: a progress bar, and tables."""

import contextlib
import time

from rich import box
from rich.console import Console
from rich.progress import (
  BarColumn,
  MofNCompleteColumn,
  Progress,
  TextColumn,
  TimeRemainingColumn,
)
from rich.table import Table

LINE_SECONDS = 10.0  # Between lines where there is no terminal to draw on.
SETTLED = 4  # Advances before time left is told: the first one compiles.


class Display:
  """Writes to a console; a bar on a terminal, now and then a line elsewhere.

  Args:
    quiet: for all processes but the first: writes nothing.
  """

  def __init__(self, *, quiet: bool = False):
    self.console = Console(quiet=quiet, soft_wrap=True)

  def say(self, text: str) -> None:
    """One line, as it is."""
    self.console.print(text, markup=False, highlight=False)

  @contextlib.contextmanager
  def track(self, description: str, total: int, done: int = 0):
    """A bar over `total`; yields advance(count, note='')."""
    columns = (
      TextColumn('{task.description}'),
      BarColumn(bar_width=10),  # The note is what 80 columns are for.
      MofNCompleteColumn(),
      TextColumn('{task.fields[note]}'),
      TextColumn('left'),
      TimeRemainingColumn(),
    )
    drawn = self.console.is_terminal
    last = time.monotonic()
    state = {'done': done, 'advances': 0}
    with Progress(
      *columns, console=self.console, disable=not drawn
    ) as progress:
      task = progress.add_task(
        description, total=total, completed=done, note=''
      )

      def advance(count: int, note: str = '') -> None:
        nonlocal last
        now = time.monotonic()
        state['done'] += count
        state['advances'] += 1
        if state['advances'] == 1:
          state['began'], state['before'] = now, state['done']
        fields = {'note': note} if note else {}
        progress.update(task, advance=count, **fields)
        if drawn or (now - last < LINE_SECONDS and state['done'] < total):
          return
        last = now
        parts = [f'{description} {state["done"]}/{total}', note]
        timed = state['done'] - state['before']
        if state['advances'] >= SETTLED and timed:
          pace = (now - state['began']) / timed
          parts.append(f'{pace * (total - state["done"]):.0f} s left')
        self.say(', '.join(part for part in parts if part))

      yield advance

  def parameters(self, rows: list[tuple[str, tuple, str, int]]) -> None:
    """What `sharding.placement` gives."""
    table = _plain_table()
    table.add_column('parameter', overflow='fold')
    table.add_column(' shape')
    table.add_column(' split over')
    table.add_column(' MB a device', justify='right')
    for path, shape, split, size in rows:
      shape = ' x '.join(map(str, shape))
      table.add_row(path, f' {shape}', f' {split}', f'{size / 1e6:,.3f}')
    total = sum(row[-1] for row in rows) / 1e6
    table.add_row('all', '', '', f'{total:,.3f}')
    self.console.print(table)

  def table(self, title: str, rows: dict[str, dict[str, str]]) -> None:
    """Rows by name, one column per key; meant for 80 columns."""
    table = _plain_table(title)
    table.add_column('')
    for name in next(iter(rows.values())):
      table.add_column(name, justify='right', no_wrap=True)
    for label, cells in rows.items():
      table.add_row(label, *cells.values())
    self.console.print(table)


def _plain_table(title: str | None = None) -> Table:
  return Table(
    title=title,
    title_justify='left',
    box=box.SIMPLE_HEAD,
    padding=0,
    pad_edge=False,
    show_edge=False,
  )
