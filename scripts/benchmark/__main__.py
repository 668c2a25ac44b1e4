"""Measure the client beside plain httpx, the vendor's client, the stock generator and msgspec, as ratios.

The sides take turns at the same pages of one server, so that whatever else the machine does falls on all.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from dataclasses import asdict
from pathlib import Path

from benchmark.contenders import Environments
from benchmark.measurements import FULL, QUICK, measure


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument(
        "--quick", action="store_true", help="little of everything: does it run, not how fast is it"
    )
    given = parser.parse_args(arguments)
    if given.json and not given.json.absolute().parent.is_dir():
        parser.error(f"--json {given.json}: there is no folder for it")
    machine = f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores"
    print(f"{machine}; {Environments.versions()}; medians, and quartiles in brackets\n")
    began = time.monotonic()
    results: list[dict[str, object]] = []
    for row in measure(QUICK if given.quick else FULL):
        results.append(asdict(row))
        spread = f"({row.low:.2f} to {row.high:.2f})" if row.low != row.high else ""
        aim = f"aim {row.aim}" if row.aim else ""
        print(f"{row.what:52} {row.median:7.2f} {row.unit:8} {spread:18} {aim}", flush=True)
    print(f"\ntook {time.monotonic() - began:.0f} s")
    if given.json:
        told = {"machine": machine, "rivals": Environments.versions(), "rows": results}
        given.json.write_text(json.dumps(told, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
