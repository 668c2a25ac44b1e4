"""What stands around corrections: plans, the ledger, and finding out what became of one.

The calls themselves are on `client.events`: `plan`, `correct`, `undo`, `redo`, `replace` and `reconcile`.
"""

from togai._corrections import Correction as Correction
from togai._corrections import CorrectionResult as CorrectionResult
from togai._corrections import Selection as Selection
from togai._corrections import Target as Target
from togai._ledger import Ledger as Ledger
from togai._ledger import Pending as Pending
from togai._ledger import pending as pending
from togai._naming import name_publicly as _name_publicly
from togai._plans import AsyncPlan as AsyncPlan
from togai._plans import Plan as Plan
from togai._reconcile import Reconciliation as Reconciliation
from togai._reconcile import Verdict as Verdict

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
    "pending",
]

_name_publicly(globals())
