"""The rules of the ledger against a model of them: locks, corrected events, releases, and settling once."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from togai import AlreadyCorrected, AlreadyPending, InvalidRequest, StaleReading
from togai.corrections import Kind, Ledger
from togai.corrections._ledger import records_of
from togai.models import CorrectionAction

from .records import SERVICE, begin, claim, head

TARGETS = ("ref-1", "ref-2", "ref-3")
ACTIONS = (CorrectionAction.UNDO, CorrectionAction.REDO, CorrectionAction.REDO_EVENT)
ACCOUNTS = ("acme", "alias")

targets = st.sampled_from(TARGETS)
actions = st.sampled_from(ACTIONS)
accounts = st.sampled_from(ACCOUNTS)


class LedgerMachine(RuleBasedStateMachine):
    """Runs the ledger and the model side by side."""

    @initialize()
    def create(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "ledger.db"
        self.ledgers = [Ledger(path, create=True, who="ann"), Ledger(path, who="bob")]
        self.open: dict[str, tuple[Any, str, CorrectionAction]] = {}
        self.whole: dict[str, Any] = {}
        self.dead: dict[str, Any] = {}
        self.mortal: set[str] = set()
        self.applied: dict[str, int] = {}
        self.settled: list[Any] = []

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()

    @rule(
        who=st.integers(0, 1), name=targets, action=actions, account=accounts, stale=st.booleans()
    )
    def begin(
        self, who: int, name: str, action: CorrectionAction, account: str, stale: bool
    ) -> None:
        ledger = self.ledgers[who]
        since = 0 if stale else head(ledger)
        one = claim(name, action, account, account, since=since)
        if name in self.open or account in self.whole:
            expected: Any = AlreadyPending
        elif name in self.dead:
            expected = AlreadyCorrected
        elif stale and self.applied.get(name, 0) > since:
            expected = StaleReading
        else:
            entry = begin(ledger, one)
            self.open[name] = (entry, account, action)
            return
        with pytest.raises(expected):
            begin(ledger, one)

    @rule(account=accounts)
    def begin_whole(self, account: str) -> None:
        taken = account in self.whole or any(one == account for _, one, _ in self.open.values())
        if taken:
            with pytest.raises(AlreadyPending):
                begin(self.ledgers[0], claim(None, account=account))
        else:
            self.whole[account] = begin(self.ledgers[0], claim(None, account=account))

    @rule(account=accounts, kind=st.sampled_from((Kind.APPLIED, Kind.NOT_APPLIED)))
    def end_whole(self, account: str, kind: Kind) -> None:
        if account in self.whole:
            self.ledgers[1].decide(
                self.whole.pop(account), kind.value, who="eve", why="known", min_age=timedelta(0)
            )

    @rule(
        name=targets,
        kind=st.sampled_from((Kind.APPLIED, Kind.FAILED, Kind.NOT_APPLIED, Kind.UNKNOWN)),
        decided=st.booleans(),
    )
    def end(self, name: str, kind: Kind, decided: bool) -> None:
        if name not in self.open:
            return
        entry, _, action = self.open[name]
        if decided and kind in (Kind.APPLIED, Kind.NOT_APPLIED):
            self.ledgers[1].decide(entry, kind.value, who="eve", why="known", min_age=timedelta(0))
        else:
            records_of(self.ledgers[0]).conclude(entry, kind, {"how": "response"})
        if kind == Kind.UNKNOWN:
            return
        del self.open[name]
        self.settled.append(entry)
        if kind == Kind.APPLIED:
            self.applied[name] = head(self.ledgers[0])
            if action != CorrectionAction.REDO:
                self.mortal.add(name)
            if name in self.mortal:
                self.dead[name] = entry

    @rule(name=targets)
    def release(self, name: str) -> None:
        if name in self.dead and name not in self.open:
            self.ledgers[1].release(self.dead.pop(name), who="eve", why="a mistake")

    @rule()
    def settle_again(self) -> None:
        for entry in self.settled[-2:]:
            with pytest.raises(InvalidRequest, match="already settled"):
                self.ledgers[0].decide(entry, "applied", who="eve", why="again")

    @rule(name=targets)
    def release_what_is_not_dead(self, name: str) -> None:
        if name not in self.dead and name not in self.open:
            for entry in self.settled:
                if entry.target == name:
                    with pytest.raises(InvalidRequest):
                        self.ledgers[0].release(entry, who="eve", why="no reason")

    @invariant()
    def fits(self) -> None:
        if not hasattr(self, "ledgers"):
            return
        pending = {entry.id for entry in self.ledgers[0].pending()}
        assert pending == {entry.id for entry, _, _ in self.open.values()} | {
            entry.id for entry in self.whole.values()
        }
        checked = self.ledgers[1]
        _, _, blocked = records_of(checked).blocked(SERVICE, TARGETS)
        assert {
            target for target in TARGETS if "corrected already" in blocked.get(target, "")
        } == set(self.dead)

    @rule()
    def verify(self) -> None:
        self.ledgers[0].verify()


TestLedgerMachine = pytest.mark.slow(LedgerMachine.TestCase)
TestLedgerMachine.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
