"""Each thing that callers or the wire depend on is one line of the public surface."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from contract import surface
from contract.load import Unusable
from contract.surface import lost, python, wire

from tests.project.small import changed, operation, small

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PRELUDE = """
import enum, json, abc
from typing import Any, Generic, Protocol, TypedDict, TypeVar, Unpack
import attrs
T = TypeVar("T")
Number = int
"""


@pytest.fixture
def facts(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lists the facts of a module with this code, without the name of the module."""
    monkeypatch.setattr(surface, "MODULES", ("togai.fruit",))

    def facts(code: str) -> list[str]:
        module = ModuleType("togai.fruit")
        exec(compile(PRELUDE, "fruit", "exec", dont_inherit=True), vars(module))
        before = set(vars(module))
        exec(compile(code, "fruit", "exec", dont_inherit=True), vars(module))
        names = [name for name in vars(module) if name not in before]
        vars(module)["__all__"] = [name for name in names if not name.startswith("_Hidden")]
        monkeypatch.setitem(sys.modules, "togai.fruit", module)
        return [fact.removeprefix("togai.fruit.") for fact in python(["togai.fruit"])]

    return facts


CODE = '''\
## an integer
SIZE = 5
=> SIZE = 5

## a float
SIZE = 5.5
=> SIZE = 5.5

## a string
NAME = 'fig'
=> NAME = 'fig'

## a tuple
NAMES = ('fig',)
=> NAMES = ('fig',)

## a version
__version__ = '1.0'
=> __version__: str

## another value
names = ['fig']
=> names: list

## a module
inner = json
=> inner module

## equal values
A = 5
B = 5
=> A = 5
=> B = 5

## a second name
def get() -> int: ...
fetch = get
=> fetch is togai.fruit.get
=> get() -> int

## no annotation
def get(a, b=1): ...
=> get() -> Any
=> get() a: Any, positional_or_keyword 0
=> get() b: Any = 1, positional_or_keyword 1

## each kind of parameter
def get(a: int, /, b: str, *rest: int, c: str = 'x', d: bool, **more: int) -> None: ...
=> get() -> None
=> get() a: int, positional_only 0
=> get() b: str, positional_or_keyword 1
=> get() c: str = 'x', keyword
=> get() d: bool, keyword
=> get() more: int, var_keyword 5
=> get() rest: int, var_positional 2

## an async function
async def get() -> int: ...
=> get() -> async int

## a private parameter
def get(_a=1, b=2): ...
=> get() -> Any
=> get() b: Any = 2, positional_or_keyword 1

## a default without a text
def get(*, a=object()) -> int: ...
=> get() -> int
=> get() a: Any = <object>, keyword

## a typed dictionary of parameters
class _HiddenOptions(TypedDict):
    size: int
    name: 'str'
def get(a: int, **options: 'Unpack[_HiddenOptions]') -> int: ...
=> get() -> int
=> get() a: int, positional_or_keyword 0
=> get() name: str, keyword
=> get() size: int, keyword

## an empty class
class Fig: ...
=> Fig class

## an enum
class Fig(str, enum.Enum):
    RIPE = 'ripe'
    OLD = 'old'
    is_red: bool
    def eat(self) -> int: ...
=> Fig class
=> Fig is a enum.Enum
=> Fig is a str
=> Fig.OLD = 'old'
=> Fig.RIPE = 'ripe'
=> Fig.eat() -> int
=> Fig.is_red: bool

## fields
@attrs.frozen
class Fig:
    size: int
    name: str = attrs.field(default='', kw_only=True)
    _seed: int = 1
    age: int = attrs.field(init=False, default=0)
    weight: 'float' = 1.0
=> Fig class
=> Fig(name=) keyword optional
=> Fig(size=) positional required
=> Fig(weight=) positional optional
=> Fig.age: int
=> Fig.name: str
=> Fig.size: int
=> Fig.weight: float

## fields whose types are resolved
@attrs.frozen
class Fig:
    size: 'Number'
attrs.resolve_types(Fig, globals())
=> Fig class
=> Fig(size=) positional required
=> Fig.size: int

## a class that callers construct
class Fig:
    """A fig.

    Args:
        size: Its size.
    """
    def __init__(self, size: int) -> None: ...
=> Fig class
=> Fig() size: int, positional_or_keyword 0

## a class that callers do not construct
class Fig:
    def __init__(self, size: int) -> None: ...
=> Fig class

## an error
class Rotten(ValueError):
    def __init__(self, age: int) -> None: ...
=> Rotten class
=> Rotten is a BaseException
=> Rotten is a Exception
=> Rotten is a ValueError
=> Rotten() age: int, positional_or_keyword 0

## bases
class _HiddenBase(abc.ABC):
    size: int
    def eat(self) -> int: ...
class Fruit(_HiddenBase, Generic[T]): ...
class _Other:
    __module__ = 'other'
class Fig(Fruit[int], json.JSONEncoder, _Other):
    def eat(self) -> str: ...
del _HiddenBase, _Other
=> Fig class
=> Fig is a Fruit
=> Fig is a json.encoder.JSONEncoder
=> Fig.eat() -> str
=> Fig.size: int
=> Fruit class
=> Fruit.eat() -> int
=> Fruit.size: int

## members
class Fig:
    SIZE = 5
    size: int = 5
    _seed = 1
    names = ['a']
    @property
    def age(self) -> int: ...
    @classmethod
    def grow(cls, size: int) -> str: ...
    @staticmethod
    def buy(cost: int) -> None: ...
    async def eat(self, *, _fast: bool) -> None: ...
    def _rot(self) -> None: ...
    def __len__(self) -> int: ...
    def __repr__(self) -> str: ...
=> Fig class
=> Fig.SIZE = 5
=> Fig.__len__() -> int
=> Fig.age: int property
=> Fig.buy() -> None
=> Fig.buy() cost: int, positional_or_keyword 0
=> Fig.eat() -> async None
=> Fig.grow() -> str
=> Fig.grow() size: int, positional_or_keyword 1
=> Fig.names: list
=> Fig.size: int
'''
"""Code of modules, each with its facts."""


def cases() -> Iterator[Any]:
    for block in CODE.removeprefix("## ").split("\n\n## "):
        name, *rows = block.splitlines()
        facts = [row.removeprefix("=> ") for row in rows if row.startswith("=> ")]
        yield pytest.param("\n".join(rows[: -len(facts)]), facts, id=name)


@pytest.mark.parametrize(("code", "expected"), [*cases()])
def test_a_module_has_a_fact_for_each_thing_that_callers_see(
    facts: Any, code: str, expected: list[str]
) -> None:
    assert facts(code) == expected


def test_only_facts_that_are_missing_are_lost() -> None:
    assert lost(["a", "b", "c"], ["d", "b"]) == ["a", "c"]


def test_a_contract_has_a_fact_for_each_place_of_a_response() -> None:
    ride = [fact for fact in wire(small()) if fact.startswith("GET /rides/{ride_id} ")]
    assert [fact.removeprefix("GET /rides/{ride_id} ") for fact in ride] == [
        "200",
        "200 $ object optional",
        "200 $.at string (date-time) required",
        "200 $.bike object optional",
        "200 $.bike.model string optional",
        "200 $.id string required",
        "200 $.state = DONE",
        "200 $.state = RUNNING",
        "200 $.state string required",
        "200 $.trip object optional",
        "200 $.trip.from string required",
        "200 $.trip.stops list optional",
        "200 $.trip.stops[] object each",
        "200 $.trip.stops[].name string required",
        "200 $.trip.tags map optional",
        "200 $.trip.tags.* string each",
        "200 application/json",
        "auth http bearer",
        "path ride_id string required",
    ]


def test_a_contract_has_a_fact_for_each_place_of_a_request() -> None:
    fix = [fact.removeprefix("POST /rides/fix ") for fact in wire(small()) if "/fix" in fact]
    assert [fact for fact in fix if not fact.startswith("200")] == [
        "?action = REDO",
        "?action = UNDO",
        "?action string required",
        "?region string optional",
        "auth http bearer",
        "body",
        "body $ object optional",
        "body $.from string required",
        "body $.stops list optional",
        "body $.stops[] object each",
        "body $.stops[].name string required",
        "body $.tags map optional",
        "body $.tags.* string each",
        "body application/json",
    ]


def test_a_required_body_is_a_fact() -> None:
    document = changed(lambda d: operation(d, "fixRides")["requestBody"].update(required=True))
    assert "POST /rides/fix body $ object required" in wire(document)


def test_a_contract_may_have_as_many_facts_as_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = wire(small())
    monkeypatch.setattr(surface, "MAX_FACTS", len(facts))
    assert wire(small()) == facts
    monkeypatch.setattr(surface, "MAX_FACTS", len(facts) - 1)
    with pytest.raises(Unusable, match=f"our calls reach more than {len(facts) - 1} places"):
        wire(small())


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of the surface, which does not exist yet."""
    monkeypatch.setattr(surface, "FOLDER", tmp_path / "surface")
    return tmp_path / "surface"


def test_the_command_prints_the_facts_of_the_facade(capsys: pytest.CaptureFixture[str]) -> None:
    assert surface.main([]) == 0
    assert capsys.readouterr().out.splitlines() == python()


def test_the_command_writes_the_facts_and_copies_them_for_a_release(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surface, "python", lambda: ["a", "b"])
    monkeypatch.setattr(surface, "wire", lambda _: ["c", "d"])
    for _ in range(2):
        assert surface.main(["--update"]) == 0
    assert surface.main(["--freeze"]) == 0
    copy = folder / sys.modules["togai"].__version__
    for place in (folder, copy):
        assert (place / "python.txt").read_text("utf-8") == "a\nb\n"
        assert (place / "wire.txt").read_text("utf-8") == "c\nd\n"
    with pytest.raises(FileExistsError):
        surface.main(["--freeze"])


def test_another_argument_of_the_command_prints_its_usage(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert surface.main(["--updat"]) == surface.main(["--update", "--freeze"]) == 2
    assert "--freeze      copies them" in capsys.readouterr().err
    assert not folder.exists()
