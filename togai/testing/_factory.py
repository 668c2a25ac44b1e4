"""make: any model with sensible values, from its own fields, so that a new field needs no line here."""

from __future__ import annotations

import difflib
import enum
import itertools
import types
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import attrs

from togai import models

M = TypeVar("M", bound=attrs.AttrsInstance)

_NUMBERS = itertools.count(1)
_FIRST = datetime(2024, 12, 4, 7, 30, tzinfo=UTC)

# What a type alone does not say. An optional field that is not named here stays None.
_SENSIBLE: dict[type, dict[str, Any]] = {
    models.Attribute: {"name": "distance", "value": "10.4", "unit": "Kilometers"},
    models.Event: {
        "id": "event-{n}",
        "schema_name": "rides",
        "account_id": "acme",
        "attributes": [models.Attribute],
        "dimensions": {"city": "Chennai"},
    },
    models.EventWithStatus: {"reference_id": "ref-{n}"},
    models.EventWithStatusAndEventPipelineInfo: {"reference_id": "ref-{n}"},
    models.EventSource: {"id": "togai-api", "type_": "API"},
    models.IngestionStatus: {
        "status": models.IngestionStatusValue.INGESTION_COMPLETED_EVENT_METERED
    },
    models.EventCorrectionInfo: {
        "reference_id": "ref-{n}",
        "status": models.CorrectionStatus.REVERTED,
        "reason": "Reverted",
    },
    models.GetEventsResponse: {"events": [models.EventWithStatus]},
    models.GetEventResponse: {"events": [models.EventWithStatusAndEventPipelineInfo]},
    models.EventsCorrectionResponse: {"data": [models.EventCorrectionInfo]},
    models.EventCorrectionRequest: {"event": models.Event},
    models.ErrorResponse: {"message": "Something went wrong."},
}


def make(model: type[M], /, **overrides: Any) -> M:
    """A model as the service could send it; each one has ids and times of its own.

    Args:
        model: Any class of `togai.models`.
        **overrides: Fields by their Python names. Text is taken for an enum, a value that is not yet known
            included. None is what a missing property reads as.

    Returns:
        The model.

    Raises:
        TypeError: The model has no such field, or the field takes no such value.

    Example:
        ```python
        event = make(EventWithStatus, event_payload=make(Event, account_id="acme"))
        ```
    """
    hints = _hints(model)
    number = next(_NUMBERS)
    sensible = _SENSIBLE.get(model, {})
    values: dict[str, Any] = {}
    for one in attrs.fields(model):
        if one.name in sensible:
            values[one.name] = _filled(sensible[one.name], number)
        elif one.default is attrs.NOTHING:
            values[one.name] = _of_type(hints[one.name], one.name, number)
    for name, value in overrides.items():
        if name not in hints:
            raise TypeError(_no_field(model, name, hints))
        values[name] = _checked(model, name, hints[name], value)
    return model(**values)


@cache
def _hints(model: type) -> dict[str, Any]:
    if not (isinstance(cast("Any", model), type) and attrs.has(model)):
        raise TypeError(f"{model!r} is no model: pass a class of togai.models, like Event")
    hints = get_type_hints(model)
    return {one.name: hints[one.name] for one in attrs.fields(model)}


def _no_field(model: type, name: str, hints: dict[str, Any]) -> str:
    near = difflib.get_close_matches(name, hints, 1)
    meant = f" did you mean {near[0]}?" if near else ""
    return f"{model.__name__} has no field {name}:{meant} there are {', '.join(hints)}"


def _filled(value: Any, number: int) -> Any:
    """A fresh value from the table: classes are made, and `{n}` is the number."""
    if isinstance(value, type) and attrs.has(value):
        return make(value)
    if isinstance(value, list):
        return [_filled(one, number) for one in cast("Any", value)]
    if isinstance(value, dict):
        return dict(cast("dict[str, Any]", value))
    if isinstance(value, str) and not isinstance(value, enum.Enum):
        return value.replace("{n}", str(number))
    return value


def _of_type(hint: Any, name: str, number: int) -> Any:
    origin: Any = get_origin(hint) or hint
    if origin is list:
        return list[Any]()
    if origin is dict:
        return dict[str, Any]()
    if attrs.has(origin):
        return make(origin)
    if issubclass(origin, enum.Enum):
        return next(iter(origin))
    values: dict[Any, Any] = {
        str: f"{name.replace('_', '-')}-{number}",
        bool: False,
        int: 1,
        float: 1.0,
        datetime: _FIRST + timedelta(minutes=number),
        date: date(2024, 12, 31 if name.endswith("end") else 1),
    }
    return values[origin]


def _checked(model: type, name: str, hint: Any, value: Any) -> Any:
    kinds: tuple[Any, ...] = (
        get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    )
    for kind in kinds:
        origin: Any = get_origin(kind) or kind
        if value is None or origin is Any or isinstance(value, origin):
            return value
        if origin is float and isinstance(value, int):
            return value
        if issubclass(origin, enum.Enum) and isinstance(value, str):
            return origin(value)
    wanted = " or ".join(
        getattr(kind, "__name__", str(kind)) for kind in kinds if kind is not types.NoneType
    )
    raise TypeError(
        f"{model.__name__}.{name} takes {wanted}, not {type(value).__name__}: {value!r:.80}"
    )
