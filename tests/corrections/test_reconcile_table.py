"""The verdict of each situation, branch by branch, with its evidence and the time of the next check; no I/O."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from togai import CorrectionOutcomeUnknown, InvalidRequest
from togai._salvage import salvage
from togai.corrections._correction import Correction, Selection, Target
from togai.corrections._entry import Entry, Kind
from togai.corrections._reconcile import Case, Readings, judge
from togai.errors import StatusError
from togai.models import CorrectionAction, EventWithStatus

SERVICE = "https://api.example.com"
AT = datetime(2024, 12, 5, 12, tzinfo=UTC)
MIN_AGE = timedelta(minutes=10)
DAY = timedelta(hours=24)
COMPLETED = "INGESTION_COMPLETED_EVENT_METERED"


def read(
    reference_id: str | None = "ref-1",
    status: object = COMPLETED,
    value: str = "10.4",
    event_id: str | None = "ride-1",
    without: str = "",
    **payload: Any,
) -> EventWithStatus:
    """An event as it reads now."""
    own = {
        "schemaName": "rides",
        "timestamp": "2024-12-04T07:30:35Z",
        "accountId": "acme",
        "attributes": [{"name": "distance", "value": value, "unit": "Kilometers"}],
        "dimensions": {},
        **({"id": event_id} if event_id else {}),
        **payload,
    }
    source = {
        "referenceId": reference_id,
        "createdAt": "2024-12-05T00:00:00Z",
        "ingestionStatus": {"status": status, "statusDescription": ""},
        "eventPayload": own,
    }
    source.pop(without or "nothing", None)
    event = salvage(EventWithStatus, source, "event", [])
    assert isinstance(event, EventWithStatus)
    return event


def case(action: str = "UNDO", event_id: str | None = "ride-1", **changes: Any) -> Case:
    """A lost correction of ref-1, after a reading that showed ref-1 and ref-2."""
    replacement = read(value="7", event_id=event_id).event_payload
    correction = Correction(
        action=CorrectionAction(action),
        selection=Selection(account_id="acme", reference_id="ref-1"),
        event=replacement if action == "REDO_EVENT" else None,
        background=changes.pop("background", False),
    )
    if changes.pop("filter", False):
        correction = attrs.evolve(correction, selection=Selection(account_id="acme"))
    own: dict[str, Any] = {
        "correction": correction,
        "service": SERVICE,
        "at": AT,
        "snapshot": Target.of(read(event_id=event_id)),
        "siblings": frozenset({"ref-1", "ref-2"}),
    }
    return Case(**{**own, **changes})


def readings(*events: EventWithStatus, age: timedelta = MIN_AGE, **changes: Any) -> Readings:
    own = {"events": events, "complete": True, "now": AT + age, "service": SERVICE}
    return Readings(**{**own, **changes})


def verdict(of: Case, now: Readings) -> tuple[str, str, timedelta | None]:
    """The verdict, the last line of the evidence, and how long after the correction to check again."""
    found = judge(of, now, MIN_AGE)
    assert found.correction is of.correction
    assert found.entry is of.entry
    after = None if found.check_after is None else found.check_after - AT
    return str(found.verdict), found.evidence[-1], after


REVERTED = read(status="REVERTED")
NEW = read("ref-3", value="7")
SAME = read("ref-3")
OLD = timedelta(days=30)

CANNOT_TELL = "cannot tell"
APPLIED = "applied"
NOT_APPLIED = "not applied"

TABLE: list[tuple[str, Case, Readings, str, str, timedelta | None]] = [
    # What reading cannot show at all.
    ("background", case(background=True), readings(REVERTED), CANNOT_TELL, "a person", None),
    ("a filter", case(filter=True), readings(REVERTED), CANNOT_TELL, "a person", None),
    (
        "another service",
        case(),
        readings(REVERTED, service="https://other.example.com"),
        CANNOT_TELL,
        "https://other.example.com",
        None,
    ),
    ("not read before", case(snapshot=None), readings(REVERTED), CANNOT_TELL, "not read", None),
    ("incomplete", case(), readings(REVERTED, complete=False), CANNOT_TELL, "max_events", None),
    ("not found", case(), readings(read("ref-2")), CANNOT_TELL, "ref-1 was not found", 2 * MIN_AGE),
    (
        "read twice",
        case(),
        readings(REVERTED, read()),
        CANNOT_TELL,
        "read 2 times, with different content",
        2 * MIN_AGE,
    ),
    ("the same twice", case(), readings(REVERTED, REVERTED), APPLIED, "ref-1 is REVERTED", None),
    # It reads REVERTED.
    (
        "reverted before",
        case(snapshot=Target.of(REVERTED)),
        readings(REVERTED),
        CANNOT_TELL,
        "already REVERTED",
        None,
    ),
    (
        "reverted and changed",
        case(),
        readings(read(status="REVERTED", value="1")),
        CANNOT_TELL,
        "attributes has changed",
        None,
    ),
    ("undone", case(), readings(REVERTED), APPLIED, COMPLETED, None),
    ("undone at once", case(), readings(REVERTED, age=timedelta(0)), APPLIED, "REVERTED", None),
    *(
        row
        for action, replacement, other in (("REDO", SAME, NEW), ("REDO_EVENT", NEW, SAME))
        for row in (
            (
                f"{action}: replaced",
                case(action),
                readings(REVERTED, replacement),
                APPLIED,
                "as its replacement",
                None,
            ),
            (
                f"{action}: replaced by something else",
                case(action),
                readings(REVERTED, other),
                CANNOT_TELL,
                "0 events like its replacement",
                2 * MIN_AGE,
            ),
            (
                f"{action}: replaced twice",
                case(action),
                readings(REVERTED, replacement, attrs.evolve(replacement, reference_id="ref-4")),
                CANNOT_TELL,
                "2 events like its replacement",
                None,
            ),
            (
                f"{action}: only what existed before",
                case(action, siblings=frozenset({"ref-1", "ref-3"})),
                readings(REVERTED, replacement),
                CANNOT_TELL,
                "0 events like its replacement",
                2 * MIN_AGE,
            ),
            (
                f"{action}: nothing known of what existed before",
                case(action, siblings=None),
                readings(REVERTED, replacement),
                CANNOT_TELL,
                "cannot be distinguished",
                None,
            ),
            (
                f"{action}: an event that cannot be read",
                case(action),
                readings(REVERTED, read("ref-3", without="eventPayload")),
                CANNOT_TELL,
                "0 events like its replacement",
                2 * MIN_AGE,
            ),
        )
    ),
    # It reads as before.
    ("changed", case(), readings(read(value="1")), CANNOT_TELL, "attributes has changed", None),
    ("a redo", case("REDO"), readings(read(), age=OLD), CANNOT_TELL, "ingested again", None),
    (
        "whether it was replaced is not known",
        case("REDO_EVENT", siblings=None),
        readings(read(), age=OLD),
        CANNOT_TELL,
        "a replacement was created",
        None,
    ),
    ("old enough, not known", case(siblings=None), readings(read()), NOT_APPLIED, "0:10:00", None),
    (
        "something was created",
        case(),
        readings(read(), *(read(f"ref-{number}") for number in range(3, 8)), age=OLD),
        CANNOT_TELL,
        "but ref-3, ref-4, ref-5 was created since",
        None,
    ),
    (
        "something that cannot be read was created",
        case(event_id=None),
        readings(read(event_id=None), read("ref-3", without="eventPayload"), age=OLD),
        CANNOT_TELL,
        "but ref-3 was created",
        None,
    ),
    (
        "something with an id was created",
        case(event_id=None),
        readings(read(event_id=None), read("ref-3", timestamp="2024-01-01T00:00:00Z"), age=OLD),
        CANNOT_TELL,
        "but ref-3 was created",
        None,
    ),
    (
        "an event of the same time was created",
        case(event_id=None),
        readings(read(event_id=None), read("ref-3", value="1", event_id=None), age=OLD),
        CANNOT_TELL,
        "but ref-3 was created",
        None,
    ),
    (
        "an event of the replacement's time was created",
        case("REDO_EVENT", event_id=None),
        readings(read(event_id=None), read("ref-3", value="1", event_id=None), age=OLD),
        CANNOT_TELL,
        "but ref-3 was created",
        None,
    ),
    *(
        (
            f"an event of another {what} was created",
            case(event_id=None),
            readings(read(event_id=None), read("ref-3", event_id=None, **other)),
            NOT_APPLIED,
            "0:10:00 after",
            None,
        )
        for what, other in (
            ("time", {"timestamp": "2024-12-04T07:30:36Z"}),
            ("schema", {"schemaName": "tolls"}),
        )
    ),
    *(
        (
            f"{status} is not final",
            case(snapshot=Target.of(read(status=status))),
            readings(read(status=status), age=OLD),
            CANNOT_TELL,
            "a final status",
            None,
        )
        for status in ("INGESTION_IN_PROGRESS", "UNKNOWN", "NEW_STATUS")
    ),
    # Time.
    (
        "sent at an unknown time",
        case(at=None),
        readings(read(), age=OLD),
        CANNOT_TELL,
        "when",
        None,
    ),
    (
        "a second too young",
        case(),
        readings(read(), age=MIN_AGE - timedelta(seconds=1)),
        CANNOT_TELL,
        "0:09:59 ago, but may take effect within 0:10:00",
        MIN_AGE,
    ),
    ("old enough", case(), readings(read()), NOT_APPLIED, "0:10:00 after", None),
    (
        "a second short of a day",
        case("REDO_EVENT"),
        readings(read(), age=DAY - timedelta(seconds=1)),
        CANNOT_TELL,
        "no later correction in the ledger",
        DAY,
    ),
    (
        "a day old",
        case("REDO_EVENT"),
        readings(read(), age=DAY),
        NOT_APPLIED,
        "1 day, 0:00:00 after",
        None,
    ),
    *(
        row
        for action in ("UNDO", "REDO_EVENT")
        for row in (
            (
                f"{action}: the witness shows it",
                case(action),
                readings(read(), witness="ref-9", witness_reverted=True),
                NOT_APPLIED,
                "ref-9, which was corrected later, is REVERTED",
                None,
            ),
            (
                f"{action}: the witness contradicts",
                case(action),
                readings(read(), age=OLD, witness="ref-9"),
                CANNOT_TELL,
                "ref-9 was corrected later, but is not",
                OLD + MIN_AGE,
            ),
        )
    ),
]


@pytest.mark.parametrize(
    ("of", "now", "wanted", "evidence", "after"),
    [row[1:] for row in TABLE],
    ids=[row[0] for row in TABLE],
)
def test_each_situation_has_one_verdict(
    of: Case, now: Readings, wanted: str, evidence: str, after: timedelta | None
) -> None:
    found, last, check_after = verdict(of, now)
    assert found == wanted
    assert evidence in last
    assert check_after == after


def test_a_verdict_shows_the_event_and_no_other() -> None:
    found = judge(case(), readings(REVERTED, read("ref-2")), MIN_AGE)
    assert found.events == (REVERTED,)


def test_the_evidence_holds_no_control_characters() -> None:
    of = case(service="https://api.example.com/\x1b[2J")
    assert "\x1b" not in verdict(of, readings(REVERTED))[1]


def entry(**changes: Any) -> Entry:
    of = case(event_id="ride-1")
    assert of.snapshot is not None
    own: dict[str, Any] = {
        **dict.fromkeys(field.name for field in attrs.fields(Entry)),
        "id": 1,
        "at": AT,
        "kind": Kind.INTENT,
        "service": SERVICE,
        "account": "acme",
        "target": "ref-1",
        "data": {
            "correction": of.correction.to_json(),
            "snapshot": attrs.asdict(of.snapshot),
            "siblings": ["ref-1", "ref-2"],
        },
    }
    return Entry(**{**own, **changes})


def rival(value: str = "7", **data: Any) -> Entry:
    """Another correction, which ingests an event with this value, after a reading that showed ref-1 and ref-2."""
    correction = attrs.evolve(case().correction, event=read(value=value).event_payload)
    return entry(id=9, data={**entry().data, "correction": correction.to_json(), **data})


REDO = Correction(
    action=CorrectionAction.REDO, selection=Selection(account_id="acme", reference_id="ref-2")
).to_json()
SECOND = attrs.evolve(NEW, reference_id="ref-4")
REPLACED = "as its replacement"
RIVAL = "not exactly 2; other corrections may have created some of them: entry 9"


@pytest.mark.parametrize(
    ("rivals", "created", "evidence"),
    [
        pytest.param([rival()], [NEW], RIVAL, id="an equal one may have created it"),
        pytest.param([rival()], [NEW, SECOND], REPLACED, id="there is one for each"),
        pytest.param(
            [rival()] * 2,
            [NEW, SECOND],
            "not exactly 3; other corrections may have created some of them: entry 9",
            id="there is one too few",
        ),
        pytest.param([rival("8")], [NEW], REPLACED, id="one that ingests another event"),
        pytest.param(
            [rival("8")],
            [NEW, SECOND],
            "2 events like its replacement were created since then, not exactly 1",
            id="one that explains neither",
        ),
        pytest.param([rival(siblings=["ref-3"])], [NEW], REPLACED, id="one sent when it existed"),
        pytest.param(
            [rival(siblings=["ref-3"])], [NEW, SECOND], REPLACED, id="one sent when one existed"
        ),
        pytest.param([rival(siblings=None)], [NEW], RIVAL, id="one that was sent unread"),
        pytest.param(
            [rival(correction=REDO)], [NEW], REPLACED, id="one that ingests its own event again"
        ),
        pytest.param(
            [rival(correction=REDO, snapshot=None)], [NEW], RIVAL, id="one of an unread event"
        ),
    ],
)
def test_a_replacement_is_known_only_if_other_corrections_explain_the_other_events(
    rivals: list[Entry], created: list[EventWithStatus], evidence: str
) -> None:
    found, last, _ = verdict(case("REDO_EVENT"), readings(REVERTED, *created, rivals=rivals))
    assert evidence in last
    assert found == (APPLIED if evidence == REPLACED else CANNOT_TELL)


def unknown(*entries: Entry, before: tuple[Target, ...] = ()) -> CorrectionOutcomeUnknown:
    correction = attrs.evolve(case().correction, before=before)
    return CorrectionOutcomeUnknown(
        correction, "lost", status=502, entries=entries, service=SERVICE, at=AT
    )


@pytest.mark.parametrize("thing", [entry(), unknown(entry())])
def test_a_case_is_what_the_entry_holds(thing: Any) -> None:
    of = Case.of(thing)
    assert of == attrs.evolve(case(), entry=of.entry)
    assert of.entry == entry()


@pytest.mark.parametrize("before", [(), (Target.of(read()),)])
def test_a_case_without_an_entry_is_what_the_error_holds(before: tuple[Target, ...]) -> None:
    error = unknown(before=before)
    assert Case.of(error) == Case(
        correction=error.correction,
        service=SERVICE,
        at=AT,
        snapshot=before[0] if before else None,
    )


@pytest.mark.parametrize(
    "thing",
    [
        None,
        "1",
        StatusError,
        unknown(entry(), entry()),
        *(entry(kind=kind) for kind in Kind if kind != Kind.INTENT),
    ],
)
def test_anything_else_is_no_case(thing: Any) -> None:
    with pytest.raises(InvalidRequest):
        Case.of(thing)
