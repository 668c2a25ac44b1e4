"""`scripts/mutate`, on a package of a few lines with a few tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import attrs
import pytest
from code_mutants import measuring
from code_mutants.operators import OPERATORS, mutants
from code_mutants.reviewed import BEGIN, InvalidList, read

from tests.waiting import wait_until

MODULE = '''"""Prices."""

LIMIT = 3


def price(number: int) -> int:
    if number > LIMIT:
        return number * 2
    while number < 0:
        number += 1
    return number
'''

TESTS = """from contract.prices import price


def test_many() -> None:
    assert price(4) == 8
    assert price(3) == 3


def test_none() -> None:
    assert price(-1) == 0
"""

REVIEWED = """# The reviewed survivors.

contract.prices price
- while number < 0:
+ while (number <= 0):
# A price of 0 is never asked for,
# in this test.
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A repository with a package and its tests."""
    for name, text in {
        "pyproject.toml": '[tool.pytest]\npythonpath = ["scripts"]\nmarkers = ["long"]\n',
        "scripts/contract/__init__.py": '"""A package."""\n',
        "scripts/contract/prices.py": MODULE,
        "tests/project/test_prices.py": TESTS,
        "CONTRIBUTING.md": f"# Scores\n\n{BEGIN}\n|---|---|---|---|---|---|\n| `contract.old` | 1 |\n\nEnd\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return tmp_path


def mutate(root: Path, small: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "code_mutants", "--root", str(small), "--limit=15", *options],
        env={**os.environ, "PYTHONPATH": str(root / "scripts")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.mark.long
def test_a_mutant_is_killed_by_a_failing_test_or_a_hang(root: Path, small: Path) -> None:
    done = mutate(root, small, "--operator=comparison", "--operator=statement")
    assert done.returncode == 0, done.stdout + done.stderr
    outcomes = {
        row.strip("+ "): trial.partition(": scripts")[0].partition("] ")[2]
        for trial in done.stdout.partition("\nNo test detects")[0].split("\n[")
        for row in trial.split("\n")
        if row.startswith("    + ")
    }
    assert outcomes == {
        "if (number >= LIMIT):": "killed",
        "while (number <= 0):": "killed",
        "pass": "killed: timed out",
    }


@pytest.mark.long
def test_a_test_that_only_compares_a_constant_kills_its_mutants(root: Path, small: Path) -> None:
    module = small / "scripts/contract/prices.py"
    module.write_text(MODULE.replace("LIMIT = 3\n", "LIMIT = 3\nCURRENCIES = (1, 2)\n"), "utf-8")
    tests = small / "tests/project/test_prices.py"
    more = (
        "import price, CURRENCIES",
        "\n\ndef test_c() -> None:\n    assert CURRENCIES == (1, 2)\n",
    )
    tests.write_text(TESTS.replace("import price", more[0]) + more[1], "utf-8")
    done = mutate(root, small, "--operator=constant")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("CURRENCIES = (") == 8


@pytest.mark.long
def test_a_test_that_only_gets_a_class_as_its_argument_kills_its_mutants(
    root: Path, small: Path
) -> None:
    module = small / "scripts/contract/prices.py"
    module.write_text(f"{MODULE}\n\nclass Rates:\n    lowest = 2\n", "utf-8")
    imports = "import pytest\n\nfrom contract.prices import Rates, price"
    test = """CLASSES = [Rates]


@pytest.mark.parametrize("cls", CLASSES)
def test_a_class(cls: type) -> None:
    assert cls.lowest == 2
"""
    tests = small / "tests/project/test_prices.py"
    text = TESTS.replace("from contract.prices import price", imports)
    tests.write_text(f"{text}\n\n{test}", "utf-8")
    done = mutate(root, small, "--operator=constant")
    assert "lowest = 3" in done.stdout
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.long
def test_a_test_file_that_cannot_be_imported_is_not_measured(root: Path, small: Path) -> None:
    tests = small / "tests/project/test_prices.py"
    tests.write_text(f"{TESTS}\nraise ImportError('half a checkout')\n", "utf-8")
    done = mutate(root, small, "--operator=comparison")
    assert done.returncode == 1
    assert "test_prices.py could not be measured" in done.stderr
    assert "half a checkout" in done.stderr
    tests.write_text(TESTS, "utf-8")
    assert mutate(root, small, "--operator=comparison").returncode == 0


@pytest.mark.long
def test_a_test_that_fails_without_a_mutant_kills_none(root: Path, small: Path) -> None:
    tests = small / "tests/project/test_prices.py"
    failing = "\n\ndef test_fails() -> None:\n    assert price(4) == 9\n"
    tests.write_text(TESTS.replace("price(3) == 3", "price(3)") + failing, "utf-8")
    done = mutate(root, small, "--operator=comparison")
    assert done.returncode == 1
    assert "survived: scripts/contract/prices.py:7" in done.stdout


@pytest.mark.long
def test_a_run_that_is_ended_leaves_no_folder(root: Path, small: Path, tmp_path: Path) -> None:
    tests = small / "tests/project/test_prices.py"
    folder = tmp_path / "temporary"
    folder.mkdir()
    hanging = f"{TESTS}    import time\n    open('started', 'w').close()\n    time.sleep(60)\n"
    tests.write_text(hanging, "utf-8")
    command = [sys.executable, "-P", "-m", "code_mutants", "--root", str(small)]
    paths = {"PYTHONPATH": str(root / "scripts"), "TMPDIR": str(folder)}
    with subprocess.Popen(command, env={**os.environ, **paths}, stdout=subprocess.PIPE) as running:
        wait_until((small / "started").exists)
        assert list(folder.iterdir())
        running.terminate()
    assert running.returncode == 143
    assert list(folder.iterdir()) == []


@pytest.mark.long
def test_a_survivor_fails_the_run_unless_it_is_reviewed(root: Path, small: Path) -> None:
    tests = small / "tests/project/test_prices.py"
    tests.write_text(TESTS.replace("-1) == 0", "-1) in (0, 1)"), "utf-8")
    done = mutate(root, small, "--operator=comparison")
    assert done.returncode == 1
    assert "No test detects these" in done.stdout
    assert "    + while (number <= 0):" in done.stdout.partition("No test detects these")[2]
    listed = small / "scripts/code_mutants/reviewed.txt"
    listed.parent.mkdir()
    listed.write_text(REVIEWED, "utf-8")
    # The lines may move.
    module = small / "scripts/contract/prices.py"
    module.write_text(MODULE.replace("LIMIT = 3", "# Of an order.\n\nLIMIT = 3"), "utf-8")
    done = mutate(root, small, "--operator=comparison", "--update")
    assert done.returncode == 0, done.stdout + done.stderr
    row = "| `contract.prices` | 12 | 2 | 50% | 1 | `comparison` only |"
    assert row in done.stdout
    written = (small / "CONTRIBUTING.md").read_text("utf-8")
    assert written.endswith(f"| `contract.old` | 1 |\n{row}\n\nEnd\n")


def test_the_list_of_reviewed_survivors_holds_nothing_else_and_is_short(
    root: Path, small: Path
) -> None:
    listed = small / "scripts/code_mutants/reviewed.txt"
    listed.parent.mkdir()
    gone = REVIEWED.replace("<= 0", "<= 1")
    more = REVIEWED.replace("while (number <= 0)", "while number < 1")
    listed.write_text("\n".join((gone, REVIEWED, more)), "utf-8")
    done = mutate(root, small, "--operator=except")
    assert done.returncode == 1
    assert "no mutant: contract.prices price: while (number <= 1):" in done.stdout
    assert "contract.prices: 2 of 12 mutants are reviewed" in done.stdout
    listed.write_text(REVIEWED.replace("+ while (number <= 0):", "+"), "utf-8")
    assert read(listed)[0].mutated == ""
    listed.write_text(REVIEWED.partition("# A price")[0], "utf-8")
    with pytest.raises(InvalidList):
        read(listed)


@pytest.mark.slow
def test_only_changed_lines_are_tried(root: Path, small: Path) -> None:
    git(small, "init", "-q")
    git(small, "add", ".")
    git(small, "commit", "-q", "-m", "Add prices")
    assert mutate(root, small, "--since=HEAD", "--list").stdout.strip() == ""
    module = small / "scripts/contract/prices.py"
    module.write_text(MODULE.replace("number * 2", "number * 3"), "utf-8")
    listed = mutate(root, small, "--since=HEAD", "--list").stdout.splitlines()
    assert listed
    assert all("prices.py:8: return" in line for line in listed)
    assert mutate(root, small, "--since=nothing").returncode == 1


@pytest.mark.slow
def test_a_seed_gives_the_same_sample_and_another_seed_another(root: Path, small: Path) -> None:
    samples = [
        mutate(root, small, "--list", "--sample=5", f"--seed={seed}").stdout for seed in "112"
    ]
    assert samples[0] == samples[1] != samples[2]
    assert len(samples[0].splitlines()) == 5


@pytest.mark.parametrize(
    ("operator", "line", "mutated"),
    [
        ("comparison", "return a < b", ["return (a <= b)"]),
        ("comparison", "return a is None", ["return (a is not None)"]),
        ("condition", "return a and b", ["return (a or b)", "return (b)", "return (a)"]),
        ("condition", "return not a", ["return (a)"]),
        ("condition", "return [c for c in a if c]", ["return [c for c in a if True]"]),
        ("constant", "return True", ["return False"]),
        ("constant", "return 7", ["return 8", "return (6)"]),
        ("keyword", "return f(a, b=b, c=c)", ["return f(a, c=c)", "return f(a, b=b, )"]),
        ("await", "return await a", ["return (a)"]),
        ("statement", "raise a", ["pass"]),
        ("statement", "f(a)", ["pass"]),
        ("statement", "a.b = 1", ["pass"]),
        ("with", "with a: f", ["with __import__('contextlib').nullcontext(): f"]),
        ("arithmetic", "return a + b", ["return (a - b)"]),
    ],
)
def test_a_mutant_changes_or_drops_one_thing(
    tmp_path: Path, operator: str, line: str, mutated: list[str]
) -> None:
    path = tmp_path / "small.py"
    path.write_text(f"async def call(a, b, c):\n    {line}\n", "utf-8")
    selected = [mutant for mutant in mutants(path, "small") if mutant.operator == operator]
    assert sorted(mutant.mutated for mutant in selected) == sorted(mutated)
    assert {mutant.original for mutant in selected} == {line}
    assert {mutant.function for mutant in selected} == {"call"}
    assert all(mutant.compiles() for mutant in selected)
    assert operator in OPERATORS


def test_an_except_clause_is_widened_and_each_of_its_classes_dropped(tmp_path: Path) -> None:
    path = tmp_path / "small.py"
    path.write_text("try: f()\nexcept (A, B): g()\n", "utf-8")
    selected = [mutant.mutated for mutant in mutants(path, "small") if mutant.operator == "except"]
    assert sorted(selected) == [
        "except (A,): g()",
        "except (B,): g()",
        "except BaseException: g()",
    ]


def known(name: str, line: str) -> measuring.Test:
    return measuring.Test(name, 1.0, frozenset({line}), frozenset({line.rpartition("|")[0]}))


HANGING = """
import os, sys, time
from pathlib import Path
from code_mutants import forking

def hang():
    Path(sys.argv[1]).write_text(str(os.getpid()))
    time.sleep(60)
    return 0

forking._LIBRARIES = ()
forking.Forks(Path()).run(hang, 60)
"""


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="Linux only")
def test_a_fork_ends_with_the_process_that_made_it(root: Path, tmp_path: Path) -> None:
    written = tmp_path / "pid"
    environment = {**os.environ, "PYTHONPATH": str(root / "scripts")}
    with subprocess.Popen(
        [sys.executable, "-c", HANGING, str(written)], env=environment
    ) as running:
        wait_until(lambda: written.exists() and written.read_text() != "")
        running.kill()
    status = Path(f"/proc/{written.read_text()}/status")
    wait_until(lambda: not status.exists() or "zombie" in status.read_text())


def test_a_test_file_is_measured_again_after_it_or_its_fixtures_change(tmp_path: Path) -> None:
    names = ("tests/conftest.py", "tests/a/conftest.py", "tests/b/conftest.py", "tests/a/test_a.py")
    paths = [tmp_path / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", "utf-8")
    digests: list[str] = []
    for path in paths:
        path.write_text("changed = True\n", "utf-8")
        digests.append(measuring._digest(tmp_path, paths[-1]))
    assert digests[1] == digests[2]  # the fixtures of other tests
    assert len(set(digests)) == 3


def test_the_tests_of_a_mutant_are_those_that_run_its_line(tmp_path: Path) -> None:
    path = tmp_path / "limits.py"
    path.write_text("LIMIT = 3\nclass A:\n    b = 1\n    def c(self): return 1\n", "utf-8")
    tests = [
        known("names the constant", "prices|price|if number > LIMIT:"),
        known("names the constant too", "tests||LIMIT"),
        known("runs the method", "limits|A.c|def c(self): return 1"),
        known("names the class", "tests||A"),
        known("imports the module first", "limits|A|b = 1"),
        known("runs the module", "limits|f|return 2"),
    ]
    module = ("imports the module first", "runs the module")
    chosen = {
        (mutant.line, *measuring.select(mutant, tests, 10)) for mutant in mutants(path, "limits")
    }
    assert chosen == {
        (
            *(1, "names the constant", "names the constant too"),
            *("imports the module first", "runs the method", "runs the module"),
        ),
        (3, "names the class", "runs the method", *module),
        (4, "runs the method", *module),
    }


def test_tests_of_the_function_and_the_module_that_do_not_run_the_line_come_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "limits.py"
    path.write_text("def f(): return 1\n", "utf-8")
    tests = [
        known("measured before the line was added", "limits|f|return 0"),
        known("runs the line", "limits|f|def f(): return 1"),
        known("1: runs another function", "limits|g|return 1"),
        known("2: runs another function", "limits|g|return 1"),
        known("runs another module", "prices|g|return 1"),
    ]
    (mutant, _) = mutants(path, "limits")
    expected = ["runs the line", "measured before the line was added", "1: runs another function"]
    monkeypatch.setattr(measuring, "OTHERS", 1)
    assert measuring.select(mutant, tests, 10) == expected
    assert measuring.select(mutant, tests, 1) == expected[:1]


def test_a_constant_of_several_lines_has_the_tests_that_name_it(tmp_path: Path) -> None:
    path = tmp_path / "limits.py"
    path.write_text("LIMIT = dict(\n    help=3,\n)\n", "utf-8")
    tests = [known("names it", "tests||LIMIT"), known("names an argument", "prices|price|help")]
    chosen = {
        (mutant.line, *measuring.select(mutant, tests, 10)) for mutant in mutants(path, "limits")
    }
    assert chosen == {(2, "names it")}


def test_the_tests_of_a_mutant_are_at_most_so_many_and_some_of_each_kind(tmp_path: Path) -> None:
    path = tmp_path / "limits.py"
    path.write_text("def f(): return 1\n", "utf-8")
    line = "limits|f|def f(): return 1"
    cases = [known(f"a[{number}]", line) for number in range(7)]
    tests = [known("b[postgresql]", line), *cases, known("c", line)]
    (mutant, _) = mutants(path, "limits")
    first = [*("a[0]", "a[1]", "a[2]", "a[3]", "a[4]"), "c"]
    assert measuring.select(mutant, tests, 6) == first
    assert measuring.select(mutant, tests, 500) == [*first, "a[5]", "a[6]", "b[postgresql]"]


def test_tests_that_run_the_fewest_functions_are_first_however_long_they_took(
    tmp_path: Path,
) -> None:
    path = tmp_path / "limits.py"
    path.write_text("def f(): return 1\n", "utf-8")
    whole = known("whole", "limits|f|def f(): return 1")
    whole = attrs.evolve(whole, functions=whole.functions | {"limits|g"})
    unit = attrs.evolve(known("unit", "limits|f|def f(): return 1"), seconds=9.0)
    (mutant, _) = mutants(path, "limits")
    assert measuring.select(mutant, [whole, unit], 500) == ["unit", "whole"]
