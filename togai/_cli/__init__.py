"""The command line over jobs and corrections: its commands, and what its errors mean."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from logging.handlers import BufferingHandler
from typing import Literal

from cyclopts import App, CycloptsError, MissingArgumentError, Parameter
from cyclopts.completion import ShellDetectionError

from togai import errors
from togai._cli import _corrections, _events, _ledger, _report, _service
from togai._cli._output import Exit, console, discard_stdout, lasting, say
from togai._version import __version__

app = App(
    name="togai",
    help="""Read and correct the events of a Togai account.

    Start with togai doctor, or try all commands with an in-memory service: togai serve.

    Data goes to stdout, everything else to stderr. Exit codes:

    - 0: done
    - 1: some corrections failed, or some lines are invalid
    - 2: wrong usage, or refused before anything was sent
    - 3: corrections are open: togai reconcile
    - 4: an outcome is unknown
    - 5: the service refused a read, or could not be reached
    - 130: interrupted; repeat the same command""",
    version=__version__,
    default_parameter=Parameter(negative=(), show_default=False),
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)


def completion(shell: Literal["bash", "zsh", "fish"] | None = None, /) -> None:
    """Print the completion script of this shell, or of another; for bash and zsh: eval "$(togai completion)"."""
    try:
        script = app.generate_completion(shell=shell)
    except ShellDetectionError:
        raise errors.InvalidRequest("unknown shell: pass bash, zsh or fish") from None
    print(script)
    if script.startswith("#compdef"):  # zsh reads this line in files only, not in what it evaluates
        name = "_cyclopts_togai"
        print(f"if [[ $funcstack[1] = {name} ]]; then {name}; else compdef {name} togai; fi")


_GROUPS = {
    "events": "List events, or show one.",
    "plan": "Show, approve and execute saved plans.",
    "ledger": "Create or verify a ledger; release an event.",
}
_COMMANDS: dict[str, Callable[..., int | None]] = {
    "events list": _events.list_events, "events get": _events.get_event, "failed": _events.failed,
    "export": _events.export_events, "report": _report.report,
    "undo": _corrections.undo, "redo": _corrections.redo, "correct": _corrections.correct,
    "plan show": _corrections.plan_show, "plan approve": _corrections.plan_approve,
    "plan execute": _corrections.plan_execute,
    "pending": _ledger.pending, "reconcile": _ledger.reconcile, "decide": _ledger.decide, "history": _ledger.history,
    "ledger create": _ledger.create, "ledger verify": _ledger.verify, "ledger release": _ledger.release,
    "doctor": _service.doctor, "serve": _service.serve, "completion": completion,
}  # fmt: skip
for _name, _help in _GROUPS.items():
    app.command(App(name=_name, help=_help))
for _words, _command in _COMMANDS.items():
    *_group, _name = _words.split()
    (app[_group[0]] if _group else app).command(_command, name=_name)


def run(arguments: Sequence[str]) -> int:
    """Run a command; returns the exit code."""
    notes = BufferingHandler(sys.maxsize)  # shown at the end, where they disturb no progress
    notes.setLevel(logging.WARNING)
    problem, code = None, None
    logging.getLogger("togai").addHandler(notes)
    try:
        _check_empty(arguments)
        code = app(list(arguments), console=console(), print_error=False, exit_on_error=False)
        with lasting():  # writes what waits to be written
            pass
    except (CycloptsError, errors.TogaiError, OSError, SystemExit, KeyboardInterrupt) as error:
        problem = error
    finally:
        logging.getLogger("togai").removeHandler(notes)
    messages = [record.getMessage() for record in notes.buffer]
    for note in {re.sub(r"in [0-9.]+ s", "", text): text for text in messages}.values():
        say(f"note: {note}")  # of retries that differ only in their waits, the last
    return _failed(problem) if problem is not None else code or Exit.DONE


def _check_empty(arguments: Sequence[str]) -> None:
    """Refuse an empty value, which would select everything; no option and no argument has one."""
    for before, argument in pairwise(("togai", *arguments)):
        if re.fullmatch(r"(--[^=]+=)?\s*", argument):
            option = argument.partition("=")[0].strip() or before
            raise errors.InvalidRequest(f"empty value after {option}: is a variable not set?")


def _failed(error: BaseException) -> int:
    """Report an error with what to do next; returns the exit code."""
    if isinstance(error, BrokenPipeError | SystemExit):  # nobody reads stdout: rich exits then
        discard_stdout()
        return Exit.DONE
    if isinstance(error, KeyboardInterrupt):
        say("\nInterrupted. Repeat the same command.")  # a terminal shows ^C without a line break
        return Exit.INTERRUPTED
    if isinstance(error, CycloptsError):
        problem = str(error).replace("Unused Tokens", "unexpected arguments")
        command = ("togai", *(error.command_chain or ()))
        if isinstance(error, MissingArgumentError) and error.argument and not error.keyword:
            problem = f"{error.argument.name} is missing."
        say(f"togai: {problem}\nFor help: {' '.join(command)} --help")
        return Exit.REFUSED
    if isinstance(error, OSError):
        say(f"togai: {error.filename or 'stdout'}: {error.strerror or error}")
        if error.filename is None:
            discard_stdout()
        return Exit.REFUSED
    say(f"togai: {error}")
    if isinstance(error, errors.CorrectionOutcomeUnknown | errors.AlreadyPending):
        say("Check with: togai reconcile")
        return Exit.OPEN if isinstance(error, errors.AlreadyPending) else Exit.UNKNOWN
    if advice := _service.advice_on(error):
        say(f"{advice}. To check: togai doctor")
        return Exit.UNREACHABLE
    return Exit.REFUSED
