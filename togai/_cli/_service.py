"""doctor: check token, address, clock and service. serve: an in-memory service to try all commands."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from time import monotonic
from typing import TYPE_CHECKING, Any

from togai import errors
from togai._cli._output import Exit, Output, here, say
from togai._cli._settings import SESSION, Service
from togai._files import naming
from togai._printable import counted
from togai._version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import httpx

    from togai import Drift

_CLOCK_MAY_DIFFER = 60
"""The allowed difference of the clocks in seconds: `reconcile` compares with times from the service."""
_ADVICE: dict[str, Any] = {
    "Set TOGAI_API_TOKEN or --token-file to a valid token": errors.Unauthorized,
    "Ask the owner of the account for a token with this permission": errors.Forbidden,
    "This may not be a response of the service: check TOGAI_BASE_URL or --base-url,"
    " and whether a proxy requires a login (HTTPS_PROXY)": (errors.UnexpectedResponse, errors.NotFound),
    "The service is reachable, but not able to respond now: wait": (errors.ServerError, errors.RateLimited),
    "Check the network, the proxy (HTTPS_PROXY), and TOGAI_BASE_URL or --base-url":
        (errors.ConnectionFailed, errors.ConnectionLost, errors.TimedOut),
    "The service does not respond as its description says: report this to Togai":
        (errors.StatusError, errors.FilterIgnored, errors.ListingIncomplete, errors.RepeatedPageToken),
}  # fmt: skip
"""What a person can do about an error; the first that fits."""


def doctor(*, output: Output = SESSION.output, service: Service = SESSION.service) -> int:
    """Check token, address, clock and versions with one read. Changes nothing."""
    import httpx

    responses: list[httpx.Response] = []
    drift: list[Drift] = []
    advice = ""
    libraries = ", ".join(f"{name} {version(name)}" for name in ("httpx", "attrs"))
    versions = f"togai {__version__}, Python {platform.python_version()}, {libraries}"
    with httpx.Client(event_hooks={"response": [responses.append]}) as http:
        client = service.client(http_client=http, on_drift=drift.append, max_retries=0)
        address = repr(client).strip("<>").partition(" ")[2]
        checks = [("versions", versions, True), ("address", address, True)]
        began = monotonic()
        try:
            read = counted(len(next(client.events.list().pages()).events), "event")
            checks.append(("read", f"the first {read} in {monotonic() - began:.1f} s", True))
        except errors.TogaiError as error:
            checks.append(("read", here(error), False))
            advice = advice_on(error) or "Correct this setting"
    for response in responses:
        checks += _about(response.headers)
    if not advice:
        listed = "; ".join(map(str, drift)) or "none"
        checks.append(("drift", f"deviations from the contract: {listed}", True))
    output.write(
        {"check": name, "found": found, "result": "ok" if ok else "FAILED"}
        for name, found, ok in checks
    )
    if all(ok for _, _, ok in checks):
        say("All is well. Next: togai events list")
        return Exit.DONE
    say(f"{advice or 'Set the clock of this machine'}. Then: togai doctor")
    return Exit.UNREACHABLE


def advice_on(error: BaseException) -> str:
    """What a person can do about an error of a request; empty for an error of another kind."""
    return next((advice for advice, kinds in _ADVICE.items() if isinstance(error, kinds)), "")


def _about(headers: Mapping[str, str]) -> Iterator[tuple[str, str, bool]]:
    """What the headers of a response say about the clock and the rate limit."""
    quota = [f"{name}: {value}" for name, value in headers.items() if "ratelimit" in name.lower()]
    limits = ", ".join(quota) or "the service does not report its limit"
    yield "rate limit", f"10 requests per second here; {limits}", True
    try:
        date: Any = headers.get("date")
        differs = abs((datetime.now(UTC) - parsedate_to_datetime(date)).total_seconds())
    except (TypeError, ValueError):
        yield "clock", "the service does not send its time", True
    else:
        yield "clock", f"differs by {differs:.0f} s", differs <= _CLOCK_MAY_DIFFER


def serve(*, port: int = 0, token: str = "test-token", events: int | None = None) -> None:  # noqa: S107
    """Serve a month of sample events in memory, to try all commands; Ctrl-C ends it.

    Args:
        port: A port on 127.0.0.1; by default any free port.
        token: The token that the service accepts.
        events: The number of plain events to add instead of the month.
    """
    from togai.testing.__main__ import serve

    with naming(f"--port {port}"):
        serve(port, token, events, first="togai doctor; togai failed")
