"""Reconciling: what became of a correction, from what reads now; no correction is sent."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from togai import CorrectionOutcomeUnknown, InvalidRequest
from togai.testing import FakeTogai

from ..conftest import TOKEN, Api


def unknown(api: Api, fake: FakeTogai, method: str, *args: Any, acts: bool, **kwargs: Any) -> Any:
    fake.fail_next(status=502, acts=acts, method="POST")
    with pytest.raises(CorrectionOutcomeUnknown) as caught:
        api.call(method, *args, **kwargs)
    return caught.value


def longer(event: Any) -> Any:
    distance = evolve(event.event_payload.attributes[0], value="99")
    return evolve(event, event_payload=evolve(event.event_payload, attributes=[distance]))


@pytest.mark.parametrize(("acts", "verdict"), [(True, "applied"), (False, "not applied")])
@pytest.mark.parametrize("method", ["undo", "replace"])
def test_a_correction_of_one_event_is_applied_or_not(
    api: Api, fake: FakeTogai, method: str, acts: bool, verdict: str
) -> None:
    fake.add(id="a")
    event = api.call("get", "a")
    event = longer(event) if method == "replace" else event
    error = unknown(api, fake, method, event, acts=acts)
    posts = [request for request in fake.requests if request.method == "POST"]
    found = api.call("reconcile", error)
    assert found.verdict == verdict
    assert found.evidence
    assert "ref-1 reads" in str(found)
    assert [request for request in fake.requests if request.method == "POST"] == posts


@pytest.mark.parametrize(("acts", "verdict"), [(True, "applied"), (False, "not applied")])
@pytest.mark.parametrize(
    "filters", [{"event_id": "event-1"}, {"reference_id": "ref-1"}, {"whole_account": True}]
)
def test_a_correction_by_filters_is_reconciled_too(
    api: Api, fake: FakeTogai, filters: dict[str, Any], acts: bool, verdict: str
) -> None:
    fake.add_many(3)
    error = unknown(api, fake, "undo", account_id="acme", acts=acts, **filters)
    assert api.call("reconcile", error).verdict == verdict


def test_a_whole_account_beyond_the_cap_is_judged_by_its_first_30(
    api: Api, fake: FakeTogai
) -> None:
    fake.add_many(33)
    error = unknown(api, fake, "undo", account_id="acme", whole_account=True, acts=True)
    found = api.call("reconcile", error)
    assert found.verdict == "applied"
    assert len(found.events) == 30


def test_targets_that_read_differently_cannot_be_told(api: Api, fake: FakeTogai) -> None:
    fake.add_many(2)
    error = unknown(api, fake, "undo", account_id="acme", whole_account=True, acts=True)
    fake.events[0].status = "INGESTION_COMPLETED_EVENT_METERED"
    assert api.call("reconcile", error).verdict == "cannot tell"


def test_an_event_that_was_reverted_before_cannot_be_told(api: Api, fake: FakeTogai) -> None:
    fake.add(id="a", status="REVERTED")
    error = unknown(api, fake, "undo", api.call("get", "a"), acts=False)
    found = api.call("reconcile", error)
    assert found.verdict == "cannot tell"
    assert "reverted before" in found.evidence[0]


def test_a_redo_that_left_no_trace_cannot_be_told(api: Api, fake: FakeTogai) -> None:
    fake.add(id="a")
    error = unknown(api, fake, "redo", api.call("get", "a"), acts=True)
    assert api.call("reconcile", error).verdict == "cannot tell"


def test_a_redo_that_ingested_the_event_anew_is_applied(api: Api, fake: FakeTogai) -> None:
    fake.add(id="a")
    error = unknown(api, fake, "redo", api.call("get", "a"), acts=False)
    fake.events[0].status = "REVERTED"
    fake.add(id="a")
    assert api.call("reconcile", error).verdict == "applied"


def test_a_replacement_that_got_half_way_cannot_be_told(api: Api, fake: FakeTogai) -> None:
    fake.add(id="a")
    error = unknown(api, fake, "replace", longer(api.call("get", "a")), acts=False)
    fake.events[0].status = "REVERTED"
    found = api.call("reconcile", error)
    assert found.verdict == "cannot tell"
    assert "should replace it is not there" in found.evidence[0]


def test_a_background_job_that_has_not_run_cannot_be_told(api: Api, fake: FakeTogai) -> None:
    fake.add(id="a")
    error = unknown(api, fake, "undo", account_id="acme", event_id="a", background=True, acts=True)
    assert api.call("reconcile", error).verdict == "cannot tell"
    fake.run_jobs()
    assert api.call("reconcile", error).verdict == "applied"


def test_nothing_that_matches_cannot_be_told(api: Api, fake: FakeTogai) -> None:
    error = unknown(api, fake, "undo", account_id="acme", event_id="a", acts=False)
    found = api.call("reconcile", error)
    assert found.verdict == "cannot tell"
    assert found.events == ()


@pytest.mark.parametrize("thing", ["ride-1", None, ValueError("x")])
def test_anything_else_is_refused(api: Api, thing: Any) -> None:
    with pytest.raises(InvalidRequest, match="CorrectionOutcomeUnknown"):
        api.call("reconcile", thing)


def test_an_error_is_reconciled_in_another_process(
    api: Api, fake: FakeTogai, url: str, tmp_path: Path
) -> None:
    fake.add(id="a")
    error = unknown(api, fake, "replace", longer(api.call("get", "a")), acts=True)
    saved = tmp_path / "error.pickle"
    saved.write_bytes(pickle.dumps(error))
    code = (
        "import pickle, sys; from pathlib import Path; from togai import Togai;"
        f"client = Togai({TOKEN!r}, base_url={url!r});"
        "print(client.events.reconcile(pickle.loads(Path(sys.argv[1]).read_bytes())).verdict);"
        "client.close()"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(saved)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == ("applied", "")
