"""The jobs of a billing team, each one call: export events, read a table of corrections, judge a status.

`export` and `export_async` write the events of accounts to CSV, JSON lines or Parquet, and go on after any
interruption. `is_failed`, `is_reverted` and `is_final` say what an ingestion status means.
"""

from togai.jobs._export import ExportOptions as ExportOptions
from togai.jobs._export import ExportProgress as ExportProgress
from togai.jobs._export import ExportResult as ExportResult
from togai.jobs._export import export as export
from togai.jobs._export import export_async as export_async
from togai.jobs._status import is_failed as is_failed
from togai.jobs._status import is_final as is_final
from togai.jobs._status import is_reverted as is_reverted

__all__ = [
    "ExportOptions",
    "ExportProgress",
    "ExportResult",
    "export",
    "export_async",
    "is_failed",
    "is_final",
    "is_reverted",
]
