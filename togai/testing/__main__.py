"""Serve a FakeTogai with a month of sample events until interrupted: `python -m togai.testing`."""

from __future__ import annotations

import argparse
import signal
import sys
from typing import TYPE_CHECKING

from togai.errors import InvalidRequest
from togai.testing import FakeTogai

if TYPE_CHECKING:
    from collections.abc import Sequence

START = """\
export TOGAI_BASE_URL={url}
export TOGAI_API_TOKEN={token}
# {events} events in memory. Paste the two lines above into another shell, then try:
#   {first}
# Ctrl-C stops the service; its data is lost."""

FIRST = "python -c 'import togai; print(next(iter(togai.Togai().events.list())))'"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m togai.testing", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="a port on 127.0.0.1 (default: any)")
    parser.add_argument("--token", default="test-token", help="default: %(default)s")
    parser.add_argument("--events", type=int, help="add this many plain events, not the month")
    options = parser.parse_args(arguments)
    try:
        serve(options.port, options.token, options.events)
    except (OSError, InvalidRequest) as error:
        print(f"cannot serve on port {options.port}: {error}", file=sys.stderr)
        return 2 if isinstance(error, InvalidRequest) else 1
    return 0


def serve(port: int, token: str, events: int | None, first: str = FIRST) -> None:
    """Serve a month, or a number of plain events, until interrupted; `first` is the command to try first.

    Raises:
        OSError: The port is in use or not allowed.
        InvalidRequest: A value is not allowed.
    """
    if not 0 <= port < 65536 or (events or 0) < 0 or not token.strip():
        raise InvalidRequest("pass --port 0 to 65535, --events 0 or more, a --token with text")
    fake = FakeTogai(token)
    fake.add_month() if events is None else fake.add_many(events, prefix="ride")
    # Blocked before the threads of the server start, so that only this thread receives signals.
    ends = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    with fake.serve(port) as url:
        print(START.format(url=url, token=token, events=len(fake.events), first=first), flush=True)
        signal.sigwait(ends)


if __name__ == "__main__":
    sys.exit(main())
