"""Servers that are processes: started, asked, stopped and killed."""

import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
from collections.abc import Sequence

ROOT = pathlib.Path(__file__).parents[2]
FAKE = (
  *('-m', 'tests.serve.fake', '--bundle=any'),
  *('--no_warm_up', '--max_batch=64'),
)
PATIENCE = 60.0


class Server:
  """`python *command` at a port that is free, until it is left."""

  def __init__(self, *flags: str, command: Sequence[str] = FAKE, **environment):
    self._command = [sys.executable, *command, '--port=0', *flags]
    self._environment = os.environ | environment

  def __enter__(self):
    self.process = subprocess.Popen(
      self._command,
      cwd=ROOT,
      env=self._environment,
      stdout=subprocess.PIPE,
      stderr=subprocess.PIPE,
      text=True,
    )
    said = []
    for line in self.process.stdout:
      said.append(line)
      if 'http://' in line:
        break
    line = ''.join(said)
    address = re.search(r'http://[^ ]+:(\d+)', line)
    if address is None:
      _, errors = self.process.communicate(timeout=PATIENCE)
      raise RuntimeError(f'it did not start: {line}{errors}')
    self.port = int(address[1])
    self.url = f'http://127.0.0.1:{self.port}'
    return self

  def ask(self, method: str, path: str, body=None) -> tuple[int, object]:
    """Status and JSON; OSError or HTTPException where there is no answer."""
    connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=30)
    try:
      head = {'content-type': 'application/json'} if body is not None else {}
      text = None if body is None else json.dumps(body)
      connection.request(method, path, text, head)
      answer = connection.getresponse()
      return answer.status, json.loads(answer.read())
    finally:
      connection.close()

  def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
    """Sends a signal; exit code and all it said."""
    self.process.send_signal(number)
    out, errors = self.process.communicate(timeout=PATIENCE)
    return self.process.returncode, out + errors

  def __exit__(self, *_):
    if self.process.poll() is None:
      self.end(signal.SIGKILL)
    self.process.stdout.close()
    self.process.stderr.close()
