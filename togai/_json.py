"""JSON with exact numbers."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

_MANY_DIGITS = 600


def parse_json(body: bytes) -> Any:
    """Parse JSON; a number with a fraction or an exponent becomes a Decimal.

    Raises:
        ValueError: The body is not JSON in UTF-8.
        RecursionError: It is nested too deeply.
    """
    # Gateways and old tools put a byte order mark in front; JSON lets a reader skip it.
    return _decoder.decode(body.decode().removeprefix("\ufeff"))


def _integer(digits: str) -> int | Decimal:
    # Python refuses to convert very many digits to int; one such number must not cost the page.
    return int(digits) if len(digits) < _MANY_DIGITS else Decimal(digits)


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_decoder = json.JSONDecoder(parse_float=Decimal, parse_int=_integer, parse_constant=_refuse)
