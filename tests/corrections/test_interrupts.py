"""An interrupt after the response carries a note: the correction may have been applied."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from togai._storage.records import Records
from togai.corrections import Ledger
from togai.testing import FakeTogai

from ..conftest import Connect


def test_an_interrupt_while_the_outcome_is_recorded_says_that_it_may_have_been_applied(
    connect: Connect, fake: FakeTogai, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupt(BaseException):
        pass

    def conclude(*_: Any, **__: Any) -> None:
        raise Interrupt

    fake.add_many(1, account_id="acme")
    ledger = Ledger(tmp_path / "ledger.db", create=True)
    with connect(base_url=url, ledger=ledger) as api:
        (event,) = api.listed(account_id="acme")
        monkeypatch.setattr(Records, "conclude", conclude)
        with pytest.raises(Interrupt) as caught:
            api.call("undo", event)
    assert set(fake.applied.values()) == {1}
    assert any("may have been applied" in note for note in caught.value.__notes__)
    assert len(ledger.pending()) == 1
