"""Serve a FakeTogai with some events until interrupted: `python -m togai.testing`."""

from __future__ import annotations

import argparse
import signal
import sys

from togai.testing import FakeTogai


def main() -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m togai.testing", description=__doc__)
    parser.add_argument(
        "--port", type=int, default=0, help="the port on 127.0.0.1; any free one by default"
    )
    parser.add_argument(
        "--token", default="test-token", help="the token to take (default: %(default)s)"
    )
    parser.add_argument(
        "--events", type=int, default=120, help="how many events to hold (default: %(default)s)"
    )
    options = parser.parse_args()
    if not 0 <= options.port < 65536 or options.events < 0 or not options.token.strip():
        parser.error("--port is from 0 to 65535, --events from 0 on, and --token is not empty")
    # Blocked before the server's threads start, so that the signals come here alone.
    ends = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    fake = FakeTogai(options.token)
    fake.add_many(options.events, prefix="ride")
    try:
        with fake.serve(options.port) as url:
            print(f"TOGAI_BASE_URL={url} TOGAI_API_TOKEN={options.token}", flush=True)
            signal.sigwait(ends)
    except OSError as error:
        print(f"cannot serve on port {options.port}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
