"""Options that several commands share. Annotations are not postponed: cyclopts evaluates them elsewhere."""

import re
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from togai._cli._output import Output, progress, say, status_in_words
from togai._times import within
from togai.errors import InvalidRequest
from togai.jobs._status import status_of
from togai.jobs._table import read_text

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from togai import EventWithStatus, Togai
    from togai.corrections import Ledger


def _when(_type: Any, tokens: "Sequence[Any]") -> datetime:
    """A time with an offset; a date or a month stands for its start in UTC."""
    (value,) = (token.value for token in tokens)
    try:
        when = datetime.fromisoformat(f"{value}-01" if len(value) == 7 else value)
        utc = when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
    except (OverflowError, ValueError):
        raise ValueError("write a time such as 2024-12-01 or 2024-12-01T07:30:00Z") from None
    if when.tzinfo is None and len(value) > 10:
        raise ValueError(f"{value} has no offset: write {value}Z for UTC")
    return utc


def _number(_type: Any, tokens: "Sequence[Any]") -> int:
    """A whole number of 1 or more, in plain digits: 1.6 would be rounded to another number of events."""
    (value,) = (token.value for token in tokens)
    if not re.fullmatch("0*[1-9][0-9]{0,17}", value):
        raise ValueError(f"{value} is not a whole number of 1 or more")
    return int(value)


Count = Annotated[int, Parameter(converter=_number)]
When = Annotated[datetime | None, Parameter(converter=_when)]


@Parameter(name="*", group="Service")
@dataclass(frozen=True, kw_only=True)
class Service:
    """The service and the token; the token is TOGAI_API_TOKEN, unless a file is passed."""

    token_file: Path | None = None
    """Read the API token from this file instead of TOGAI_API_TOKEN."""
    base_url: str | None = None
    """The address of the service; by default TOGAI_BASE_URL, otherwise production."""
    sandbox: bool = False
    """Use the sandbox service."""

    def __post_init__(self) -> None:
        if self.sandbox and self.base_url:
            raise InvalidRequest("choose one of --sandbox and --base-url")

    def client(self, **settings: Any) -> "Togai":
        """A client for the service."""
        import togai

        file = self.token_file
        return togai.Togai(
            (lambda: read_text(file)) if file else None,
            base_url=togai.SANDBOX_URL if self.sandbox else self.base_url,
            **settings,
        )


@Parameter(name="*", group="Ledger")
@dataclass(frozen=True, kw_only=True)
class Book:
    """The ledger, which records every correction and prevents a second one of the same event."""

    ledger: Annotated[str | None, Parameter(env_var="TOGAI_LEDGER")] = None
    """The ledger: a file, or a postgresql:// address."""
    who: str | None = None
    """Who corrects, approves or decides; by default the login name."""

    def open(self) -> "Ledger":
        """The ledger; InvalidRequest if none is named."""
        from togai.corrections import Ledger

        if not self.ledger or self.ledger.isspace():
            raise InvalidRequest(
                "no ledger: set TOGAI_LEDGER, or pass --ledger FILE. To create one: togai ledger create FILE"
            )
        ledger = Ledger(self.ledger, who=self.who)
        ledger.pending()  # a mistyped path is an error before anything is read
        return ledger


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Session:
    """What every command with a ledger and a service takes."""

    book: Book = field(default_factory=Book)
    output: Output = field(default_factory=Output)
    service: Service = field(default_factory=Service)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Window:
    """A time window, by the time of events, or of entries of the ledger."""

    since: When = None
    """Only from this date or time on, such as 2024-12, 2024-12-01 or 2024-12-01T07:30:00Z. Dates are in UTC."""
    until: When = None
    """Only before this date or time: for all of December, --since 2024-12 --until 2025-01."""

    def __post_init__(self) -> None:
        if self.since and self.until and self.since >= self.until:
            raise InvalidRequest("--since is not before --until: the time window is empty")

    def holds(self, when: object, *, undated: bool = True) -> bool:
        """Whether a time lies in the time window."""
        inside = within(when, self.since, self.until)
        return inside if inside is not None else undated or not (self.since or self.until)


@Parameter(group="Which events")
@dataclass(frozen=True, kw_only=True)
class Filters(Window):
    """Which events of an account. The service lists by account and schema; all other filters are applied here."""

    schema: str | None = None
    """Only this event schema."""
    status: str = "*"
    """Only this status; `*` stands for anything, as in 'INGESTION_FAILED*' or 'failed*'."""

    def events(
        self, client: "Togai", accounts: list[str], *, quiet: bool = False, undated: bool = True
    ) -> "Generator[EventWithStatus]":
        """The events of accounts, or of all, each once; `undated`: in any time window also those without a time."""
        many = client.events.list_many(accounts, schema_name=self.schema)
        every = client.events.list(schema_name=self.schema, prefetch=1).pages()
        pages = many if accounts else (("", page) for page in every)
        count, seen = 0, set[str]()  # two accounts may be aliases, and pages may shift
        empty = dict.fromkeys(accounts)
        with progress("read", quiet=quiet) as show:
            for account, page in pages:
                show(count := count + len(page.events), account)
                for event in page.events:
                    empty.pop(account, None)
                    name = str(event.reference_id or "")
                    if name not in seen and not self.excluding(event, undated=undated):
                        seen.update(filter(None, [name]))
                        yield event
        for account in empty:
            say(f"The account {account} has no events: check its name, or --schema.")

    def excluding(self, event: "EventWithStatus", *, undated: bool) -> str:
        """The option that excludes an event; empty if none does."""
        status = status_of(event)
        if not any(fnmatchcase(each, self.status) for each in (status, status_in_words(status))):
            return f"--status {self.status}"
        when = getattr(event.event_payload, "timestamp", None)
        return "" if self.holds(when, undated=undated) else "the time window"


@dataclass(frozen=True, kw_only=True)
class Reading(Filters):
    """What the commands that list events take."""

    account: list[str] = field(default_factory=list[str])
    """Only this account; may be repeated. By default all."""
    output: Output = field(default_factory=Output)
    service: Service = field(default_factory=Service)

    def read(self) -> "Generator[EventWithStatus]":
        """The events; while they are read, the progress is shown unless it would disturb rows on the same terminal."""
        streams = sys.stdout.isatty() and (self.output.json or self.output.jsonl)
        with self.service.client() as client:
            yield from self.events(client, self.account, quiet=streams)


READING, SESSION = Reading(), Session()
