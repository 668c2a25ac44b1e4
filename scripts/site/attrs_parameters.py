"""An extension of griffe: adds the constructor of an attrs class, which its source does not contain."""

from __future__ import annotations

from typing import Any

import griffe

_DECORATORS = {"attrs.define", "attrs.frozen"}


class AttrsParameters(griffe.Extension):
    """Adds the parameters that attrs creates from the fields."""

    def on_class(self, *, cls: griffe.Class, **_: Any) -> None:
        """Add the constructor to an attrs class."""
        if "__init__" in cls.members or not any(
            decorator.callable_path in _DECORATORS for decorator in cls.decorators
        ):
            return
        fields = [
            member
            for member in cls.members.values()
            if isinstance(member, griffe.Attribute)
            and member.annotation is not None
            and not member.name.startswith("_")
        ]
        parameters = [griffe.Parameter("self", kind=griffe.ParameterKind.positional_or_keyword)]
        parameters += [
            griffe.Parameter(
                member.name,
                annotation=member.annotation,
                kind=griffe.ParameterKind.positional_or_keyword,
                default=member.value,
            )
            for member in fields
        ]
        constructor = griffe.Function("__init__", parameters=griffe.Parameters(*parameters))
        cls.set_member("__init__", constructor)
