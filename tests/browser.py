"""What is done with the `browser` that conftest.py starts."""

import json
import time


def soon(browser, script):
  """What a script returns, as soon as that is true."""
  deadline = time.monotonic() + 20
  while not (found := browser.execute_script(script)):
    assert time.monotonic() < deadline, script
  return found


def look(browser, width, scheme):
  """A window of that width, in light or dark mode."""
  browser.execute_cdp_cmd(
    'Emulation.setDeviceMetricsOverride',
    {'width': width, 'height': 900, 'deviceScaleFactor': 1, 'mobile': False},
  )
  browser.execute_cdp_cmd(
    'Emulation.setEmulatedMedia',
    {'features': [{'name': 'prefers-color-scheme', 'value': scheme}]},
  )


def requested(browser, page):
  """Addresses that a page asked for since this was last called."""
  sent = [
    message['params']
    for entry in browser.get_log('performance')
    if (message := json.loads(entry['message'])['message'])['method']
    == 'Network.requestWillBeSent'
  ]
  # Chromium's own first page may still be loading parts of itself.
  return [
    request['request']['url']
    for request in sent
    if request['documentURL'].startswith(page)
  ]
