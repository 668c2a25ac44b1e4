"""Where public things say they are: in the module that callers import them from, not in the one that defines them."""

from __future__ import annotations

import inspect
import typing

_PRIVATE = ("togai._", "togai.testing._", "_togai_generated.")


def name_publicly(namespace: dict[str, typing.Any], module: str | None = None) -> None:
    """Set `__module__` of what a public module offers, for tracebacks, help and pickles.

    Args:
        namespace: The `globals()` of the module, with its `__all__`.
        module: The module's name, if another one offers all of it.
    """
    for name in namespace["__all__"]:
        value = namespace[name]
        home = getattr(value, "__module__", None) or ""
        if not home.startswith(_PRIVATE):
            continue
        if inspect.isclass(value) and home.startswith("_togai_generated."):
            # The annotations are text that is only understood where it was written.
            value.__annotations__ = typing.get_type_hints(value)
        value.__module__ = module or namespace["__name__"]
