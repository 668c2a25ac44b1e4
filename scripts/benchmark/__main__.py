"""Compare the client with plain httpx, the vendor's client, the stock generator and msgspec, as ratios.

The measurements alternate on the same pages of one server, so that other load affects them equally.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from contract.generation import ROOT

from benchmark.contenders import Environments
from benchmark.measurements import FULL, QUICK, Row, measure

REPORT = ROOT / "BENCHMARKS.md"


def updated(text: str, measured: str, rows: list[Row]) -> str:
    """Return the report with a new table and a new line of versions.

    Args:
        text: The report.
        measured: The machine and the versions.
        rows: The rows of the table.
    """
    lines = ["| what | median | quartiles | unit | aim |", "|---|---|---|---|---|"]
    for row in rows:
        spread = f"{row.low:.2f} to {row.high:.2f}" if row.low != row.high else ""
        lines.append(
            f"| {row.what.strip()} | {row.median:.2f} | {spread} | {row.unit} | {row.aim} |"
        )
    table = "\n".join(lines)
    text = re.sub(r"(?m)^(?:\|.*\n)+", lambda _: f"{table}\n", text, count=1)
    return re.sub(r"(?m)^Measured on .*", lambda _: f"Measured on {measured}.", text)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results to this file")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="measure each row only a few times, to check that it runs",
    )
    parser.add_argument("--update", action="store_true", help="write the table of BENCHMARKS.md")
    options = parser.parse_args(arguments)
    if options.json and not options.json.absolute().parent.is_dir():
        parser.error(f"--json {options.json}: its folder does not exist")
    machine = f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores"
    began = time.monotonic()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as room:
        environments = Environments(Path(room))
        versions = environments.versions()
        print(f"{machine}; {versions}; medians, with quartiles in parentheses\n")
        for row in measure(QUICK if options.quick else FULL, environments, Path(room)):
            rows.append(row)
            spread = f"({row.low:.2f} to {row.high:.2f})" if row.low != row.high else ""
            aim = f"aim {row.aim}" if row.aim else ""
            print(f"{row.what:70} {row.median:7.2f} {row.unit:8} {spread:18} {aim}", flush=True)
    print(f"\ntook {time.monotonic() - began:.0f} s")
    if options.json:
        report = {"machine": machine, "rivals": versions, "rows": [asdict(row) for row in rows]}
        options.json.write_text(json.dumps(report, indent=2) + "\n")
    if options.update:
        text = REPORT.read_text("utf-8")
        REPORT.write_text(updated(text, f"{machine}; {versions}", rows), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
