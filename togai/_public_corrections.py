"""The public names of `togai` that come from `togai.corrections`, which only programs that correct import."""

from togai.corrections._correction import Correction as Correction
from togai.corrections._correction import Selection as Selection
from togai.corrections._plan import Redo as Redo
from togai.corrections._plan import Replace as Replace
from togai.corrections._plan import Undo as Undo
from togai.corrections._result import CorrectionResult as CorrectionResult
