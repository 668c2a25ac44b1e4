"""Changes of the small contract, for tables of what the merge reports and writes for each of them."""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen
from contract import verdicts
from contract.merge import Merged, merge
from contract.normalize import Description
from contract.vendor import canonical
from contract.verdicts import Hold

from tests.project.small import changed, operation, parameter, properties, schemas

Document = dict[str, Any]
Change = Callable[[Document], object]
TEXT = {"type": "string"}
RIDES, RIDE, FIX = "/rides", "/rides/{ride_id}", "/rides/fix"
PAGE = {"$ref": "#/components/schemas/RidePage"}


def same(_document: Document) -> None:
    """Changes nothing."""


@frozen
class Case:
    """A merge: how our contract and the description differ from the small contract, and what else it is given."""

    ours: Change
    theirs: Change
    last: Change | None = None
    """How the vendor's last description differs; None if it is not known."""
    write: str = ""
    holds: tuple[str, ...] = ()

    def run(self) -> Merged:
        contract = changed(self.ours)
        before = canonical(contract, Description(changed(self.last))) if self.last else None
        holds = [Hold(at, "asked") for at in self.holds]
        theirs = changed(self.theirs)
        return merge(contract, theirs, holds, last=before, write=self.write, today="2026-11-25")


def servers(*urls: str) -> Change:
    return lambda d: d.update(servers=[{"url": url} for url in urls])


def call(name: str, **more: Any) -> Change:
    return lambda d: operation(d, name).update(more)


def add_parameter(name: str, **more: Any) -> Change:
    described = {"name": name, "in": "query", "schema": TEXT, **more}
    return lambda d: operation(d, "listRides")["parameters"].append(described)


def drop_parameter(call: str, name: str) -> Change:
    return lambda d: operation(d, call)["parameters"].remove(parameter(d, call, name))


def responses(name: str, **more: Any) -> Change:
    """Adds responses; a name like `s404` stands for the status, and None removes it."""

    def change(d: Document) -> None:
        found = operation(d, name)["responses"]
        for key, value in more.items():
            status = key.removeprefix("s")
            found.pop(status, None)
            if value is not None:
                found[status] = {"description": "x", **value}

    return change


def body(**more: Any) -> Change:
    return lambda d: operation(d, "fixRides").update(requestBody=more or None)


def moved(old: str, new: str) -> Change:
    return lambda d: d["paths"].update({new: d["paths"].pop(old)})


def renamed_path(name: str) -> Change:
    def change(d: Document) -> None:
        item = d["paths"].pop(RIDE)
        item["get"]["parameters"][0]["name"] = name
        d["paths"][f"/rides/{{{name}}}"] = item

    return change


def security(*schemes: str) -> Change:
    def change(d: Document) -> None:
        d["components"]["securitySchemes"]["key"] = {"type": "apiKey", "in": "header", "name": "X"}
        operation(d, "listRides")["security"] = [{name: []} for name in schemes]

    return change


def both(*changes: Change) -> Change:
    return lambda d: [change(d) for change in changes]


def media(*kinds: str, schema: Any = None) -> dict[str, Any]:
    return {"content": {kind: {"schema": schema or {"type": "object"}} for kind in kinds}}


def props(schema: str, **more: Any) -> Change:
    """Changes properties; None removes one."""

    def change(d: Document) -> None:
        found = properties(d, schema)
        for name, value in more.items():
            found.pop(name, None)
            if value is not None:
                found[name] = copy.deepcopy(value)

    return change


def aliased(schema: str, name: str, *aliases: str) -> Change:
    return marked(schema, name, **{"x-togai-aliases": [*aliases]})


def marked(schema: str, name: str, **more: Any) -> Change:
    """Adds to what a property says."""
    return lambda d: properties(d, schema)[name].update(more)


def renamed(schema: str, old: str, new: str, **more: Any) -> Change:
    """Renames a property, which becomes the last one, and adds to what it says."""

    def change(d: Document) -> None:
        found = properties(d, schema)
        found[new] = {**found.pop(old), **more}

    return change


def apart(name: str, schema: str, *changes: Change) -> Change:
    """Gives the response of a call its own copy of a schema, `Other`, and changes the copy."""

    def change(d: Document) -> None:
        schemas(d)["Other"] = copy.deepcopy(schemas(d)[schema])
        for each in changes:
            each(d)
        content = operation(d, name)["responses"]["200"]["content"]
        content["application/json"]["schema"] = {"$ref": "#/components/schemas/Other"}

    return change


def required(schema: str, *names: str) -> Change:
    return lambda d: schemas(d)[schema].update(required=list(names))


def of(call_name: str, name: str, **more: Any) -> Change:
    return lambda d: parameter(d, call_name, name).update(more)


_RULES = [rule for rule in vars(verdicts).values() if isinstance(rule, verdicts.Rule)]
_REASONS, _GETS = {rule.reason for rule in _RULES}, {rule.gets for rule in _RULES}


def outcome(case: Case) -> list[str]:
    """All differences of a merge, one on a line, and what it changes in the contract."""
    merged = case.run()
    lines = [
        " | ".join(
            [
                f"{entry.verdict}{' known' if entry.known else ''}{' gain' if entry.gain else ''}",
                entry.kind,
                entry.at,
                f"{entry.ours} -> {entry.theirs}",
                ", ".join(entry.positions),
                *([f"hints: {', '.join(entry.hints)}"] if entry.hints else []),
                *([f"reason: {entry.reason}"] if entry.reason not in _REASONS else []),
                *([f"gets: {entry.gets}"] if entry.gets not in _GETS else []),
                *(["digest"] if entry.digest else []),
            ]
        )
        for entry in merged.differences
    ]
    lines += [f"released | {at}" for at in merged.released]
    lines += [f"unmatched | {hold.at}" for hold in merged.unmatched]
    lines += written(changed(case.ours), merged.contract)
    texts = (line.replace("\n", "\\n") for line in lines)
    return [text.encode("ascii", "backslashreplace").decode() for text in texts]


def written(before: Any, after: Any, at: str = "#") -> Iterator[str]:
    """Yield a line for each place that is new (+), removed (-) or different."""
    if isinstance(before, list) and isinstance(after, list):
        before, after = dict(enumerate(before)), dict(enumerate(after))
    if not isinstance(before, dict) or not isinstance(after, dict):
        if before != after:
            yield f"{at}: {json.dumps(before)} -> {json.dumps(after)}"
        return
    for key in [*before, *(key for key in after if key not in before)]:
        place = f"{at}/{str(key).replace('~', '~0').replace('/', '~1')}"
        if key not in after:
            yield f"- {place}: {json.dumps(before[key])}"
        elif key not in before:
            yield f"+ {place}: {json.dumps(after[key])}"
        else:
            yield from written(before[key], after[key], place)


Entry = Change | tuple[Change, Change] | Case
"""A change of the description; changes of our contract and the description; or more."""


def cases(entries: Mapping[str, Entry]) -> dict[str, Case]:
    def case(entry: Entry) -> Case:
        if isinstance(entry, Case):
            return entry
        ours, theirs = entry if isinstance(entry, tuple) else (same, entry)
        return Case(ours, theirs)

    return {name: case(entry) for name, entry in entries.items()}


@functools.cache
def expected(file: str) -> dict[str, list[str]]:
    """The outcomes that are listed beside a file of tests, by the name of the change."""
    listed: dict[str, list[str]] = {}
    name = ""
    path = Path(file).with_suffix(".txt")
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        if not line or line.startswith("  "):
            listed[name].append(line[2:])
        else:
            name = line.removesuffix(":")
            listed[name] = []
    return listed


def write(file: str, listed: Mapping[str, Case]) -> None:
    """List the outcomes beside a file of tests."""
    write_rows(file, {name: outcome(case) for name, case in listed.items()})


def write_rows(file: str, listed: Mapping[str, list[str]]) -> None:
    rows = [
        row
        for name, lines in listed.items()
        for row in (f"{name}:", *(line and f"  {line}" for line in lines))
    ]
    Path(file).with_suffix(".txt").write_text("\n".join(rows) + "\n", "utf-8")
