"""Options that several commands share, each documented once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter, validators

from togai._cli._output import progress
from togai.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from togai import EventWithStatus, Togai


def _when(_type: Any, tokens: Sequence[Any]) -> datetime:
    """A time with an offset; a date or a month stands for its start in UTC."""
    value = tokens[0].value
    try:
        when = datetime.fromisoformat(f"{value}-01" if len(value) == 7 else value)
    except ValueError:
        raise ValueError(
            "write a date such as 2024-12-01, or a time such as 2024-12-01T07:30:00Z"
        ) from None
    if when.tzinfo is None and len(value) > 10:
        raise ValueError(f"{value} has no offset: write {value}Z for UTC")
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def short(when: Any) -> Any:
    """A time in a form for people; any other value is unchanged."""
    if not isinstance(when, datetime) or when.tzinfo is None:
        return when
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"


Count = Annotated[int | None, Parameter(validator=validators.Number(gte=1))]
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

    def client(self, **settings: Any) -> Togai:
        """A client for the service."""
        import togai

        file = self.token_file
        return togai.Togai(
            (lambda: file.read_text("utf-8")) if file else None,
            base_url=togai.SANDBOX_URL if self.sandbox else self.base_url,
            **settings,
        )


@Parameter(name="*", group="Which events")
@dataclass(frozen=True, kw_only=True)
class Which:
    """Which events are read. The service filters by account and schema; the client applies all other filters."""

    account: list[str] = field(default_factory=list[str])
    """Only this account; may be repeated. By default all accounts."""
    schema: str | None = None
    """Only this event schema."""
    status: str | None = None
    """Only this status; `*` stands for anything, as in 'INGESTION_FAILED*'."""
    since: When = None
    """Only events from this date or time on."""
    until: When = None
    """Only events before this date or time."""

    def read(self, client: Togai, *, quiet: bool = False) -> Generator[EventWithStatus]:
        """Read the events; show the progress unless `quiet`."""
        from togai.jobs._status import status_of

        with progress("read", quiet=quiet) as show:
            for count, (account, event) in enumerate(self._list(client), 1):
                show(count, account)
                when: Any = getattr(event.event_payload, "timestamp", None)
                if self.status and not fnmatchcase(status_of(event), self.status):
                    continue
                if isinstance(when, datetime) and when.tzinfo and not self._is_inside(when):
                    continue
                yield event

    def _list(self, client: Togai) -> Iterator[tuple[str, EventWithStatus]]:
        if not self.account:
            events = client.events.list(schema_name=self.schema, prefetch=1)
            return (("", event) for event in events)
        pages = client.events.list_many(self.account, schema_name=self.schema)
        return ((account, event) for account, page in pages for event in page.events)

    def _is_inside(self, when: datetime) -> bool:
        return (self.since is None or self.since <= when) and (
            self.until is None or when < self.until
        )


SERVICE, WHICH = Service(), Which()
