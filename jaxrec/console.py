"""What people see on the console: progress, lines and tables."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

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
QUIET_SECONDS = 20.0  # Without a line, until one says that work goes on.
SETTLED = 4  # Advances before time left is shown: the first one compiles.


class Display:
  """Writes to a console; a bar on a terminal, now and then a line elsewhere.

  Args:
    quiet: for all processes but the first: writes nothing.
  """

  def __init__(self, *, quiet: bool = False):
    self.console = Console(quiet=quiet, soft_wrap=True)
    self._last = time.monotonic()  # When something was written.

  def say(self, text: str) -> None:
    """One line, as it is."""
    self.console.print(text, markup=False, highlight=False)
    self._last = time.monotonic()

  @contextlib.contextmanager
  def working(self, doing: str) -> Iterator[None]:
    """Says now and then that something long goes on, where nothing else does.

    Args:
      doing: what goes on, 'reading the files'.
    """
    ended, began = threading.Event(), time.monotonic()

    def watch() -> None:
      while not ended.wait(QUIET_SECONDS / 4):
        now = time.monotonic()
        if now - self._last >= QUIET_SECONDS:
          self.say(f'still {doing}, {now - began:.0f} s so far')

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
      yield
    finally:
      ended.set()
      watcher.join()

  @contextlib.contextmanager
  def track(
    self, description: str, total: int, done: int = 0
  ) -> Iterator[Callable[..., None]]:
    """Shows progress: a bar on a terminal, now and then a line elsewhere.

    Args:
      description: of what is done.
      total: how much of it there is.
      done: how much was done before.

    Yields:
      advance(count, note=''), to be called when so much more is done.
    """
    columns = (
      TextColumn('{task.description}'),
      BarColumn(bar_width=10),  # The note is what 80 columns are for.
      MofNCompleteColumn(),
      TextColumn('{task.fields[note]}'),
      TextColumn('left'),
      TimeRemainingColumn(),
    )
    drawn = self.console.is_terminal
    advances, before, began, last = 0, done, 0.0, time.monotonic()
    with Progress(
      *columns, console=self.console, disable=not drawn
    ) as progress:
      task = progress.add_task(
        description, total=total, completed=done, note=''
      )

      def advance(count: int, note: str = '') -> None:
        nonlocal done, advances, before, began, last
        now = time.monotonic()
        done += count
        advances += 1
        if advances == 1:
          began, before = now, done
        progress.advance(task, count)
        if note:
          progress.update(task, note=note)
        if drawn or (now - last < LINE_SECONDS and done < total):
          return
        last = now
        parts = [f'{description} {done}/{total}', note]
        if advances >= SETTLED and done > before:
          pace = (now - began) / (done - before)
          parts.append(f'{pace * (total - done):.0f} s left')
        self.say(', '.join(part for part in parts if part))

      yield advance

  def parameters(self, rows: list[tuple[str, tuple, str, int]]) -> None:
    """A table of all parameters; `rows` are those of `sharding.placement`."""
    table = _plain_table()
    table.add_column('parameter', overflow='fold')
    table.add_column(' shape')
    table.add_column(' split over')
    table.add_column(' MB a device', justify='right')
    for path, shape, split, size in rows:
      sides = ' x '.join(map(str, shape))
      table.add_row(path, f' {sides}', f' {split}', f'{size / 1e6:,.3f}')
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
