"""Runs the tests of a mutant's line in a fork in which the mutant replaces its module."""

from __future__ import annotations

import enum
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from attrs import frozen

from code_mutants.forking import OPTIONS
from code_mutants.measuring import select

if TYPE_CHECKING:
    from collections.abc import Sequence

    from code_mutants.forking import Forks
    from code_mutants.measuring import Test
    from code_mutants.operators import Mutant

NOTHING_RUN = 97


class Outcome(enum.Enum):
    """The outcome of a mutant."""

    KILLED = "killed"
    TIMED_OUT = "killed: timed out"
    SURVIVED = "survived"
    UNTESTED = "survived: no test runs the line"


@frozen
class Trial:
    """A mutant and its outcome."""

    mutant: Mutant
    outcome: Outcome
    tests: int
    seconds: float

    @property
    def survived(self) -> bool:
        """Return whether no test detected it."""
        return self.outcome in {Outcome.SURVIVED, Outcome.UNTESTED}


class _Selection:
    """A pytest plugin that runs only the named tests, in their order."""

    def __init__(self, names: Sequence[str]) -> None:
        self._order = {name: number for number, name in enumerate(names)}
        self.left = 0

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if item.nodeid in self._order]
        items.sort(key=lambda item: self._order[item.nodeid])
        self.left = len(items)


def attempt(forks: Forks, mutant: Mutant, tests: Sequence[Test], most: int, limit: float) -> Trial:
    """Run the tests of a mutant until one fails.

    Args:
        forks: Where to run them.
        mutant: The mutant.
        tests: All known tests.
        most: How many of them are run.
        limit: A mutant hangs if it takes this many seconds plus three times the duration of its tests.
    """
    names = select(mutant, tests, most)
    if not names:
        return Trial(mutant, Outcome.UNTESTED, 0, 0.0)
    took = sum(test.seconds for test in tests if test.name in set(names))
    began = time.monotonic()
    code = forks.run(lambda: _run(mutant, names), limit + 3 * took)
    outcome = Outcome.KILLED
    if code is None:
        outcome = Outcome.TIMED_OUT
    elif code == NOTHING_RUN:
        raise SystemExit(f"the tests of {mutant.identity} were not found:\n{forks.output}")
    elif code == 0:
        outcome = Outcome.SURVIVED
    return Trial(mutant, outcome, len(names), time.monotonic() - began)


def _run(mutant: Mutant, names: Sequence[str]) -> int:
    folder = os.environ["TMPDIR"]
    source = f"{folder}/mutant.py"
    Path(source).write_bytes(mutant.source())
    site = str(Path(__file__).with_name("site"))
    inherited = os.environ.get("PYTHONPATH")
    os.environ |= {
        "MUTANT_MODULE": mutant.module,
        "MUTANT_PATH": str(mutant.path),
        "MUTANT_SOURCE": source,
        "PYTHONPATH": os.pathsep.join([site, inherited] if inherited else [site]),
    }
    sys.modules.pop("sitecustomize", None)
    sys.path.insert(0, site)
    __import__("sitecustomize")
    sys.path.remove(site)
    selection = _Selection(names)
    files = sorted({name.partition("::")[0] for name in names})
    options = [*OPTIONS, "-x", "--basetemp", f"{folder}/t"]
    code = pytest.main([*options, *files], plugins=[selection])
    if code == pytest.ExitCode.NO_TESTS_COLLECTED and not selection.left:
        return NOTHING_RUN
    return int(code)
