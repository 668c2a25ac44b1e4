"""The transport is tested on both libraries."""

from __future__ import annotations

import pytest

from ..conftest import Connect, opener

KINDS = [(kind, library) for library in ("httpx", "httpx2") for kind in ("sync", "async")]


@pytest.fixture(params=KINDS, ids="-".join)
def connect(request: pytest.FixtureRequest) -> Connect:
    """Opens a client of either kind on either library; without a rate limit by default."""
    kind, library = request.param
    return opener(kind, library)
