"""Corrections: plans, the ledger, and reconciliation, which checks whether a correction was applied.

The calls themselves are on `client.events`: `find`, `plan`, `execute`, `reconcile`, and for single corrections
`undo`, `redo`, `replace` and `correct`.
"""

from togai._where import Where as Where
from togai.corrections._correction import Correction as Correction
from togai.corrections._correction import Selection as Selection
from togai.corrections._correction import Target as Target
from togai.corrections._entry import Entry as Entry
from togai.corrections._entry import Kind as Kind
from togai.corrections._execution import Execution as Execution
from togai.corrections._found import FoundEvents as FoundEvents
from togai.corrections._ledger import Ledger as Ledger
from togai.corrections._plan import LeftOut as LeftOut
from togai.corrections._plan import Plan as Plan
from togai.corrections._plan import Redo as Redo
from togai.corrections._plan import Replace as Replace
from togai.corrections._plan import Undo as Undo
from togai.corrections._result import CorrectionResult as CorrectionResult
from togai.corrections._step import Outcome as Outcome
from togai.corrections._step import Step as Step
from togai.corrections._verdict import Reconciliation as Reconciliation
from togai.corrections._verdict import Verdict as Verdict

__all__ = [
    "Correction",
    "CorrectionResult",
    "Entry",
    "Execution",
    "FoundEvents",
    "Kind",
    "Ledger",
    "LeftOut",
    "Outcome",
    "Plan",
    "Reconciliation",
    "Redo",
    "Replace",
    "Selection",
    "Step",
    "Target",
    "Undo",
    "Verdict",
    "Where",
]
