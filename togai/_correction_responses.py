"""Read the response of a correction. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from togai._decoding import Reader, StrictDeviation
from togai._responses import (
    parse_body,
    read_items,
    read_object,
    refuse_misplaced,
    report_extras,
    strict_error,
    unexpected,
)
from togai.corrections._result import CorrectionResult
from togai.models import EventCorrectionInfo

if TYPE_CHECKING:
    from togai._transport.steps import Call, Response
    from togai.corrections._correction import Correction


def read_correction(
    reader: Reader, call: Call, response: Response, correction: Correction
) -> CorrectionResult:
    """Read the result of a correction.

    Raises:
        UnexpectedResponse: The response is not a result; or, in strict mode, it deviates from the contract.
    """
    result = _correction_result(reader, call, response, correction)
    result.request_id, result.status = response.request_id, response.status
    result.headers = response.headers
    return result


def _correction_result(
    reader: Reader, call: Call, response: Response, correction: Correction
) -> CorrectionResult:
    if correction.background and not response.body.strip():
        return CorrectionResult(correction, (), None)
    body = _any_json(call, response) if correction.background else read_object(call, response)
    entries: Any = cast("dict[str, Any]", body).get("data") if isinstance(body, dict) else None
    if not isinstance(entries, list):
        if correction.background:
            return CorrectionResult(correction, (), body)
        raise unexpected(call, response, "an object without a list of data", "$.data")
    body = cast("dict[str, Any]", body)
    try:
        outer = "EventsCorrectionResponse"
        if not entries and not correction.background:
            refuse_misplaced(call, response, body, EventCorrectionInfo, "data")
        read = read_items(
            reader, call, response, cast("Any", entries), EventCorrectionInfo, outer, "data"
        )
        report_extras(reader, body, ("data",), outer)
    except StrictDeviation as error:
        raise strict_error(call, response, error) from None
    return CorrectionResult(correction, read, body)


def _any_json(call: Call, response: Response) -> Any:
    try:
        return parse_body(call, response)
    except (ValueError, RecursionError):
        text = response.body.decode("utf-8", "replace")
        if "html" in response.headers.get("content-type", "") or text.lstrip().startswith("<"):
            raise unexpected(call, response, "an HTML page instead of JSON") from None
        return text
