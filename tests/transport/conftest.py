"""The transport is tested on both libraries."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from ..conftest import Connect, opener

KINDS = [(kind, library) for library in ("httpx", "httpx2") for kind in ("sync", "async")]


@pytest.fixture(params=KINDS, ids="-".join)
def connect(request: pytest.FixtureRequest) -> Connect:
    """Opens a client of either kind on either library; without a rate limit by default."""
    kind, library = request.param
    return opener(kind, library)


# For products of many parameters: the quick part runs them with one kind of client per library.
two_of_four_clients = pytest.mark.parametrize(
    "connect",
    [
        pytest.param(
            pair, marks=[] if pair in KINDS[::3] else [pytest.mark.slow], id="-".join(pair)
        )
        for pair in KINDS
    ],
    indirect=True,
)


@pytest.fixture(scope="session")
def unused_authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificate of an authority that signs nothing."""
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    trustme.CA().cert_pem.write_to_path(path)
    return path


@pytest.fixture(autouse=True)
def few_certificates(unused_authority: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading all certificates of the system for each client takes longer than most tests."""
    monkeypatch.setenv("SSL_CERT_FILE", str(unused_authority))
