"""The command line over jobs and corrections: its commands, and what its errors mean."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from logging.handlers import BufferingHandler
from typing import Literal

from cyclopts import App, CycloptsError, MissingArgumentError, Parameter

from togai import errors
from togai._cli import _corrections, _events, _ledger, _report, _service
from togai._cli._output import (
    DONE,
    INTERRUPTED,
    OPEN,
    REFUSED,
    UNKNOWN,
    UNREACHABLE,
    console,
    discard_stdout,
    lasting,
    say,
)
from togai._version import __version__

app = App(
    name="togai",
    help="""Read and correct the events of a Togai account.

    Start with togai doctor, or try all commands with an in-memory service: togai serve.

    Data goes to stdout, everything else to stderr. Exit codes:

    - 0: done
    - 1: some corrections failed, or some lines are invalid
    - 2: wrong usage, or refused before anything was sent
    - 3: corrections of an earlier run are open
    - 4: an outcome is unknown
    - 5: the service refused a read, or could not be reached
    - 130: interrupted; repeat the same command""",
    version=__version__,
    default_parameter=Parameter(negative=(), show_default=False),
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)


def completion(shell: Literal["bash", "zsh", "fish"] | None = None, /) -> None:
    """Print the script for shell completion; for bash and zsh: eval "$(togai completion)".

    Args:
        shell: The shell; by default the one that runs this command.
    """
    print(app.generate_completion(shell=shell))


_GROUPS = {
    "": app,
    "events": App(name="events", help="List events, or show one."),
    "plan": App(name="plan", help="Show, approve and execute saved plans."),
    "ledger": App(name="ledger", help="Create or verify a ledger; release an event."),
}
_COMMANDS: dict[str, Callable[..., int | None]] = {
    "events list": _events.list_events,
    "events get": _events.get_event,
    "failed": _events.failed,
    "export": _events.export_events,
    "report": _report.report,
    "undo": _corrections.undo,
    "redo": _corrections.redo,
    "correct": _corrections.correct,
    "plan show": _corrections.plan_show,
    "plan approve": _corrections.plan_approve,
    "plan execute": _corrections.plan_execute,
    "pending": _ledger.pending,
    "reconcile": _ledger.reconcile,
    "decide": _ledger.decide,
    "history": _ledger.history,
    "ledger create": _ledger.create,
    "ledger verify": _ledger.verify,
    "ledger release": _ledger.release,
    "doctor": _service.doctor,
    "serve": _service.serve,
    "completion": completion,
}
for _words, _command in _COMMANDS.items():
    _group, _, _name = _words.rpartition(" ")
    _GROUPS[_group].command(_command, name=_name)
for _group in ("events", "plan", "ledger"):
    app.command(_GROUPS[_group])


def run(arguments: Sequence[str]) -> int:
    """Run a command; returns the exit code."""
    notes = BufferingHandler(sys.maxsize)  # shown at the end, where they disturb no progress
    notes.setLevel(logging.WARNING)
    problem, code = None, None
    logging.getLogger("togai").addHandler(notes)
    try:
        code = app(list(arguments), console=console(), print_error=False, exit_on_error=False)
        with lasting():  # writes what waits to be written
            pass
    except (CycloptsError, errors.TogaiError, OSError, SystemExit, KeyboardInterrupt) as error:
        problem = error
    finally:
        logging.getLogger("togai").removeHandler(notes)
    for note in dict.fromkeys(record.getMessage() for record in notes.buffer):
        say(f"note: {note}")
    if problem is not None:
        return _failed(problem)
    return code if isinstance(code, int) else DONE


def _failed(error: BaseException) -> int:
    """Report an error with what to do next; returns the exit code."""
    if isinstance(error, BrokenPipeError | SystemExit):  # nobody reads stdout: rich exits then
        discard_stdout()
        return DONE
    if isinstance(error, KeyboardInterrupt):
        say("\nInterrupted. Repeat the same command.")  # a terminal shows ^C without a line break
        return INTERRUPTED
    if isinstance(error, CycloptsError):
        say(_usage(error))
        return REFUSED
    if isinstance(error, OSError):
        say(f"togai: {error.filename or 'stdout'}: {error.strerror or error}")
        if error.filename is None:
            discard_stdout()
        return REFUSED
    say(f"togai: {error}")
    if isinstance(error, errors.CorrectionOutcomeUnknown | errors.AlreadyPending):
        say("Check with: togai reconcile")
        return OPEN if isinstance(error, errors.AlreadyPending) else UNKNOWN
    if advice := _service.advice_on(error):
        say(f"{advice}. To check: togai doctor")
        return UNREACHABLE
    return REFUSED


def _usage(error: CycloptsError) -> str:
    problem, command = str(error), ("togai", *(error.command_chain or ()))
    if isinstance(error, MissingArgumentError) and error.argument and not error.keyword:
        problem = f"{error.argument.name} is missing."
    return f"togai: {problem}\nFor help: {' '.join(command)} --help"
