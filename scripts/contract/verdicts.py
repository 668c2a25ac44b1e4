"""The verdict table: each kind of difference, what becomes of it, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What becomes of a difference."""

    ABSORBED = "absorbed"
    HELD = "held"
    CONFLICT = "conflict"


@dataclass(frozen=True)
class Difference:
    """One difference between the contract and the description.

    Attributes:
        verdict: What becomes of it.
        kind: Which rule gave the verdict, in a few words.
        at: JSON pointer into our contract. What it does not have yet, and enum members, go by their names.
        ours: What the contract says.
        theirs: What the description says.
        reason: Why the verdict is what it is.
        positions: Where on the wire.
        standing: Whether the contract already says so, by a mark, or does not change by it.
        gain: Whether callers get something new.
    """

    verdict: Verdict
    kind: str
    at: str
    ours: str
    theirs: str
    reason: str
    positions: tuple[str, ...] = ()
    standing: bool = False
    gain: bool = False


@dataclass(frozen=True)
class Hold:
    """A maintainer's decision to keep ours at a pointer, and why."""

    at: str
    because: str


@dataclass(frozen=True)
class Rule:
    """Verdict, kind and reason of one row of the table."""

    verdict: Verdict
    kind: str
    reason: str


TYPE = Rule(
    Verdict.CONFLICT, "type changed", "values of another type break code that uses the old ones"
)
MEDIA = Rule(Verdict.CONFLICT, "content type changed", "bodies could no longer be written or read")
NO_BODY = Rule(Verdict.CONFLICT, "body removed", "a body that callers rely on is gone")
BODY_REQUIRED = Rule(
    Verdict.CONFLICT, "request body required", "calls without a body would be refused"
)
AUTH = Rule(Verdict.CONFLICT, "auth scheme changed", "the token would no longer be accepted")
GONE = Rule(Verdict.CONFLICT, "operation removed", "the call would no longer be answered")
NEED_PARAMETER = Rule(
    Verdict.CONFLICT, "required parameter", "calls that do not send it would be refused"
)
LOST_PARAMETER = Rule(
    Verdict.CONFLICT,
    "required parameter removed",
    "the call can no longer say what it must",
)
NEED_PROPERTY = Rule(
    Verdict.CONFLICT, "required request property", "requests without it would be refused"
)
LOST_REQUEST_PROPERTY = Rule(
    Verdict.CONFLICT, "request property removed", "what callers send would be refused or lost"
)
LOST_REQUEST_MEMBER = Rule(
    Verdict.CONFLICT, "request enum member removed", "what callers send would be refused"
)
HELD_PROPERTY = Rule(
    Verdict.HELD, "response property removed", "ours keeps it, and reads None where it is absent"
)
HELD_MEMBER = Rule(
    Verdict.HELD,
    "response enum member removed",
    "ours keeps it: code that names it goes on working",
)
HELD_PARAMETER = Rule(
    Verdict.HELD, "optional parameter removed", "ours keeps it: callers may pass it"
)
HELD_STATUS = Rule(Verdict.HELD, "status removed", "ours keeps it")
HELD_ERROR_BODY = Rule(Verdict.HELD, "error body removed", "ours reads any error body")
HELD_SERVER = Rule(Verdict.HELD, "server removed", "ours keeps it")
NEW_PROPERTY = Rule(Verdict.ABSORBED, "new property", "optional")
NEW_MEMBER = Rule(Verdict.ABSORBED, "new enum member", "enums are open")
NEW_PARAMETER = Rule(Verdict.ABSORBED, "new parameter", "optional")
NEW_STATUS = Rule(Verdict.ABSORBED, "new status", "any status is handled")
NEW_SERVER = Rule(Verdict.ABSORBED, "new server", "callers choose theirs")
NEW_VERSION = Rule(Verdict.ABSORBED, "version", "the description's own")
BACK = Rule(Verdict.ABSORBED, "came back", "the mark is taken off")
DEPRECATED = Rule(
    Verdict.ABSORBED, "deprecated", "the vendor means to drop it; ours keeps it, and says so"
)
WELCOME = Rule(Verdict.ABSORBED, "no longer deprecated", "the mark is taken off")
DEFAULT = Rule(
    Verdict.ABSORBED, "default changed", "ours sends only what callers pass: the service decides"
)
OPTIONALITY = Rule(
    Verdict.ABSORBED, "required or null changed", "ours stays: None is read for what is absent"
)
LISTED = Rule(
    Verdict.ABSORBED, "values listed or no longer listed", "ours stays: texts of any value are read"
)
LOOSER = Rule(Verdict.ABSORBED, "constraint loosened", "ours follows")
TIGHTER = Rule(Verdict.ABSORBED, "constraint tightened", "ours stays: the service enforces its own")
UNMODELLED = Rule(Verdict.ABSORBED, "not modelled", "read among the unknown properties, as before")
UNMODELLED_PARAMETER = Rule(Verdict.ABSORBED, "not modelled", "callers cannot send it, as before")
