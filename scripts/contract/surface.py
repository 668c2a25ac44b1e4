"""Lists the public surface, one fact per line: a change of the project must not remove a fact.

python -m contract.surface               prints the facts of the facade that this interpreter imports
python -m contract.surface --update      writes the current facts to tests/surface
python -m contract.surface --freeze      copies them to the folder of the current version
"""

from __future__ import annotations

import enum
import importlib
import inspect
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from contract.load import Unusable, load
from contract.normalize import Description
from contract.verdicts import need, place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contract.shapes import Node

MODULES = (
    "togai", "togai.corrections", "togai.errors", "togai.jobs", "togai.models", "togai.testing",
)  # fmt: skip
FILES = ("wire.txt", "python.txt")
MAX_FACTS = 50_000
ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "surface"

# What makes an object iterable, usable in `with` and so on is part of what callers see.
_PROTOCOLS = (
    "__aenter__", "__aiter__", "__bool__", "__call__", "__contains__", "__enter__", "__getitem__", "__iter__",
    "__len__",
)  # fmt: skip


def wire(document: dict[str, Any]) -> list[str]:
    """Return the facts of a contract, such as `GET /events 200 $.events[].createdAt string (date-time) required`."""
    facts: set[str] = set()
    for fact in _wire(Description(document)):
        facts.add(fact)
        if len(facts) > MAX_FACTS:  # nested schemas can multiply
            raise Unusable(f"our calls reach more than {MAX_FACTS} places")
    return sorted(facts)


def _wire(described: Description) -> Iterator[str]:
    for method, path in described.calls():
        operation = described.operation(method, path)
        here = operation.position
        yield from (f"{here} auth {way}" for way in operation.security)
        for parameter in operation.parameters.values():
            at, needed = place(parameter.node.at), need(parameter.required)
            if parameter.schema:
                yield from _schema(described, parameter.schema, at, needed)
        messages = {f"{here} {status}": each for status, each in operation.responses.items()}
        if operation.body:
            messages[f"{here} body"] = operation.body
        for position, message in messages.items():
            yield position
            for media, schema in message.media.items():
                yield f"{position} {media}"
                yield from _schema(described, schema, f"{position} $", need(message.required))


def _schema(described: Description, node: Node, position: str, needed: str) -> Iterator[str]:
    for at, shape, each in described.walk(described.shape(node), position, needed):
        yield f"{at} {shape.words} {each}"
        yield from (f"{at} = {value}" for value in shape.enum or ())


def python(modules: Sequence[str] = MODULES) -> list[str]:
    """Return the facts of modules: a line for each public name, base, parameter, field and enum member."""
    facts: set[str] = set()
    known: dict[int, str] = {}
    for name in modules:
        module = importlib.import_module(name)
        for public in module.__all__:
            value = getattr(module, public)
            first = known.setdefault(id(value), f"{name}.{public}")
            if first == f"{name}.{public}" or not callable(value):
                facts.update(_public(f"{name}.{public}", value))
            else:
                facts.add(f"{name}.{public} is {first}")
    return sorted(facts)


def _public(name: str, value: Any) -> Iterator[str]:
    if inspect.isclass(value):
        yield f"{name} class"
        yield from _class(name, value)
    elif inspect.isroutine(value):
        yield from _callable(name, value)
    elif inspect.ismodule(value):
        yield f"{name} module"
    elif isinstance(value, (str, int, float, tuple)):
        yield f"{name} = {value!r}" if not name.endswith("__version__") else f"{name}: str"
    else:
        yield f"{name}: {type(value).__name__}"


def _class(name: str, cls: type[Any]) -> Iterator[str]:
    yield from (f"{name} is a {_named(base)}" for base in cls.__mro__[1:-1] if _seen(base))
    listed = set[str]()
    if issubclass(cls, enum.Enum):
        yield from (f"{name}.{member.name} = {member.value!r}" for member in cls)
        listed = set(cls.__members__)
    elif attrs.has(cls):
        yield from _fields(name, cls)
        listed = {field.name for field in attrs.fields(cls)}
    elif issubclass(cls, Exception) or "\nArgs:\n" in (inspect.getdoc(cls) or ""):
        # Callers construct it.
        yield from _parameters(f"{name}()", cls)
    yield from _members(name, [owner for owner in reversed(cls.__mro__) if _ours(owner)], listed)


def _members(name: str, owners: list[type[Any]], listed: set[str]) -> Iterator[str]:
    """Yield the annotations, methods and other attributes of a class that are not listed yet."""
    annotations = {
        key: annotation
        for owner in owners
        for key, annotation in inspect.get_annotations(owner).items()
    }
    for key, annotation in annotations.items():
        if not key.startswith("_") and key not in listed:
            yield f"{name}.{key}: {_type(annotation)}"
    members = {key: value for owner in owners for key, value in vars(owner).items()}
    for key in members.keys() - listed - annotations.keys():
        if not key.startswith("_") or key in _PROTOCOLS:
            yield from _member(f"{name}.{key}", members[key])


def _fields(name: str, cls: type[Any]) -> Iterator[str]:
    for field in attrs.fields(cls):
        if field.name.startswith("_"):
            continue
        yield f"{name}.{field.name}: {_type(field.type)}"
        if field.init:
            needed = "required" if field.default is attrs.NOTHING else "optional"
            way = "keyword" if field.kw_only else "positional"
            yield f"{name}({field.alias}=) {way} {needed}"


def _member(name: str, member: Any) -> Iterator[str]:
    if isinstance(member, property):
        returned = inspect.get_annotations(member.fget).get("return") if member.fget else None
        yield f"{name}: {_type(returned)} property"
    elif isinstance(member, (classmethod, staticmethod)):
        yield from _callable(name, member.__func__)  # pyright: ignore[reportUnknownMemberType,reportUnknownArgumentType]
    else:
        yield from _public(name, member)


def _callable(name: str, function: Any) -> Iterator[str]:
    awaited = "async " if inspect.iscoroutinefunction(function) else ""
    returned = inspect.signature(function).return_annotation
    yield f"{name}() -> {awaited}{_type(returned)}"
    yield from _parameters(f"{name}()", function)


def _parameters(name: str, function: Any) -> Iterator[str]:
    """Yield one line per parameter, so that a new optional parameter does not change a line."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return
    for i, parameter in enumerate(signature.parameters.values()):
        if parameter.name in ("self", "cls") or parameter.name.startswith("_"):
            continue
        if shared := shared_parameters(function, parameter):
            yield from (f"{name} {key}: {hint}, keyword" for key, hint in shared.items())
            continue
        kind, default = parameter.kind, parameter.default
        way = "keyword" if kind is parameter.KEYWORD_ONLY else f"{kind.name.lower()} {i}"
        shown = "" if default is parameter.empty else f" = {_default(default)}"
        yield f"{name} {parameter.name}: {_type(parameter.annotation)}{shown}, {way}"


def shared_parameters(function: Any, parameter: inspect.Parameter) -> dict[str, str]:
    """Return the parameters that a function takes as `**name: Unpack[SomeTypedDict]`, with their types."""
    annotation = str(parameter.annotation)
    if parameter.kind is not parameter.VAR_KEYWORD or not annotation.startswith("Unpack["):
        return {}
    names = importlib.import_module(function.__module__).__dict__
    typed: Any = names[annotation.removeprefix("Unpack[").removesuffix("]")]
    hints: dict[str, Any] = typed.__annotations__
    return {key: _type(hint) for key, hint in hints.items()}


def _default(value: Any) -> str:
    text = repr(value)
    # A memory address differs in each run.
    return f"<{type(value).__name__}>" if " at 0x" in text else text


def _type(annotation: Any) -> str:
    if annotation in (inspect.Parameter.empty, None):
        return "None" if annotation is None else "Any"
    # A TypedDict keeps its annotations as references.
    annotation = getattr(annotation, "__forward_arg__", annotation)
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


def _seen(base: type[Any]) -> bool:
    if _ours(base):
        public = [vars(importlib.import_module(name)).values() for name in MODULES]
        return any(base in values for values in public)
    return base.__name__[0] != "_" and base.__module__ not in ("abc", "typing", "types")


def _ours(cls: type[Any]) -> bool:
    return cls.__module__.partition(".")[0] in ("togai", "_togai_generated")


def _named(cls: type[Any]) -> str:
    # Only the name of our classes: callers do not depend on the module that defines them.
    is_known = _ours(cls) or cls.__module__ == "builtins"
    return cls.__name__ if is_known else f"{cls.__module__}.{cls.__name__}"


def lost(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """Return the facts that are missing now."""
    kept = set(new)
    return [line for line in old if line not in kept]


def main(arguments: list[str]) -> int:
    """Run the command line; return the exit code."""
    if not arguments:
        print("\n".join(python()))
        return 0
    if arguments == ["--update"]:
        facts = {"wire.txt": wire(load(str(ROOT / "openapi.yaml"))), "python.txt": python()}
        FOLDER.mkdir(exist_ok=True)
        for name, lines in facts.items():
            (FOLDER / name).write_text("\n".join(lines) + "\n", "utf-8")
        return 0
    if arguments == ["--freeze"]:
        copy = FOLDER / importlib.import_module("togai").__version__
        copy.mkdir()
        for name in FILES:
            shutil.copy(FOLDER / name, copy / name)
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
