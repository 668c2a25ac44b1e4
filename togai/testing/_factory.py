"""make: create any model with plausible values, derived from its fields, so that a new field needs no change here."""

from __future__ import annotations

import difflib
import enum
import itertools
import types
from copy import copy
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import attrs

from togai import models

M = TypeVar("M", bound=attrs.AttrsInstance)

_NUMBERS = itertools.count(1)
_FIRST = datetime(2024, 12, 4, 7, 30, tzinfo=UTC)

# Values that cannot be derived from the type, by model and field. An optional field that is not listed is None.
_SENSIBLE: dict[str, Any] = {
    "Attribute.name": "distance",
    "Attribute.value": "10.4",
    "Attribute.unit": "Kilometers",
    "Event.id": "event-{n}",
    "Event.schema_name": "rides",
    "Event.account_id": "acme",
    "Event.dimensions": {"city": "Chennai"},
    "EventSource.id": "togai-api",
    "EventSource.type_": "API",
    "EventWithStatus.reference_id": "ref-{n}",
    "EventWithStatusAndEventPipelineInfo.reference_id": "ref-{n}",
    "IngestionStatus.status": models.IngestionStatusValue.INGESTION_COMPLETED_EVENT_METERED,
    "EventCorrectionInfo.reference_id": "ref-{n}",
    "EventCorrectionInfo.status": models.CorrectionStatus.REVERTED,
    "EventCorrectionInfo.reason": "Reverted",
    "EventCorrectionRequest.event": models.Event,
    "ErrorResponse.message": "Something went wrong.",
}


def make(model: type[M], /, **overrides: Any) -> M:
    """Create a model as the service could send it, with unique ids and times.

    Args:
        model: Any class of `togai.models`.
        **overrides: Fields by their Python names. An enum can be passed as text, also with an unknown value. None
            stands for a missing property.

    Returns:
        The model.

    Raises:
        TypeError: The model has no such field, or the field does not accept the value.

    Example:
        ```python
        event = make(EventWithStatus, event_payload=make(Event, account_id="acme"))
        ```
    """
    hints = _hints(model)
    number = next(_NUMBERS)
    values: dict[str, Any] = {}
    for field in attrs.fields(model):
        sensible = _SENSIBLE.get(f"{model.__name__}.{field.name}")
        if sensible is not None:
            values[field.name] = _copy(sensible, number)
        elif field.default is attrs.NOTHING:
            values[field.name] = _of_type(hints[field.name], field.name, number)
    for name, value in overrides.items():
        if name not in hints:
            near = difflib.get_close_matches(name, hints, 1)
            meant = f" did you mean {near[0]}?" if near else ""
            fields = ", ".join(field for field in hints if not field.startswith("_"))
            raise TypeError(f"{model.__name__} has no field {name}:{meant} its fields are {fields}")
        values[name] = _checked(f"{model.__name__}.{name}", hints[name], value)
    return model(**values)


@cache
def _hints(model: type) -> dict[str, Any]:
    if not (isinstance(cast("Any", model), type) and attrs.has(model)):
        raise TypeError(f"{model!r} is not a model: pass a class of togai.models, such as Event")
    hints = get_type_hints(model)
    return {field.name: hints[field.name] for field in attrs.fields(model)}


def _copy(value: Any, number: int) -> Any:
    if isinstance(value, type):
        return make(cast("type[Any]", value))
    # An enum is a text too.
    return value.replace("{n}", str(number)) if type(value) is str else copy(value)


def _of_type(hint: Any, name: str, number: int) -> Any:
    origin: Any = get_origin(hint) or hint
    if origin is list:
        (inner,) = get_args(hint)
        return [make(inner)] if attrs.has(inner) else []
    if attrs.has(origin):
        return make(origin)
    if issubclass(origin, enum.Enum):
        return next(iter(origin))
    values: dict[Any, Any] = {
        str: f"{name.replace('_', '-')}-{number}",
        dict: dict[str, Any](),
        bool: False,
        int: 1,
        float: 1.0,
        datetime: _FIRST + timedelta(minutes=number),
        date: date(2024, 12, 31 if name.endswith("end") else 1),
    }
    return values[origin]


def _checked(name: str, hint: Any, value: Any) -> Any:
    union = get_origin(hint) in (Union, types.UnionType)
    kinds: tuple[Any, ...] = get_args(hint) if union else (hint,)
    for kind in kinds:
        origin: Any = get_origin(kind) or kind
        if value is None or origin is Any or isinstance(value, origin):
            return value
        if origin is float and isinstance(value, int):
            return value
        if issubclass(origin, enum.Enum) and isinstance(value, str):
            return origin(value)
    names = [getattr(kind, "__name__", str(kind)) for kind in kinds if kind is not types.NoneType]
    raise TypeError(f"{name} takes {' or '.join(names)}, not {type(value).__name__}: {value!r:.80}")
