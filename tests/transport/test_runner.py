"""The steps of a call: what each of them does, and in which order. No I/O."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Generator
from typing import Any

import pytest
from attrs import evolve

from togai import Timeout
from togai._transport import clock as clock_module
from togai._transport import runner as runner_module
from togai._transport.auth import Secret
from togai._transport.concurrency import FairLock, Tasks, Threads
from togai._transport.runner import Runner
from togai._transport.steps import (
    Attempt,
    Blocking,
    Call,
    Failure,
    Hold,
    NoResponse,
    Refresh,
    Response,
    Sleep,
)

READ = Call("GET", "/events")
CORRECTION = Call("POST", "/events/correction", repeatable=False)
RESPONSE = Response(200, b"{}", {}, "OK")


class Service:
    """The token, the rate limit, the connections and the requests of a runner, which notes what it does."""

    def __init__(self, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log: list[Any] = []
        self.outcome: Any = RESPONSE
        service = self

        class Clock(clock_module.Clock):
            def now(self) -> float:
                return 1000.0

            def sleep(self, seconds: float) -> None:
                service.log.append(("sleep", seconds))

            async def sleep_async(self, seconds: float) -> None:
                service.log.append(("sleep", seconds))

        class Sending:
            def __init__(self, pool: Any, *request: Any) -> None:
                assert pool is service
                service.log.append(("send", *request))

            async def outcome(self) -> Any:
                if isinstance(service.outcome, BaseException):
                    raise service.outcome
                return service.outcome

        monkeypatch.setattr(clock_module, "current", Clock())
        monkeypatch.setattr(runner_module, "Sending", Sending)
        self.io: Any = Threads() if kind == "sync" else Tasks()
        self.lock = self.turn = FairLock()
        own: Any = self
        self.runner = Runner(own, own, own)
        self.kind = kind

    async def wait(self) -> None:
        self.log.append("wait")

    def hold(self, seconds: float) -> None:
        self.log.append(("hold", seconds))

    async def read(self) -> Secret:
        self.log.append("read")
        return Secret("read")

    async def refresh(self, refused: Secret) -> Secret:
        self.log.append("refresh")
        assert refused == Secret("refused")
        return Secret("another")

    def take(self, *, repeatable: bool) -> str:
        self.log.append(("take", repeatable))
        return "client"

    async def give_back(self, http: str, *, usable: bool) -> None:
        self.log.append(("back", http, usable))

    def __repr__(self) -> str:
        return "<the service>"

    def run(self, *steps: Any) -> list[Any]:
        """Run steps; return the result of each."""
        results: list[Any] = []

        def call() -> Generator[Any, Any, None]:
            for step in steps:
                result = yield step
                results.append(result)

        self.run_steps(call())
        return results

    def run_steps(self, steps: Generator[Any, Any, Any]) -> Any:
        """Run a call to its end."""
        if self.kind == "sync":
            return self.runner.run(steps)
        return asyncio.run(self.runner.run_async(steps))


@pytest.fixture(params=["sync", "async"])
def service(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Service:
    return Service(request.param, monkeypatch)


def attempt(call: Call = READ, **more: Any) -> Attempt:
    return evolve(Attempt(call, Timeout(total=7.0), None, None), **more)


def test_an_attempt_waits_for_its_turn_and_then_reads_the_token(service: Service) -> None:
    step = attempt()
    (result,) = service.run(step)
    assert service.log == [
        "wait",
        "read",
        ("take", True),
        ("send", "client", step, Secret("read"), 1007.0),
        ("back", "client", True),
    ]
    assert (result.outcome, result.token, result.began) == (RESPONSE, Secret("read"), 1000.0)


def test_an_attempt_keeps_the_deadline_of_its_call_and_a_token_that_was_refreshed(
    service: Service,
) -> None:
    step = attempt(CORRECTION, deadline=1003.0, token=Secret("another"))
    service.run(step)
    assert service.log == [
        "wait",
        ("take", False),
        ("send", "client", step, Secret("another"), 1003.0),
        ("back", "client", True),
    ]


def test_a_correction_is_confirmed_last_before_it_is_sent(service: Service) -> None:
    step = attempt(CORRECTION)
    step.delivery.confirm = lambda: service.log.append("confirm")
    service.run(step)
    assert [entry if isinstance(entry, str) else entry[0] for entry in service.log] == [
        *("wait", "read", "confirm", "take", "send", "back")
    ]


@pytest.mark.parametrize(
    ("outcome", "usable"),
    [
        (RESPONSE, True),
        (NoResponse(Failure.LOST, "no"), True),
        (NoResponse(Failure.NOT_SENT, "no"), True),
        (NoResponse(Failure.TIMED_OUT, "no"), False),
        (ValueError("no"), False),
        (KeyboardInterrupt(), False),
    ],
    ids=repr,
)
def test_connections_on_which_a_request_did_not_end_are_not_used_again(
    service: Service, outcome: Any, usable: bool
) -> None:
    service.outcome = outcome
    if isinstance(outcome, BaseException):
        with pytest.raises(type(outcome)):
            service.run(attempt())
    else:
        service.run(attempt())
    assert service.log[-1] == ("back", "client", usable)


def test_every_other_step_does_one_thing_and_returns_its_result(service: Service) -> None:
    results = service.run(
        Refresh(Secret("refused")), Hold(3.0), Sleep(7.5), Blocking(lambda: "blocked")
    )
    assert results == [Secret("another"), None, None, "blocked"]
    assert service.log == ["refresh", ("hold", 3.0), ("sleep", 7.5)]


# asyncio itself ends its loop for the others.
@pytest.mark.parametrize("error", [ValueError("no"), GeneratorExit()])
def test_what_a_step_raises_is_raised_inside_the_call_which_may_go_on(
    service: Service, error: BaseException
) -> None:
    assert service.run_steps(going_on(error)) == "went on"


def test_an_interrupt_is_raised_inside_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service("sync", monkeypatch)
    assert service.run_steps(going_on(KeyboardInterrupt())) == "went on"


def going_on(error: BaseException) -> Generator[Any, Any, str]:
    """A call whose first step raises an error."""

    def fail() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        yield Blocking(fail)
    assert caught.value is error
    done: str = yield Blocking(lambda: "went on")
    return done


def test_a_client_of_another_event_loop_is_refused_by_each_step(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks: list[None] = []
    monkeypatch.setattr(type(service.io), "check", lambda _: checks.append(None))
    service.run(Hold(1.0), Sleep(1.0))
    assert len(checks) == 2


def test_an_error_of_a_thread_frees_its_frames_without_the_cycle_collector(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Large:
        """A local variable of a call."""

    freed: list[Any] = []

    def fail() -> None:
        large = Large()
        freed.append(weakref.ref(large))
        raise ValueError("no")

    service = Service("sync", monkeypatch)
    gc.disable()
    try:
        with pytest.raises(ValueError, match="no"):
            service.run(Blocking(fail))
        assert freed[0]() is None
    finally:
        gc.enable()


def test_no_repr_shows_the_connections(service: Service) -> None:
    own: Any = service
    assert repr(Runner(own, own, own)).count("<the service>") == 2
