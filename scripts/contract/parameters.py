"""Compares the parameters of two descriptions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from contract import verdicts
from contract.adopt import BUILDER_NAMES, clash, plain, unwritable
from contract.comparison import ORIGIN, Comparison
from contract.shapes import escaped, schema_node, shown
from contract.vendor import STYLE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from contract.normalize import Operation, Parameter
    from contract.shapes import Shape


class Parameters(Comparison):
    """Compares the parameters of two descriptions, and adds to the contract what is new."""

    def compare(self, call: Operation, other: Operation) -> None:
        """Compare the parameters of one call."""
        fresh = [
            parameter
            for key, parameter in other.parameters.items()
            # Only parameters that the path names can be sent in it.
            if key not in call.parameters and key[0] != "path"
        ]
        for key, parameter in call.parameters.items():
            at, node = parameter.node.at, parameter.node.value
            match = other.parameters.get(key)
            if match is None:
                self._lost(call, parameter, fresh)
                continue
            if ORIGIN in node and ORIGIN not in match.node.value:
                self.findings.add(verdicts.DESCRIBED, at, str(node[ORIGIN]), "described")
            self.deprecation(node, [match.node.get("deprecated") is True], at)
            self._requirement(parameter, match)
        for parameter in fresh:
            self._new(call, parameter)

    def _lost(self, call: Operation, parameter: Parameter, fresh: Iterable[Parameter]) -> None:
        moved = [new for new in fresh if new.name == parameter.name]
        alike = moved or [new for new in fresh if clash(new.name, [parameter.name])]
        undescribed = not self.findings.had(verdicts.DESCRIBED, parameter.node.at)
        if ORIGIN in parameter.node.value and not alike and undescribed:
            return
        rule = verdicts.MOVED_PARAMETER if moved else verdicts.RENAMED_PARAMETER
        if not alike:
            rule = verdicts.LOST_REQUIRED if parameter.required else verdicts.LOST_PARAMETER
        now = next((f"{new.place} {new.name}" for new in alike), "none")
        hints = [] if alike else self._hints(parameter, fresh)
        words = (verdicts.need(parameter.required), now)
        gets = "" if call.method == "get" else "another correction than was requested"
        self.findings.add(rule, parameter.node.at, *words, hints=hints, gets=gets)

    def _hints(self, parameter: Parameter, fresh: Iterable[Parameter]) -> list[str]:
        """Return the new parameters with the type of a removed parameter, as questions."""
        words = self.ours.shape(parameter.schema).words if parameter.schema else ""
        return [
            f"renamed to {new.name}?"
            for new in fresh
            if new.schema and self.theirs.shape(new.schema).words == words
        ][:3]

    def _requirement(self, parameter: Parameter, match: Parameter) -> None:
        at = parameter.node.at
        media = [sorted(each.node.get("content") or ["text/plain"]) for each in (parameter, match)]
        if parameter.place != "path" and media[0] != media[1]:
            # A string would be sent in quotes, as JSON.
            self.findings.add(verdicts.MEDIA, f"{at}/content", *map(", ".join, media))
        if (style := match.node.get("style")) in ("label", "matrix"):
            self.findings.add(verdicts.STYLE, f"{at}/style", "simple", str(style))
        if parameter.schema and match.schema:
            shapes = (self.ours.shape(parameter.schema), self.theirs.shape(match.schema))
            self._several(parameter, match, *shapes)
        if match.required and not parameter.is_always_sent:
            self.findings.add(verdicts.NEED_PARAMETER, f"{at}/required", "optional", "required")
        elif match.required != parameter.required:
            words = (verdicts.need(parameter.required), verdicts.need(match.required))
            self.findings.add(verdicts.OPTIONALITY, f"{at}/required", *words)

    def _several(self, parameter: Parameter, match: Parameter, ours: Shape, theirs: Shape) -> None:
        """Compare how several values are sent."""
        at = parameter.node.at
        if re.search(r"\blist\b", theirs.kind) and parameter.style != match.style:
            self.findings.add(verdicts.LIST_STYLE, f"{at}/style", parameter.style, match.style)
        if ours.kind != "list" and self.theirs.single(match):
            self.findings.add(verdicts.WIDER, at, ours.words, theirs.words)

    def _new(self, call: Operation, parameter: Parameter) -> None:
        at = f"{call.at}/parameters/{escaped(parameter.place)}/{escaped(parameter.name)}"
        shape = self.theirs.shape(parameter.schema) if parameter.schema else None
        words = shape.words if shape else "anything"
        # In a query, each property of an object is a parameter.
        shapes = [shape, *map(self.theirs.shape, shape.properties.values())] if shape else []
        default = next((each.default for each in shapes if each.has_effect), None)
        if parameter.required:
            self.findings.add(verdicts.NEED_PARAMETER, at, "none", f"required {words}")
        elif default is not None:
            words = f"{words}, default {shown(default)}"
            self.findings.add(verdicts.NEW_DEFAULT, at, "none", words)
        else:
            self._gain(call, parameter, shape, at, words)

    def _gain(
        self, call: Operation, parameter: Parameter, shape: Shape | None, at: str, words: str
    ) -> None:
        """Add a new optional parameter to the contract, if it can be sent."""
        written: list[dict[str, Any]] = call.node.value.setdefault("parameters", [])
        why = self._unsendable(parameter, shape, written)
        schema: dict[str, Any] = {}
        if shape and not why:
            owner = str(call.node.get("operationId") or "call")
            schema, why = self.taken(at, shape, "request", owner, parameter.name)
        if why:
            rule = verdicts.UNMODELLED_PARAMETER
            self.findings.add(rule, at, "none", words, reason=f"{why}: {rule.reason}")
            return
        described = schema.pop("description", None)
        text = plain(str(parameter.node.get("description") or "")) or described
        named = re.search("idempoten", f"{parameter.name} {text}", re.IGNORECASE)
        is_key = named and call.method != "get"
        rule = verdicts.IDEMPOTENCY if is_key else verdicts.NEW_PARAMETER
        if self.findings.add(rule, at, "none", words):
            entry = {"name": parameter.name, "in": parameter.place}
            if shape and shape.kind == "list":
                entry |= {key: each for key, each in parameter.node.value.items() if key in STYLE}
            written.append({**entry, "description": text or "Not described.", "schema": schema})

    def _unsendable(
        self, parameter: Parameter, shape: Shape | None, written: list[dict[str, Any]]
    ) -> str:
        """Return the reason why a request builder cannot send a parameter; empty if it can."""
        if parameter.place not in ("query", "header", "cookie"):
            return f"a parameter in {parameter.place!r} cannot be sent"
        if "content" in parameter.node.value:
            return "its value is a document, not a string"
        if shape is None:
            return "no schema"
        if unwritable(parameter.name):
            return unwritable(parameter.name)
        nodes = [self.ours.resolved(schema_node(entry, "#")) for entry in written]
        if clash(parameter.name, [*BUILDER_NAMES, *(str(node.value["name"]) for node in nodes)]):
            return "its name is taken in Python"
        if parameter.place != "query" and (shape.kind != "string" or shape.format):
            return f"a {parameter.place} parameter can only be a string"
        inner = self.theirs.shape(shape.inner) if shape.inner else shape
        nested = shape.kind in ("object", "map") or inner.kind in ("object", "map", "list")
        return "objects cannot be sent in a query" if nested else ""
