"""The data of the service: events, applied corrections and background jobs."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from attrs import define, frozen

JSON = dict[str, Any]
COMPLETED = "INGESTION_COMPLETED_EVENT_METERED"


@define(kw_only=True)
class Record:
    """An event that the service stores.

    Attributes:
        reference_id: The service's own id of the event.
        payload: The event as it was sent, as JSON.
        created_at: When it was ingested, as JSON shows it.
        status: Its ingestion status.
        status_before_reverting: The status that it had before it was reverted.
        past_cycle: Whether it is in a past pricing cycle, whose events cannot be corrected.
        customer_id: The customer that the account belongs to.
    """

    reference_id: str
    payload: JSON
    created_at: str
    status: str = COMPLETED
    status_before_reverting: str | None = None
    past_cycle: bool = False
    customer_id: str = "customer-1"

    def refusal(self) -> str | None:
        """Why the service refuses to correct the event; None if it corrects it."""
        if self.status == "REVERTED":
            return "Event is reverted already"
        if self.status.startswith("INGESTION_FAILED"):
            return "Event was not ingested"
        if self.status == "INGESTION_IN_PROGRESS":
            return "Event is still being ingested"
        return "Event was ingested in past pricing cycle" if self.past_cycle else None

    def to_json(self) -> JSON:
        """The event as listings show it."""
        description = self.status.replace("_", " ").capitalize()
        return {
            "referenceId": self.reference_id,
            "eventPayload": self.payload,
            "ingestionStatus": {"status": self.status, "statusDescription": description},
            "createdAt": self.created_at,
            "customerId": self.customer_id,
            "source": {"id": "togai-api", "type": "API"},
        }

    def to_full_json(self) -> JSON:
        """The event as a request by its id returns it."""
        account = self.payload["accountId"]
        units: defaultdict[str, float] = defaultdict(float)
        for item in self.payload["attributes"]:
            # As a float, 512 digits are infinity, which JSON does not have.
            units[item["name"]] += float(item["value"][:300])
        plan = {"name": "standard", "id": "pp.standard", "scheduleId": f"pps.{account}"}
        cycle = {"cycleStart": "2024-12-01", "cycleEnd": "2024-12-31"}
        info: JSON = {
            "eventSchema": {"name": self.payload["schemaName"], "version": 1},
            "usageMeters": [_meter(name, number) for name, number in units.items()],
            "pricePlans": [{**plan, **cycle, "usageMeters": [f"um.{name}" for name in units]}],
            "account": {"id": account, "name": account.title()},
            "customer": {"id": self.customer_id, "name": self.customer_id.title()},
            "revenueDetails": [_revenue(name, number * 2) for name, number in units.items()],
            "baseCurrency": "USD",
            "invoiceCurrency": "USD",
        }
        if self.status_before_reverting is not None:
            info["statusBeforeReverting"] = self.status_before_reverting
        return {**self.to_json(), "eventPipelineInfo": info}


def _meter(name: str, units: float) -> JSON:
    status = "PROCESSED_UNITS_COMPUTED"
    return {"id": f"um.{name}", "name": name, "version": 1, "status": status, "units": units}


def _revenue(name: str, amount: float) -> JSON:
    revenue = {"revenueBaseCurrency": amount, "revenueInvoiceCurrency": amount}
    return {"usageMeterId": f"um.{name}", **revenue}


@frozen
class AppliedCorrection:
    """A correction that the service applied to an event.

    Attributes:
        action: UNDO, REDO or REDO_EVENT.
        reference_id: The service's own id of the event.
        event: The replacement of a REDO_EVENT.
    """

    action: str
    reference_id: str
    event: JSON | None = None


@define
class Job:
    """Corrections that the service processes in the background.

    Attributes:
        action: UNDO, REDO or REDO_EVENT.
        query: The query of the request.
        event: The replacement of a REDO_EVENT.
        confirmed: Whether the job may run.
    """

    action: str
    query: dict[str, str]
    event: JSON | None
    confirmed: bool
