"""Measures which tests run a line: runs each test file once, with a coverage context for each test."""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import coverage
import pytest
from attrs import frozen

from code_mutants.forking import OPTIONS
from code_mutants.operators import functions

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from code_mutants.forking import Forks
    from code_mutants.operators import Mutant

SLOWEST = 10.0
"""Tests that take longer, in seconds, are not run for a mutant."""

OTHERS = 50
"""The number of further tests of the module that are run for a mutant that survives those of its function."""

CASES = 5
"""So many cases of each test are run before the others: each case of a table may detect another mutant."""


@frozen
class Test:
    """A test, and the lines that it runs: by module, function and text, so that lines may move."""

    name: str
    seconds: float
    lines: frozenset[str]
    functions: frozenset[str]

    def is_quick(self) -> bool:
        """Return whether it can be run for each mutant."""
        return self.seconds <= SLOWEST


class _Recorder:
    """A pytest plugin that records a coverage context and a duration for each test that passes."""

    def __init__(self, measured: coverage.Coverage) -> None:
        self._measured = measured
        self.seconds: dict[str, float] = {}
        self.named: dict[str, set[str]] = {}
        """The constants and classes that the code of each test names or that it is called with: it may compare them
        without running a line."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        self._measured.switch_context(item.nodeid)
        source = inspect.getsource(getattr(item, "function", type(item)))
        callspec: Any = getattr(item, "callspec", None)
        arguments: dict[str, Any] = {} if callspec is None else callspec.params
        classes = {value.__name__ for value in arguments.values() if isinstance(value, type)}
        self.named[item.nodeid] = classes | set(re.findall(r"\b_?[A-Z]\w+\b", source))
        began = time.monotonic()
        result = yield
        # Still infinite if the test failed: it would kill every mutant.
        took = self.seconds.get(item.nodeid, 0.0)
        self.seconds[item.nodeid] = max(took, time.monotonic() - began)
        self._measured.switch_context("")
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.outcome != "passed":
            self.seconds[report.nodeid] = float("inf")


def tests(root: Path, files: Sequence[Path], cache: Path, forks: Forks) -> list[Test]:
    """Return the quick tests of the files; a file is run again only after it changes."""
    places = {path: cache / f"{_digest(root, path)}.json" for path in files}
    missing = [path for path, place in places.items() if not place.exists()]
    cache.mkdir(parents=True, exist_ok=True)
    for number, path in enumerate(missing, 1):
        print(f"measuring {path.relative_to(root)} ({number} of {len(missing)})", flush=True)
        forks.run(lambda path=path: _measure(root, path, places[path]), 1800.0)  # type: ignore[misc]
        if not places[path].exists():
            raise SystemExit(f"the tests of {path} could not be measured:\n{forks.output}")
    measured: list[Test] = []
    for place in places.values():
        data: dict[str, Any] = json.loads(place.read_text("utf-8"))
        names: list[str] = data["lines"]
        for name, (seconds, numbers) in data["tests"].items():
            lines = frozenset(names[number] for number in numbers)
            inside = frozenset(line.rpartition("|")[0] for line in lines)
            measured.append(Test(name, seconds, lines, inside))
    return [test for test in measured if test.is_quick()]


def _digest(root: Path, path: Path) -> str:
    """Return a digest of a test file and of the fixtures that it can use; not of our code, whose lines may move."""
    shared = [file for parent in path.parents if (file := parent / "conftest.py").exists()]
    text = b"".join(file.read_bytes() for file in (path, *shared))
    return f"{path.stem}-{hashlib.sha256(str(path.relative_to(root)).encode() + text).hexdigest()[:16]}"


def _measure(root: Path, path: Path, place: Path) -> int:
    os.environ["COVERAGE_CORE"] = "ctrace"
    sources = [str(root / name) for name in ("togai", "scripts/contract") if (root / name).is_dir()]
    measured = coverage.Coverage(
        data_file=None, source=sources, config_file=False, messages=False, check_preimported=False
    )
    recorder = _Recorder(measured)
    measured.start()
    code = pytest.main([*OPTIONS, "-m", "not long", str(path)], plugins=[recorder])
    measured.stop()
    if code not in (
        pytest.ExitCode.OK,
        pytest.ExitCode.TESTS_FAILED,
        pytest.ExitCode.NO_TESTS_COLLECTED,
    ):
        return 1  # such as an import that failed: stored without its tests, the file would kill no mutant
    data = measured.get_data()
    numbers: dict[str, int] = {}
    lines = {
        name: {
            numbers.setdefault(f"tests||{named}", len(numbers))
            for named in recorder.named.get(name, ())
        }
        for name in recorder.seconds
    }
    for file in data.measured_files():
        text = Path(file).read_bytes()
        rows, names = text.decode().split("\n"), functions(text)
        module = module_name(root, Path(file))
        for line, contexts in data.contexts_by_lineno(file).items():
            if line not in names:
                continue
            key = f"{module}|{names[line]}|{rows[line - 1].strip()}"
            for context in set(contexts) & lines.keys():
                lines[context].add(numbers.setdefault(key, len(numbers)))
    written = {name: (recorder.seconds[name], sorted(covered)) for name, covered in lines.items()}
    part = place.with_suffix(f".{os.getpid()}")
    part.write_text(json.dumps({"lines": list(numbers), "tests": written}), "utf-8")
    part.rename(place)
    return 0


def module_name(root: Path, path: Path) -> str:
    """Return the name under which tests import a file."""
    parts = path.relative_to(root).with_suffix("").parts
    parts = parts[1:] if parts[0] == "scripts" else parts
    return ".".join(parts).removesuffix(".__init__")


def select(mutant: Mutant, known: Sequence[Test], most: int) -> list[str]:
    """Return at most so many tests of a mutant's line: first those that run little else, and some cases of each.

    Then come the other tests of its function, and some of its module: a file that was measured before the line was
    added does not show which of its tests run the line, and coverage may miss lines on a busy machine. A constant has
    the tests that name it, and those of the lines that use it; a class has the tests that name it, those of its
    methods, and then those of its module. Another line that runs on import has the tests of its function or module.
    """
    text = mutant.path.read_text("utf-8")
    prefix = f"{mutant.module}|{mutant.function}"
    row = text.split("\n")[mutant.line - 1].strip()
    # The test that happens to import the module first is not the test of its body.
    running = [] if _runs_on_import(text, mutant.line) else _with(f"{prefix}|{row}", known)
    inside = [test for test in known if prefix in test.functions]
    last = inside if mutant.function else []
    if not mutant.function and (constant := _constant(text, mutant.line)):
        named = re.compile(rf"\b{constant}\b")
        running = [test for test in known if any(map(named.search, test.lines))]
    name = mutant.function.rpartition(".")[2]
    if not running and name.lstrip("_")[:1].isupper():
        running = [
            test
            for test in known
            if f"tests||{name}" in test.lines
            or any(function.startswith(f"{prefix}.") for function in test.functions)
        ]
        last = _starting(f"{mutant.module}|", known)
    running = running or inside
    for start in (f"{prefix}.", f"{mutant.module}|"):
        running = running or _starting(start, known)
    ordered = [*_in_order(running), *_in_order(set(last) - set(running))]
    others = set(_starting(f"{mutant.module}|", known)) - set(ordered)
    ordered += _in_order(others)[:OTHERS]
    return [test.name for test in ordered[:most]]


def _constant(text: str, line: int) -> str | None:
    """Return the name of the constant of a module that a line defines, alone or among others."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.lineno <= line <= (
            node.end_lineno or 0
        ):
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            return target.id if isinstance(target, ast.Name) else None
    return None


def _runs_on_import(text: str, line: int) -> bool:
    """Return whether a line is in the body of no function."""
    return not any(
        node.body[0].lineno <= line <= (node.end_lineno or 0)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def _with(line: str, known: Iterable[Test]) -> list[Test]:
    """Return the tests that run a line."""
    return [test for test in known if line in test.lines]


def _starting(start: str, known: Iterable[Test]) -> list[Test]:
    """Return the tests that run a function whose name starts so."""
    return [test for test in known if any(name.startswith(start) for name in test.functions)]


def _in_order(tests: Iterable[Test]) -> list[Test]:
    """Return some cases of each test, then more; of these first the tests that run the fewest functions.

    The order does not depend on how long the tests took: a busy machine would choose other tests.
    """
    cases: dict[str, int] = {}
    ordered: list[tuple[bool, int, int, str, Test]] = []
    for test in sorted(tests, key=lambda test: (len(test.functions), test.name)):
        kind = test.name.partition("[")[0]
        case = cases.get(kind, 0)
        cases[kind] = case + 1
        ordered.append(
            ("postgresql" in test.name, case // CASES, len(test.functions), test.name, test)
        )
    return [test for *_, test in sorted(ordered, key=lambda entry: entry[:4])]
