"""The jobs of a billing team as single calls: export events, read a table of corrections, interpret a status.

`export` writes the events of accounts to CSV, JSON lines or Parquet, and continues after any interruption.
`read_corrections` checks a table of new quantities, and returns the items of a plan. `is_failed`, `is_reverted` and
`is_final` interpret an ingestion status. With AsyncTogai, use `export_async` and `read_corrections_async`.
"""

from togai.jobs._export import ExportOptions, ExportProgress, ExportResult, export, export_async
from togai.jobs._status import is_failed, is_final, is_reverted
from togai.jobs._table import CorrectionTable, Problem, read_corrections, read_corrections_async

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
