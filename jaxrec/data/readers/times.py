"""Times as files have them -> unix seconds."""

import datetime

MAX_SECONDS = 1e11  # In the year 5138.


def unix_seconds(text: str, per_second: int = 1) -> int | None:
  """A number (of which `per_second` are a second) or ISO 8601, else None.

  ISO times without a zone are UTC. None as well for times before 1970 and
  after the year 5138, where milliseconds begin to be taken for seconds.
  """
  try:
    seconds = float(text) / per_second
  except ValueError:
    try:
      when = datetime.datetime.fromisoformat(text.strip())
      seconds = when.replace(tzinfo=when.tzinfo or datetime.UTC).timestamp()
    except (ValueError, OverflowError):
      return None
  return int(seconds) if 0 <= seconds <= MAX_SECONDS else None
