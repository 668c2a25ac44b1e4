"""What stands around corrections: plans, the ledger, and finding out what became of one.

The calls themselves are on `client.events`: `plan`, `correct`, `undo`, `redo`, `replace` and `reconcile`.
"""

from togai.corrections._correction import Correction as Correction
from togai.corrections._correction import Selection as Selection
from togai.corrections._correction import Target as Target
from togai.corrections._ledger import Ledger as Ledger
from togai.corrections._ledger import pending as pending
from togai.corrections._plan import AsyncPlan as AsyncPlan
from togai.corrections._plan import Plan as Plan
from togai.corrections._result import CorrectionResult as CorrectionResult
from togai.corrections._verdict import Pending as Pending
from togai.corrections._verdict import Reconciliation as Reconciliation
from togai.corrections._verdict import Verdict as Verdict
from togai.corrections._where import Where as Where

__all__ = [
    "AsyncPlan",
    "Correction",
    "CorrectionResult",
    "Ledger",
    "Pending",
    "Plan",
    "Reconciliation",
    "Selection",
    "Target",
    "Verdict",
    "Where",
    "pending",
]
