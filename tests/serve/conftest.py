"""An application on a model without weights, and a client of it."""

import contextlib

import pytest

pytest.importorskip('fastapi')
pytest.importorskip('uvicorn')

from starlette.testclient import TestClient

from jaxrec.serve.app import create_app
from jaxrec.serve.gate import Limits
from jaxrec.serve.journal import Journal
from jaxrec.serve.live_items import LiveItems
from jaxrec.serve.metrics import Metrics
from jaxrec.serve.service import Service, fingerprint
from tests.serve.fake import FakeModel


@pytest.fixture
def app_of(tmp_path):
  """(model, limits, ...) -> an application; items are kept in tmp_path."""

  def make(
    model=None, writable=True, window=0.0, max_batch=64, users=None, **limits
  ):
    model = model or FakeModel()
    journal = None
    if writable:
      journal = Journal(tmp_path / 'items', fingerprint(model.manifest))
    metrics = Metrics()
    service = Service(
      LiveItems(model, journal), metrics, max_batch, window, users
    )
    return create_app(service, metrics, Limits(**limits))

  return make


def connected(app):
  """A client, to be entered."""
  return TestClient(
    app, base_url='http://localhost', raise_server_exceptions=False
  )


@pytest.fixture
def client_of(app_of):
  """As `app_of`: a client of a running application."""
  with contextlib.ExitStack() as stack:
    yield lambda *args, **kwargs: stack.enter_context(
      connected(app_of(*args, **kwargs))
    )


@pytest.fixture
def client(client_of):
  return client_of()
