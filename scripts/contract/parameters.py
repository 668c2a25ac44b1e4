"""Compares the parameters of two descriptions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from contract import verdicts
from contract.adopt import NotModelled, builder_clash, plain, python_name, unwritable
from contract.align import is_always_sent, operation_at, parameter_position
from contract.marks import ORIGIN, REMOVED, Comparison, need
from contract.shapes import escaped, schema_node, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from contract.normalize import Operation, Parameter
    from contract.shapes import Shape


class Parameters(Comparison):
    """Compares the parameters of two descriptions, and adds to the contract what is new."""

    def compare(self, call: Operation, other: Operation) -> None:
        """Compare the parameters of one call."""
        fresh = {
            key: parameter
            for key, parameter in other.parameters.items()
            # Only parameters that the path names can be sent in it.
            if key not in call.parameters and key[0] != "path"
        }
        for key, parameter in call.parameters.items():
            place, node = parameter.node.at, parameter.node.value
            position = [parameter_position(call, key, parameter.name)]
            match = other.parameters.get(key)
            if match is None:
                self._lost(place, call, parameter, fresh.values(), position)
                continue
            if ORIGIN in node and ORIGIN not in match.node.value:
                origin = str(node[ORIGIN])
                self.findings.add(verdicts.DESCRIBED, place, origin, "described", position)
            if REMOVED in node:
                self.marks.release(node, place, position)
            self.marks.deprecation(node, [match.node], place, position)
            self._requirement(place, parameter, match, position)
        for key, parameter in fresh.items():
            self._new(call, parameter, [parameter_position(call, key, parameter.name)])

    def _lost(
        self,
        place: str,
        call: Operation,
        parameter: Parameter,
        fresh: Iterable[Parameter],
        position: list[str],
    ) -> None:
        name = python_name(parameter.name)
        moved = [new for new in fresh if new.name == parameter.name]
        alike = moved or [new for new in fresh if python_name(new.name) == name]
        if ORIGIN in parameter.node.value and not alike:
            return
        rule = verdicts.MOVED_PARAMETER if moved else verdicts.RENAMED_PARAMETER
        if not alike:
            rule = verdicts.LOST_REQUIRED if parameter.required else verdicts.LOST_PARAMETER
        now = [f"{new.place} {new.name}" for new in alike]
        hints = [] if now else self._hints(parameter, fresh)
        words = (need(parameter.required), now[0] if now else "none")
        gets = "" if call.method == "get" else "other events corrected than were selected"
        self.findings.add(rule, place, *words, position, hints=hints, gets=gets)

    def _hints(self, parameter: Parameter, fresh: Iterable[Parameter]) -> list[str]:
        """Return the new parameters with the type of a removed parameter, as questions."""
        words = self.ours.shape(parameter.schema).words if parameter.schema else ""
        typed = ((new.name, new.schema) for new in fresh)
        return [
            f"renamed to {name}?"
            for name, schema in typed
            if schema and self.theirs.shape(schema).words == words
        ][:3]

    def _requirement(
        self, place: str, parameter: Parameter, match: Parameter, position: list[str]
    ) -> None:
        if parameter.place != "path" and "content" in match.node.value:
            # A string would be sent in quotes, as JSON.
            theirs = ", ".join(sorted(match.node.value["content"]))
            self.findings.add(verdicts.MEDIA, f"{place}/content", "plain", theirs, position)
        at = f"{place}/required"
        if match.required and not is_always_sent(parameter):
            self.findings.add(verdicts.NEED_PARAMETER, at, "optional", "required", position)
        elif match.required != parameter.required:
            words = (need(parameter.required), need(match.required))
            self.findings.add(verdicts.OPTIONALITY, at, *words, position, known=True)

    def _new(self, call: Operation, parameter: Parameter, position: list[str]) -> None:
        name = parameter.name
        place = f"{operation_at(call)}/parameters/{escaped(parameter.place)}/{escaped(name)}"
        shape = self.theirs.shape(parameter.schema) if parameter.schema else None
        words = shape.words if shape else "anything"
        if parameter.required:
            words = f"required {words}"
            self.findings.add(verdicts.NEED_PARAMETER, place, "none", words, position)
        elif shape and shape.has_effect:
            words = f"{words}, default {shown(shape.default)}"
            self.findings.add(verdicts.NEW_DEFAULT, place, "none", words, position)
        else:
            self._gain(call, parameter, shape, place, position)

    def _gain(
        self,
        call: Operation,
        parameter: Parameter,
        shape: Shape | None,
        place: str,
        position: list[str],
    ) -> None:
        """Add a new optional parameter to the contract, if it can be sent."""
        written: list[dict[str, Any]] = call.node.value.setdefault("parameters", [])
        name, words = parameter.name, shape.words if shape else "anything"
        why = self._unsendable(parameter, shape, written)
        schema: dict[str, Any] = {}
        if shape and not why and self.findings.is_free(place, words):
            try:
                owner = str(call.node.get("operationId") or "call")
                schema = self.taker.take(shape, "request", owner, name)
            except NotModelled as error:
                why = str(error)
        if why:
            rule = verdicts.UNMODELLED_PARAMETER
            reason = f"{why}: {rule.reason}"
            self.findings.add(rule, place, "none", words, position, reason=reason, known=True)
            return
        text = plain(str(parameter.node.get("description") or "")) or schema.get("description")
        is_key = re.search("idempoten", f"{name} {text}", re.IGNORECASE) and call.method != "get"
        rule = verdicts.IDEMPOTENCY if is_key else verdicts.NEW_PARAMETER
        if self.findings.add(rule, place, "none", words, position, gain=True):
            schema.pop("description", None)
            text = text or "Not described."
            entry = {"name": name, "in": parameter.place, "description": text, "schema": schema}
            written.append(entry)

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
        if builder_clash(parameter.name, [str(node.value["name"]) for node in nodes]):
            return "its name is taken in Python"
        if parameter.place != "query" and (shape.kind != "string" or shape.format):
            return f"a {parameter.place} parameter can only be a string"
        inner = self.theirs.shape(shape.inner) if shape.inner else shape
        nested = shape.kind in ("object", "map") or inner.kind in ("object", "map", "list")
        return "objects cannot be sent in a query" if nested else ""
