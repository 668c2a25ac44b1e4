"""Processes that fork while a thread uses a ledger in a file."""

from __future__ import annotations

import os
import threading
import time

import pytest

from togai.corrections import Ledger
from togai.corrections._ledger import records_of
from togai.errors import LedgerBusy

from .records import begin, claim

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


def exit_code(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_child_forked_amid_a_transaction_of_another_thread_uses_the_ledger(
    ledger: Ledger,
) -> None:
    began = threading.Event()

    def hold() -> None:
        with records_of(ledger).rules(write=True):
            began.set()
            time.sleep(0.05)

    holding = threading.Thread(target=hold)
    holding.start()
    began.wait()
    child = os.fork()
    if child == 0:
        try:
            begin(ledger, claim("child"), wait=0.5)
        except LedgerBusy:
            os._exit(1)
        os._exit(0)
    holding.join()
    assert exit_code(child) == 0
    assert [entry.target for entry in ledger.pending()] == ["child"]


def test_a_thread_that_forks_amid_its_own_transaction_does_not_wait_for_itself(
    ledger: Ledger,
) -> None:
    with records_of(ledger).rules(write=True):
        child = os.fork()
        if child == 0:
            os._exit(0)
    assert exit_code(child) == 0
    begin(ledger)
