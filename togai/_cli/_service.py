"""doctor: check token, address, clock and service. serve: an in-memory service to try all commands."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from time import monotonic
from typing import TYPE_CHECKING, Any

from togai._cli._exits import DONE, UNREACHABLE
from togai._cli._output import OUTPUT, Output, say
from togai._cli._settings import SERVICE, Service

if TYPE_CHECKING:
    from collections.abc import Mapping

    from togai import Drift

_CLOCK_MAY_DIFFER = 60
"""The allowed difference of the clocks in seconds: `reconcile` compares with times from the service."""


def doctor(*, output: Output = OUTPUT, service: Service = SERVICE) -> int:
    """Check token, address, clock and versions with a single request. Changes nothing."""
    import httpx

    from togai import TogaiError, __version__

    headers: list[httpx.Headers] = []
    drift: list[Drift] = []
    libraries = f"httpx {version('httpx')}, attrs {version('attrs')}"
    checks = [
        ("versions", f"togai {__version__}, Python {platform.python_version()}, {libraries}", True)
    ]

    def keep(response: httpx.Response) -> None:
        headers.append(response.headers)

    with httpx.Client(event_hooks={"response": [keep]}) as http:
        client = service.client(http_client=http, on_drift=drift.append, max_retries=0)
        checks.append(("address", repr(client).strip("<>").partition(" ")[2], True))
        began = monotonic()
        try:
            page = next(client.events.list(page_size=50).pages())
        except TogaiError as error:
            checks.append(("read", str(error), False))
        else:
            checks.append(
                (
                    "read",
                    f"the first {len(page.events)} events in {monotonic() - began:.1f} s",
                    True,
                )
            )
    if headers:
        checks += _about(headers[-1])
        checks.append(
            ("drift", f"deviations from the contract: {'; '.join(map(str, drift)) or 'none'}", True)
        )
    names = ("check", "found", "")
    output.write(
        dict(zip(names, (name, outcome, "ok" if ok else "FAILED"), strict=True))
        for name, outcome, ok in checks
    )
    if all(ok for _, _, ok in checks):
        say("All is well. Next: togai events list")
        return DONE
    say(
        "Set TOGAI_API_TOKEN or --token-file, and TOGAI_BASE_URL, --base-url or --sandbox, then: togai doctor"
    )
    return UNREACHABLE


def _about(headers: Mapping[str, str]) -> list[tuple[str, str, bool]]:
    """The clock and the rate limit according to the headers of a response."""
    quota = {name: value for name, value in headers.items() if "ratelimit" in name.lower()}
    limits = (
        ", ".join(f"{name}: {value}" for name, value in quota.items())
        or "the service does not report its limit"
    )
    checks = [("rate limit", f"10 requests per second here; {limits}", True)]
    try:
        date: Any = headers.get("date")
        differs = abs((datetime.now(UTC) - parsedate_to_datetime(date)).total_seconds())
    except (TypeError, ValueError):
        return [*checks, ("clock", "the service does not send its time", True)]
    return [*checks, ("clock", f"differs by {differs:.0f} s", differs <= _CLOCK_MAY_DIFFER)]


def serve(*, port: int = 0, token: str = "test-token", events: int | None = None) -> int:  # noqa: S107
    """Serve a month of sample events in memory, to try all commands; Ctrl-C stops the service.

    Args:
        port: A port on 127.0.0.1; by default any free port.
        token: The token that the service accepts.
        events: The number of plain events to add instead of the month.
    """
    from togai.testing.__main__ import main

    more = () if events is None else ("--events", str(events))
    return main(["--port", str(port), "--token", token, *more], first="togai doctor; togai failed")
