"""A small contract, and ways to change it, for the tests of the bump."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from contract.load import parse
from contract.merge import Merged, merge

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = """\
openapi: 3.0.3
info:
  title: Rides
  version: "1.0"
servers:
  - url: https://rides.example
security:
  - bearer: []
paths:
  /rides:
    get:
      operationId: listRides
      tags: [Rides]
      parameters:
        - name: city
          in: query
          schema:
            type: string
        - name: size
          in: query
          schema:
            type: integer
            maximum: 50
      responses:
        "200":
          description: Rides.
          content:
            application/json:
              schema:
                $ref: "#/components/schemas/RidePage"
        "422":
          $ref: "#/components/responses/Problem"
        default:
          $ref: "#/components/responses/Problem"
  /rides/{ride_id}:
    get:
      operationId: getRide
      tags: [Rides]
      parameters:
        - name: ride_id
          in: path
          required: true
          schema:
            type: string
      responses:
        "200":
          description: A ride.
          content:
            application/json:
              schema:
                $ref: "#/components/schemas/Ride"
  /rides/fix:
    post:
      operationId: fixRides
      tags: [Rides]
      parameters:
        - name: action
          in: query
          required: true
          schema:
            $ref: "#/components/schemas/Action"
        - name: region
          in: query
          x-togai-origin: reference page
          schema:
            type: string
      requestBody:
        content:
          application/json:
            schema:
              $ref: "#/components/schemas/Trip"
      responses:
        "200":
          description: Done.
          content:
            application/json:
              schema:
                $ref: "#/components/schemas/RidePage"
components:
  securitySchemes:
    bearer:
      type: http
      scheme: bearer
  responses:
    Problem:
      description: Refused.
      content:
        application/json:
          schema:
            $ref: "#/components/schemas/Problem"
  schemas:
    RidePage:
      type: object
      description: Rides.
      required: [rides]
      properties:
        rides:
          type: array
          description: The rides.  # newest first
          items:
            $ref: "#/components/schemas/Ride"
        next:
          type: string
          maxLength: 500
          description: Where the next page starts.
    Ride:
      type: object
      description: A ride.
      additionalProperties: false
      required: [id, state, at]
      properties:
        id:
          type: string
          description: Its id.
        state:
          $ref: "#/components/schemas/RideState"
        at:
          type: string
          format: date-time
          description: When it was.
        trip:
          $ref: "#/components/schemas/Trip"
        bike:
          $ref: "#/components/schemas/Bike"
    Trip:
      type: object
      description: Where it went, as sent and as returned.
      required: [from]
      properties:
        from:
          type: string
          description: Its start.
        tags:
          type: object
          description: Words about it.
          additionalProperties:
            type: string
        stops:
          type: array
          description: Stops.
          items:
            $ref: "#/components/schemas/Stop"
    Stop:
      type: object
      description: A stop.
      required: [name]
      properties:
        name:
          type: string
          description: Its name.
    Bike:
      type: object
      description: A bike.
      properties:
        model:
          type: string
          description: Its model.
    Problem:
      type: object
      description: What went wrong.
      properties:
        message:
          type: string
          description: In words.
    Action:
      type: string
      description: What to do.
      enum: [UNDO, REDO]
    RideState:
      type: string
      description: Its state.
      x-togai-open: true
      enum: [RUNNING, DONE]
"""


_parsed = functools.cache(lambda: json.dumps(parse(TEXT.encode())))


def small() -> dict[str, Any]:
    """A fresh copy of the small contract."""
    document: dict[str, Any] = json.loads(_parsed())
    return document


def merged(
    change: Callable[[dict[str, Any]], object], *before: Callable[[dict[str, Any]], object]
) -> Merged:
    """The small contract, after other changes were merged into it, merged with a changed copy of itself."""
    contract = small()
    for item in before:
        contract = merge(contract, changed(item)).contract
    return merge(contract, changed(change))


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """The small contract as a vendor would have it after a change."""
    document = small()
    change(document)
    return document


def schemas(document: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = document["components"]["schemas"]
    return result


def properties(document: dict[str, Any], schema: str) -> dict[str, Any]:
    result: dict[str, Any] = schemas(document)[schema]["properties"]
    return result


def operation(document: dict[str, Any], name: str) -> dict[str, Any]:
    """An operation by its operationId."""
    for item in document["paths"].values():
        described: dict[str, Any]
        for described in item.values():
            if described.get("operationId") == name:
                return described
    raise KeyError(name)


def parameter(document: dict[str, Any], call: str, name: str) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = operation(document, call)["parameters"]
    return next(parameter for parameter in parameters if parameter["name"] == name)
