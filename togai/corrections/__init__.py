"""Corrections: plans, the ledger, and reconciliation, which checks whether a correction was applied.

The calls themselves are on `client.events`: `find`, `plan`, `execute`, `reconcile`, and for single corrections
`undo`, `redo`, `replace` and `correct`.
"""

from togai._where import Where
from togai.corrections._correction import Correction, Selection, Target
from togai.corrections._entry import Entry, Kind
from togai.corrections._execution import Execution
from togai.corrections._found import FoundEvents
from togai.corrections._ledger import Ledger
from togai.corrections._plan import LeftOut, Plan, Redo, Replace, Undo
from togai.corrections._result import CorrectionResult
from togai.corrections._step import Outcome, Step
from togai.corrections._verdict import Reconciliation, Verdict

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
