"""The command line over jobs and corrections: its commands, and what its errors mean."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from cyclopts import App, Parameter

from togai import errors
from togai._cli import _corrections, _events, _ledger, _report, _service
from togai._cli._exits import DONE, INTERRUPTED, OPEN, REFUSED, SOME_FAILED, UNKNOWN, UNREACHABLE
from togai._cli._output import console, discard_stdout, lasting, say
from togai._version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
    - 130: interrupted; repeat the same command to continue""",
    version=__version__,
    default_parameter=Parameter(negative=(), show_default=False),
    result_action="return_value",
    suppress_keyboard_interrupt=False,
    help_format="markdown",
)
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
}
for _words, _command in _COMMANDS.items():
    _group, _, _name = _words.rpartition(" ")
    _GROUPS[_group].command(_command, name=_name)
for _group in ("events", "plan", "ledger"):
    app.command(_GROUPS[_group])
app.register_install_completion_command(name="completion")  # pyright: ignore[reportUnknownMemberType]


class _Notes(logging.Handler):
    """Keeps what the library logs until the command is done, where it disturbs no progress."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.seen: dict[str, None] = {}

    def emit(self, record: logging.LogRecord) -> None:
        self.seen[record.getMessage()] = None

    def say(self) -> None:
        """Show them, each once."""
        for note in self.seen:
            say(f"note: {note}")
        self.seen.clear()


def run(arguments: Sequence[str]) -> int:
    """Run a command.

    Returns:
        The exit code.
    """
    notes = _Notes()
    logging.getLogger("togai").addHandler(notes)
    try:
        code = app(list(arguments), console=console(), error_console=console(stderr=True))
        with lasting():
            sys.stdout.flush()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else REFUSED
    except KeyboardInterrupt:
        say("Interrupted. Repeat the same command to continue.")
        return INTERRUPTED
    except BrokenPipeError:  # whoever read stdout has enough
        discard_stdout()
        return DONE
    except (errors.TogaiError, OSError) as error:
        notes.say()
        return _failed(error)
    else:
        return code if isinstance(code, int) else DONE
    finally:
        notes.say()
        logging.getLogger("togai").removeHandler(notes)


def _failed(error: errors.TogaiError | OSError) -> int:
    """Report an error with what to do next.

    Returns:
        The exit code.
    """
    if isinstance(error, OSError) and not isinstance(error, errors.TogaiError):
        say(f"togai: {error.filename or 'stdout'}: {error.strerror or error}")
        if error.filename is None:
            discard_stdout()
        return REFUSED
    say(f"togai: {error}")
    if isinstance(error, errors.CorrectionOutcomeUnknown | errors.AlreadyPending):
        say("Check with: togai reconcile")
        return OPEN if isinstance(error, errors.AlreadyPending) else UNKNOWN
    if isinstance(error, errors.EventNotFound | errors.AmbiguousEvent):
        return SOME_FAILED
    if isinstance(
        error,
        errors.ConfigurationError | errors.InvalidRequest | errors.AlreadyCorrected
        | errors.StaleReading | errors.NotApproved | errors.LedgerBusy | errors.LedgerDamaged,
    ):  # fmt: skip
        return REFUSED
    say(f"{_service.advice_on(error)}. To check: togai doctor")
    return UNREACHABLE
