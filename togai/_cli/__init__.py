"""The command line over jobs and corrections. Commands are imported when they run: `togai --help` loads no httpx."""

from __future__ import annotations

import logging
import os
import re
import sys
from typing import TYPE_CHECKING

from cyclopts import App, Parameter

from togai._cli._exits import DONE, INTERRUPTED, OPEN, REFUSED, SOME_FAILED, UNKNOWN, UNREACHABLE
from togai._cli._output import console, say
from togai._version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

app = App(
    name="togai",
    help="""Read and correct the events of a Togai account.

    Start with togai doctor, or try all commands with an in-memory service: togai serve.

    Data goes to stdout, everything else to stderr. Exit codes: 0 done, 1 some corrections failed or some lines are
    invalid, 2 wrong usage or refused before anything was sent, 3 corrections of an earlier run are open, 4 an outcome
    is unknown, 5 the service refused a read or could not be reached, 130 interrupted: repeat the same command to
    continue.""",
    version=__version__,
    default_parameter=Parameter(negative=(), show_default=False),
    result_action="return_value",
    suppress_keyboard_interrupt=False,
    help_format="plaintext",
)

_COMMANDS = {
    "events list": ("_events:list_events", "List events."),
    "events get": ("_events:get_event", "Show one event with all details."),
    "failed": ("_events:failed", "Count failed ingestions by reason, or list them."),
    "export": ("_events:export_events", "Export events to CSV, JSON lines or Parquet."),
    "report": ("_report:report", "Report usage, failures and corrections, on request as HTML."),
    "undo": ("_corrections:undo", "Undo events."),
    "redo": ("_corrections:redo", "Undo events and ingest them again."),
    "correct": ("_corrections:correct", "Replace quantities from a CSV table."),
    "plan show": ("_corrections:plan_show", "Show a saved plan."),
    "plan approve": ("_corrections:plan_approve", "Approve a saved plan."),
    "plan execute": ("_corrections:plan_execute", "Execute an approved plan, or continue it."),
    "pending": ("_ledger:pending", "List the corrections whose outcome is unknown."),
    "reconcile": ("_ledger:reconcile", "Check whether open corrections were applied."),
    "decide": ("_ledger:decide", "Settle an open correction by the decision of a person."),
    "history": ("_ledger:history", "List what was corrected, by whom and why."),
    "ledger create": ("_ledger:create", "Create a ledger."),
    "ledger verify": ("_ledger:verify", "Check that the ledger was not damaged or altered."),
    "ledger release": ("_ledger:release", "Allow one further correction of an event."),
    "doctor": ("_service:doctor", "Check token, address, clock and versions."),
    "serve": ("_service:serve", "Serve a month of sample events in memory, to try all commands."),
}
_GROUPS = {
    "events": "List events, or show one.",
    "plan": "Show, approve and execute saved plans.",
    "ledger": "Create, check and release.",
}


def _register() -> None:
    groups: dict[str, App] = {}
    for words, (path, text) in _COMMANDS.items():
        group, _, name = words.rpartition(" ")
        if group and group not in groups:
            groups[group] = App(name=group, help=_GROUPS[group])
            app.command(groups[group])
        (groups[group] if group else app).command(f"togai._cli.{path}", name=name, help=text)
    app.register_install_completion_command(name="completion")  # pyright: ignore[reportUnknownMemberType]


_register()


_HERE = {
    "pass token=, or set TOGAI_API_TOKEN": "set TOGAI_API_TOKEN, or --token-file FILE",
    "create one with Ledger(address, create=True)": "create one with: togai ledger create FILE",
}
"""Advice of the library, and the equivalent advice for the command line."""


def run(arguments: Sequence[str]) -> int:
    """Run a command.

    Returns:
        The exit code.
    """
    notes = _Notes(logging.WARNING)
    logging.getLogger("togai").addHandler(notes)
    try:
        return _run(arguments)
    finally:
        for note in notes.seen:
            say(f"note: {note}")


class _Notes(logging.Handler):
    """Stores the log of the library until the command is done, so that it does not disturb the progress line."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.seen: dict[str, None] = {}

    def emit(self, record: logging.LogRecord) -> None:
        self.seen[record.getMessage()] = None


def _run(arguments: Sequence[str]) -> int:
    try:
        code = app(list(arguments), console=console(), error_console=console(stderr=True))
        sys.stdout.flush()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else REFUSED
    except KeyboardInterrupt:
        say("Interrupted. Repeat the same command to continue.")
        return INTERRUPTED
    except BrokenPipeError:  # the reader of stdout closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:  # noqa: BLE001  (anything else is raised there)
        return _failed(error)
    return code if isinstance(code, int) else DONE


def _failed(error: Exception) -> int:
    """Report an error and the next command.

    Returns:
        The exit code.
    """
    from togai import errors

    if not isinstance(error, errors.TogaiError | OSError):
        raise error
    text = str(error)
    for part, here in _HERE.items():
        text = text.replace(part, here)
    # Messages name parameters of the library; here they are options.
    say(
        "togai: " + re.sub(r"\b(\w+)=True\b", lambda match: "--" + match[1].replace("_", "-"), text)
    )
    if isinstance(error, errors.CorrectionOutcomeUnknown):
        say("Check with: togai reconcile")
        return UNKNOWN
    if isinstance(error, errors.AlreadyPending):
        say("Check with: togai reconcile")
        return OPEN
    if isinstance(error, errors.EventNotFound | errors.AmbiguousEvent):
        return SOME_FAILED
    refused = (
        errors.ConfigurationError | errors.InvalidRequest | errors.AlreadyCorrected | errors.StaleReading
        | errors.NotApproved | errors.LedgerBusy | errors.LedgerDamaged | OSError
    )  # fmt: skip
    if isinstance(error, refused):
        return REFUSED
    say("Check the connection and the token with: togai doctor")
    return UNREACHABLE
