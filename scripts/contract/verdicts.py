"""The verdict table: each kind of difference, its verdict, the reason, and what callers would have got."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_CALL = re.compile(
    r"#/paths/(?P<path>[^/]+)/(?P<method>[a-z]+)"
    r"(?:/parameters/(?P<in>[^/]+)/(?P<name>[^/]+)|(?P<body>/requestBody)|/responses/(?P<status>[^/]+))?(?:/|$)"
)
_SIGNS = {"query": "?", "path": "path ", "header": "header ", "cookie": "cookie "}
_LIMIT = re.compile(r"/((?:min|max)[A-Za-z]+|pattern|uniqueItems)$")


class Verdict(StrEnum):
    """What happens to a difference."""

    ABSORBED = "absorbed"
    HELD = "held"
    CONFLICT = "conflict"


@dataclass(frozen=True)
class Difference:
    """One difference between the contract and the description.

    Attributes:
        verdict: What happens to it.
        kind: Which rule gave the verdict, in a few words.
        at: JSON pointer into our contract; parameters, new items and enum values go by their names.
        ours: What the contract says.
        theirs: What the description says.
        reason: Why the verdict is what it is.
        positions: Where on the wire.
        known: Whether the vendor already said so at the last bump, or the contract does not change by it.
        gain: Whether callers get something new.
        gets: What callers would have got, had it been taken without a decision.
        digest: Of everything that stands in theirs below the pointer and is not compared.
        hints: Places of theirs where the item may be now.
    """

    verdict: Verdict
    kind: str
    at: str
    ours: str
    theirs: str
    reason: str
    positions: tuple[str, ...] = ()
    known: bool = False
    gain: bool = False
    gets: str = ""
    digest: str = ""
    hints: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Equal for the same difference in two bumps."""
        return self.at, self.kind, self.theirs, self.digest


def place(at: str) -> str:
    """A pointer into a description as people say it: `GET /events ?pageSize`, `Event.accountId`."""
    limit = _LIMIT.search(at)
    suffix = f" {limit[1]}" if limit else ""
    call = _CALL.match(at)
    if call:
        words = f"{call['method'].upper()} {_plain(call['path'])}"
        if call["name"]:
            words += f" {_SIGNS.get(call['in'], call['in'] + ' ')}{_plain(call['name'])}"
        words += " body" if call["body"] else ""
        return words + (f" {call['status']}" if call["status"] else "") + suffix
    at = re.sub("/(required|deprecated|default|nullable|x-prose|enum)$", "", _LIMIT.sub("", at))
    at = at.removeprefix("#/components/schemas/")
    for step, sign in (
        ("/properties/", "."),
        ("/enum/", "."),
        ("/items", "[]"),
        ("/additionalProperties", ".*"),
    ):
        at = at.replace(step, sign)
    return _plain(at) + suffix


def _plain(step: str) -> str:
    return step.replace("~1", "/").replace("~0", "~")


@dataclass(frozen=True)
class Hold:
    """A maintainer's decision to keep ours at a pointer and everything below it, and why."""

    at: str
    because: str

    def covers(self, at: str) -> bool:
        """Whether the decision is about a pointer."""
        return at.startswith(f"{self.at.rstrip('/')}/") or self.at in (at, place(at))


@dataclass(frozen=True)
class Rule:
    """One row of the table. `visible` rules are reported to callers although nothing of theirs changes."""

    verdict: Verdict
    kind: str
    reason: str
    gets: str = ""
    visible: bool = False


def _conflict(kind: str, reason: str, gets: str = "") -> Rule:
    return Rule(Verdict.CONFLICT, kind, reason, gets)


def _held(kind: str, reason: str, gets: str = "") -> Rule:
    return Rule(Verdict.HELD, kind, reason, gets)


def _absorbed(kind: str, reason: str, *, visible: bool = False) -> Rule:
    return Rule(Verdict.ABSORBED, kind, reason, visible=visible)


IGNORED = (
    "services ignore a query parameter that they do not know: every event, as if it was not passed"
)
REFUSED = "the service would refuse the call: InvalidRequest"

# What is sent.
LOST_PARAMETER = _conflict("parameter removed", "the facade sends it", IGNORED)
MOVED_PARAMETER = _conflict("parameter moved", "the facade sends it where it was", IGNORED)
RENAMED_PARAMETER = _conflict("parameter renamed", "the facade sends the old name", IGNORED)
LOST_REQUIRED = _conflict("required parameter removed", "the call can no longer say what it must")
NEED_PARAMETER = _conflict("required parameter", "the facade does not always send it", REFUSED)
DEFAULT_SENT = _conflict(
    "default changed",
    "calls that leave it out would have another meaning",
    "what the new default selects",
)
NEW_DEFAULT = _conflict(
    "new parameter with a default",
    "calls cannot send it yet, and would mean what its default says",
    "what the default selects",
)
PATH_MEANING = _conflict(
    "path parameter names another id",
    "callers pass the id that it named before",
    "EventNotFound, or another event",
)
NO_BODY = _conflict("body removed", "callers rely on it", "UnexpectedResponse, or a refusal")
BODY_REQUIRED = _conflict("request body required", "calls without a body exist", REFUSED)
MEDIA = _conflict("content type changed", "the facade sends and reads JSON", "UnexpectedResponse")
AUTH = _conflict("auth scheme changed", "the facade sends a bearer token", "AuthenticationError")
NEED_PROPERTY = _conflict("required request property", "not every request has it", REFUSED)
LOST_REQUEST_PROPERTY = _conflict(
    "request property removed", "callers send it", "a refusal, or an event without it"
)
RENAMED_REQUEST_PROPERTY = _conflict(
    "request property renamed",
    "a description is often published before the service: --write OLD keeps ours, --write NEW sends theirs",
    "a refusal, or an event without it",
)
LISTED_SENT = _conflict("request values listed", "callers send other values as well", REFUSED)
LOST_REQUEST_MEMBER = _conflict("request enum member removed", "callers send it", REFUSED)

# Where it is sent.
GONE = _conflict("operation removed", "the facade calls it", "NotFound, or another refusal")
OTHER_SERVER = _conflict(
    "call moved to another server",
    "the facade sends every call to one address",
    "NotFound, or what another service responds",
)
LOST_DEFAULT_SERVER = _conflict(
    "default server removed",
    "callers that pass no base_url use it",
    "ConnectionError or NotFound once it is switched off",
)
HELD_SERVER = _held("server removed", "ours keeps it", "no connection once it is switched off")
SERVER_SLASH = _held("slash at the end of a server", "ours stays: the same address", "the same")
NO_SERVER = _held("no server described", "ours keeps its own", "the same")
PATH_SLASH = _held(
    "slash at the end of a path", "ours stays: most services take both", "NotFound if it does not"
)
PATH_NAME = _held("path parameter renamed", "only the position is sent", "the same")
NEW_SERVER = _absorbed("new server", "callers choose theirs")

# What is read.
TYPE = _conflict("type changed", "code that reads or passes the old type would break")
LOST_READ = _conflict(
    "response property removed",
    "callers read it, and its type promises a value",
    "None where the type promises a value",
)
LOST_RELIED = _conflict(
    "response property removed",
    "the facade's own logic reads it",
    "an error on every call, or a listing that ends early",
)
WRAPPED = _conflict(
    "response wrapped",
    "every property is one level deeper",
    "None for every property, or UnexpectedResponse",
)
NEW_SUCCESS = _conflict(
    "new success status",
    "the facade reads the documented one alone",
    "UnexpectedResponse where the service responds with it",
)
LOST_SUCCESS = _conflict(
    "success status removed", "the facade reads it", "UnexpectedResponse on every call"
)
LOST_RELIED_MEMBER = _conflict(
    "status value removed",
    "the facade's own logic compares with it",
    "corrections that look as if they had not been applied",
)
DECIDE_MEMBER = _conflict(
    "new value that needs a decision",
    "a person says whether it is a success",
    "entries in `unknown`, never a success",
)
HELD_PROPERTY = _held("response property removed", "ours keeps it", "None where it is absent")
HELD_MEMBER = _held(
    "response enum member removed", "ours keeps it: code that names it still works", "the same"
)
HELD_STATUS = _held("status removed", "ours keeps it", "the same")
HELD_ERROR_BODY = _held("error body removed", "ours reads any error body", "the same error")
HELD_MEDIA = _held("content type renamed", "ours reads JSON under any name", "the same")
WEAKER = _held(
    "may be absent or null", "ours keeps the type", "None where the service leaves it out"
)
ALIAS = _absorbed("property renamed", "read under both names")

# Gains, and what callers see nothing of.
NEW_PROPERTY = _absorbed("new property", "optional")
NEW_MEMBER = _absorbed("new enum member", "enums are open")
NEW_PARAMETER = _absorbed("new parameter", "optional")
IDEMPOTENCY = _absorbed("idempotency key offered", "corrections could be repeated safely with it")
NEW_STATUS = _absorbed("new status", "any status is handled")
NEW_VERSION = _absorbed("version", "the description's own")
OLDER = _held("older version", "is this the description that was meant?", "the same")
BACK = _absorbed("came back", "the mark is removed")
DEPRECATED = _absorbed("deprecated", "the vendor plans to drop it; ours keeps it, and says so")
WELCOME = _absorbed("no longer deprecated", "the mark is removed")
DESCRIBED = _absorbed("described now", "x-togai-origin can go")
DEFAULT = _absorbed("default changed", "always sent, or read only: the calls mean the same")
OPTIONALITY = _absorbed("required or null changed", "ours stays: it fits both")
LISTED = _absorbed("values listed or no longer listed", "ours stays: any text is read")
FORMAT = _absorbed("format changed", "both are read alike")
LOOSER = _absorbed("constraint loosened", "ours follows")
TIGHTER = _absorbed("constraint tightened", "ours stays: it is about responses")
TIGHTER_SENT = _absorbed(
    "request limit tightened", "the service may refuse what it took before", visible=True
)
UNMODELLED = _absorbed("not modelled", "callers read it among the unknown properties")
UNMODELLED_PARAMETER = _absorbed("not modelled", "callers still cannot send it")
