"""The vendor's own client, in its own environment, makes its three calls to the fake."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from togai.testing import FakeTogai

RELEASE = "togai-client==1.0.3"

# It has no argument for the account, which the service's reference page calls required, nor for any other
# filter: they are added to the address that its own serializer made.
CALLS = """
import json
import sys

from togai_client import ApiClient, Configuration, EventManagementApi, EventCorrectionRequest
from togai_client.exceptions import BadRequestException

with ApiClient(Configuration(host=sys.argv[1], access_token=sys.argv[2])) as http:
    api = EventManagementApi(http)
    first = api.get_events(page_size=2, account_id="acme")
    second = api.get_events(next_token=first.next_token, page_size=2, account_id="acme")
    single = api.get_single_event("event-1")
    try:
        api.event_correction("UNDO")
    except BadRequestException as error:
        refusal = [error.status, error.data.message]

    def correct(action, event_id, body=None):
        serialized = list(api._event_correction_serialize(
            action=action, require_confirmation=None, event_correction_request=body,
            _request_auth=None, _content_type=None, _headers=None, _host_index=0,
        ))
        serialized[1] += f"&account_id=acme&event_id={event_id}"
        answer = http.call_api(*serialized)
        answer.read()
        return http.response_deserialize(answer, {"200": "EventsCorrectionResponse"}).data.data

    undone = correct("UNDO", "event-1")
    request = EventCorrectionRequest(event=single.events[0].event_payload)
    replaced = correct("REDO_EVENT", "event-2", request)
    print(json.dumps({
        "pages": [[one.event_payload.id for one in page.events] for page in (first, second)],
        "last": second.next_token,
        "single": [single.events[0].reference_id, single.events[0].event_pipeline_info.account.id],
        "refusal": refusal,
        "undone": [[one.reference_id, one.status] for one in undone],
        "replaced": [[one.reference_id, one.status] for one in replaced],
    }))
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that holds the vendor's client alone."""
    room = tmp_path_factory.mktemp("official")
    uv = Path(sys.executable).with_name("uv")
    outside = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    python = room / "venv" / "bin" / "python"
    commands: list[list[str | Path]] = [
        ["venv", "--quiet", "--python", sys.executable, room / "venv"],
        ["pip", "install", "--quiet", "--python", python, RELEASE],
    ]
    for command in commands:
        subprocess.run([uv, *command], check=True, env=outside)
    return python


@pytest.mark.long
def test_its_three_calls_work_on_the_fake(python: Path, tmp_path: Path) -> None:
    fake = FakeTogai()
    fake.add_many(3)
    script = tmp_path / "calls.py"
    script.write_text(CALLS)
    with fake.serve() as url:
        done = subprocess.run(
            [python, script, url, fake.token], capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr
    reported: dict[str, Any] = json.loads(done.stdout)
    assert reported == {
        "pages": [["event-1", "event-2"], ["event-3"]],
        "last": None,
        "single": ["ref-1", "acme"],
        "refusal": [400, "account_id is required."],
        "undone": [["ref-1", "REVERTED"]],
        "replaced": [["ref-2", "REVERTED_AND_REINGESTED"]],
    }
    assert [correction.action for correction in fake.corrections] == ["UNDO", "REDO_EVENT"]
