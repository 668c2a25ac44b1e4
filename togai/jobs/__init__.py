"""The jobs of a billing team as single calls: export events, read a table of corrections, interpret a status.

`export` writes the events of accounts to CSV, JSON lines or Parquet, and continues after any interruption.
`read_corrections` checks a table of new quantities, and returns the items of a plan. `is_failed`, `is_reverted` and
`is_final` interpret an ingestion status. With AsyncTogai, use `export_async` and `read_corrections_async`.
"""

from togai.jobs._export import ExportOptions as ExportOptions
from togai.jobs._export import ExportProgress as ExportProgress
from togai.jobs._export import ExportResult as ExportResult
from togai.jobs._export import export as export
from togai.jobs._export import export_async as export_async
from togai.jobs._status import is_failed as is_failed
from togai.jobs._status import is_final as is_final
from togai.jobs._status import is_reverted as is_reverted
from togai.jobs._table import CorrectionTable as CorrectionTable
from togai.jobs._table import Problem as Problem
from togai.jobs._table import read_corrections as read_corrections
from togai.jobs._table import read_corrections_async as read_corrections_async

__all__ = [
    "CorrectionTable",
    "ExportOptions",
    "ExportProgress",
    "ExportResult",
    "Problem",
    "export",
    "export_async",
    "is_failed",
    "is_final",
    "is_reverted",
    "read_corrections",
    "read_corrections_async",
]
