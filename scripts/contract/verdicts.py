"""The verdict table: each kind of difference, its verdict, the reason, and the effect on callers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

_CALL = re.compile(
    r"#/paths/(?P<path>[^/]+)/(?P<method>[a-z]+)"
    r"(?:/parameters/(?P<in>[^/]+)/(?P<name>[^/]+)|(?P<body>/requestBody)|/responses/(?P<status>[^/]+)(?:/headers/(?P<header>[^/]+))?)?(?:/|$)"
)
_SIGNS = {"query": "?", "path": "path ", "header": "header ", "cookie": "cookie "}
_STEPS = {"/properties/": ".", "/enum/": ".", "/items": "[]", "/additionalProperties": ".*"}
_PARTS = {"servers": " servers", "x-togai-auth": " auth"}
_LIMIT = re.compile(r"(?<!/properties)/((?:min|max)[A-Za-z]+|multipleOf|pattern|uniqueItems)$")
_DETAIL = re.compile(
    r"(?<!/properties)/(required|deprecated|default|nullable|x-prose|x-other|x-unread|enum|type|format|\$ref)$"
)


class Verdict(StrEnum):
    """The decision on a difference, in the order of their gravity."""

    ABSORBED = "absorbed"
    HELD = "held"
    CONFLICT = "conflict"


@dataclass(frozen=True)
class Difference:
    """One difference between the contract and the description.

    Attributes:
        verdict: The decision.
        kind: The name of the rule that gave the verdict.
        at: JSON pointer into the contract; parameters, new items and enum values are named instead of numbered.
        ours: What the contract says.
        theirs: What the description says.
        reason: The reason for the verdict.
        positions: The places on the wire.
        known: Whether the vendor's last description already had it, or it does not change the contract.
        gain: Whether callers get something new.
        gets: What callers would get if it were adopted without a decision.
        digest: The digest of everything in the description below the pointer that is not compared.
        hints: Places in the description where the item may be now.
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


def place(at: str) -> str:
    """Return a short name for a pointer into a description: `GET /events ?pageSize`, `Event.accountId`."""
    limit = _LIMIT.search(at)
    suffix = f" {limit[1]}" if limit else ""
    call = _CALL.match(at)
    if call:
        words = f"{call['method'].upper()} {_plain(call['path'])}"
        if call["name"]:
            words += f" {_SIGNS.get(call['in'], call['in'] + ' ')}{_plain(call['name'])}"
        words += " body" if call["body"] else _PARTS.get(at[call.end() :], "")
        words += f" {call['status']}" if call["status"] else ""
        return words + (f" header {_plain(call['header'])}" if call["header"] else "") + suffix
    at = _DETAIL.sub("", _LIMIT.sub("", at)).removeprefix("#/components/schemas/")
    at = at.removeprefix("#/paths/").removeprefix("#/")
    for step, sign in _STEPS.items():
        at = at.replace(step, sign)
    return _plain(at) + suffix


def _plain(step: str) -> str:
    return step.replace("~1", "/").replace("~0", "~")


def need(is_required: bool) -> str:
    """Return "required" or "optional"."""
    return "required" if is_required else "optional"


@dataclass(frozen=True)
class Hold:
    """A maintainer's decision to keep the contract at a pointer and everything below it, and why."""

    at: str
    because: str

    def covers(self, at: str) -> bool:
        """Return whether the decision applies to a pointer."""
        below, named = tuple(f"{self.at}{sign}" for sign in ". ["), place(at)
        is_below = at.startswith(f"{self.at.rstrip('/')}/") or named.startswith(below)
        return is_below or self.at in (at, named)


@dataclass(frozen=True)
class Rule:
    """A row of the table: see `Difference`.

    If it is `settled`, it never changes the contract: without the vendor's last description, it counts as known.
    """

    verdict: Verdict
    kind: str
    reason: str
    gets: str = ""
    gain: bool = False
    settled: bool = False


_conflict = partial(Rule, Verdict.CONFLICT)
_held = partial(Rule, Verdict.HELD)
_absorbed = partial(Rule, Verdict.ABSORBED)
_settled = partial(_absorbed, settled=True)

# fmt: off
IGNORED = "the result without it: services ignore query parameters that they do not know"
REFUSED = "InvalidRequest: the service would reject the call"

# Requests: parameters, bodies and properties.
LOST_PARAMETER = _conflict("parameter removed", "the facade sends it", IGNORED)
MOVED_PARAMETER = _conflict("parameter moved", "the facade sends it in the old place", IGNORED)
RENAMED_PARAMETER = _conflict("parameter renamed", "the facade sends the old name", IGNORED)
LOST_REQUIRED = _conflict("required parameter removed", "the call does not work without it")
NEED_PARAMETER = _conflict("required parameter", "the facade does not always send it", REFUSED)
DEFAULT_SENT = _conflict("default changed", "calls that omit it would change their meaning",
    "what the new default selects")
NEW_DEFAULT = _conflict("new parameter with a default", "calls cannot send it yet, so its default would apply",
    "what the default selects")
NEW_DEFAULT_PROPERTY = _conflict("new request property with a default",
    "requests do not contain it yet, so its default would apply", "what the default selects")
PATH_MEANING = _conflict("path parameter names another id", "callers pass the old kind of id",
    "EventNotFound, or another event")
LIST_STYLE = _conflict("list in another style", "the facade and callers send several values, or one, in the old style",
    "what the service reads: one value instead of several, or several instead of one")
STYLE = _conflict("path parameter in another style", "the facade sends the plain id", "NotFound")
NO_BODY = _conflict("body removed", "callers rely on it", "UnexpectedResponse or InvalidRequest")
BODY_REQUIRED = _conflict("request body required", "some calls have no body", REFUSED)
MEDIA = _conflict("content type changed", "the facade sends and reads JSON", "UnexpectedResponse")
AUTH = _conflict("auth scheme changed", "the facade sends a bearer token", "AuthenticationError")
SCOPES = _absorbed("scope required", "the service may reject a token that does not have it: PermissionDenied")
NO_AUTH = _held("no authentication described", "the facade sends its token", "the same")
NEED_PROPERTY = _conflict("required request property", "not every request contains it", REFUSED)
LOST_REQUEST_PROPERTY = _conflict("request property removed", "callers send it",
    "InvalidRequest, or an event without it")
RENAMED_REQUEST_PROPERTY = _conflict("request property renamed",
    "a description is often published before the service: --write OLD sends our name, --write NEW the vendor's",
    "InvalidRequest, or an event without it")
LISTED_SENT = _conflict("request values listed", "callers also send other values", REFUSED)
LOST_REQUEST_MEMBER = _conflict("request enum member removed", "callers send it", REFUSED)

# Requests: operations, servers and paths.
GONE = _conflict("operation removed", "the facade calls it", "NotFound or another error")
OTHER_SERVER = _conflict("call moved to another server", "the facade sends every call to the same server",
    "NotFound, or the response of another service")
LOST_DEFAULT_SERVER = _conflict("default server removed", "callers that pass no base_url use it",
    "ConnectionError or NotFound after it is switched off")
HELD_SERVER = _held("server removed", "the contract keeps it", "ConnectionError after it is switched off")
SERVER_SLASH = _held("slash at the end of a server", "the contract does not change: same address", "the same")
NO_SERVER = _held("no server described", "the contract keeps its servers", "the same")
PATH_SLASH = _held("slash at the end of a path", "the contract does not change: most services accept both",
    "NotFound if this service does not")
PATH_NAME = _held("path parameter renamed", "only the position is sent", "the same")
NEW_SERVER = _absorbed("new server", "callers can pass it as base_url")

# Responses.
TYPE = _conflict("type changed", "code that reads or passes the old type would break")
LOST_READ = _conflict("response property removed", "callers read it, and its type promises a value",
    "None where the type promises a value")
LOST_RELIED = _conflict("response property removed", "the facade's own logic reads it",
    "an error on every call, or a listing that ends early")
WRAPPED = _conflict("response wrapped", "every property is one level deeper",
    "None for every property, or UnexpectedResponse")
NEW_SUCCESS = _conflict("new success status", "the facade reads only the documented status",
    "UnexpectedResponse where the service responds with it")
LOST_SUCCESS = _conflict("success status removed", "the facade reads it", "UnexpectedResponse on every call")
LOST_RELIED_MEMBER = _conflict("status value removed", "the facade's own logic compares with it",
    "corrections that seem not to have been applied")
DECIDE_MEMBER = _conflict("new value that needs a decision", "a maintainer must decide whether it means success",
    "results in the list unknown, never a success")
HELD_PROPERTY = _held("response property removed", "the contract keeps it", "None where it is absent")
HELD_MEMBER = _held("response enum member removed", "the contract keeps it: code that names it still works",
    "no response with this value")
HELD_STATUS = _held("status removed", "the contract keeps it", "the same")
HELD_ERROR_BODY = _held("error body changed", "the facade reads any error body", "the same error")
HELD_MEDIA = _held("content type renamed", "the facade reads JSON under any name", "the same")
WEAKER = _held("may be absent or null", "the contract keeps the type", "None where the service omits it")
WEAKER_RELIED = "without it: an empty page, EventNotFound or CorrectionOutcomeUnknown"
NULL_ITEM = _held("items may be null", "the contract keeps the type", "None, or a model without values")
NULL_BODY = _held("response may be null", "the contract keeps the type",
    "UnexpectedResponse or CorrectionOutcomeUnknown where the service responds with null")
ALIAS = _absorbed("property renamed", "both names are read")

# Additions, and changes that callers do not see.
NEW_PROPERTY = _absorbed("new property", "optional", gain=True)
NEW_MEMBER = _absorbed("new enum member", "enums are open", gain=True)
NEW_PARAMETER = _absorbed("new parameter", "optional", gain=True)
IDEMPOTENCY = _absorbed("idempotency key offered", "with it, corrections could be retried safely", gain=True)
NEW_STATUS = _absorbed("new status", "the contract does not change: the facade handles any status")
NEW_VERSION = _absorbed("version", "the version of the description")
OLDER = _held("older version", "check that this is the intended description", "the same")
BACK = _absorbed("restored", "the mark is removed")
DEPRECATED = _absorbed("deprecated", "the vendor plans to remove it; the contract marks it")
WELCOME = _absorbed("no longer deprecated", "the mark is removed")
DESCRIBED = _absorbed("now in the description", "its x-togai-origin can be removed")
WIDER = _absorbed("other values accepted, too", "what callers send is accepted as before")
DEFAULT = _settled("default changed", "no call changes its meaning: always sent, only read, or no longer described")
OPTIONALITY = _settled("required or null changed", "the contract does not change: it is compatible with both")
LISTED = _settled("values listed or no longer listed", "the contract does not change: any string is read")
FORMAT = _absorbed("format changed", "both are read in the same way")
LOOSER = _absorbed("limit loosened", "the contract is loosened, too")
TIGHTER = _settled("limit tightened", "the contract does not change: it only affects responses")
CHANGED = _settled("limit changed", TIGHTER.reason)
TIGHTER_SENT = _absorbed("request limit tightened", "the service may reject values that it accepted before")
CHANGED_SENT = _absorbed("request limit changed", TIGHTER_SENT.reason)
TIGHTENED = (TIGHTER_SENT.kind, CHANGED_SENT.kind)
VISIBLE = (*TIGHTENED, DEPRECATED.kind, SCOPES.kind)
LIMITS: dict[tuple[bool | None, bool], Rule] = {  # whether it is tighter, and whether it is sent
    (True, True): TIGHTER_SENT, (True, False): TIGHTER, (None, True): CHANGED_SENT, (None, False): CHANGED}
UNMODELLED = _settled("not modelled", "callers find it in additional_properties")
UNMODELLED_PARAMETER = _settled("not modelled", "callers still cannot send it")
