"""Puts a mutant in the place of a module when that is imported, in the processes that the tests start too."""

from __future__ import annotations

import os
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType, ModuleType


class _Loader(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        text = Path(os.environ["MUTANT_SOURCE"]).read_bytes()
        return compile(text, self.path, "exec", dont_inherit=True)


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        if fullname != os.environ["MUTANT_MODULE"]:
            return None
        place = os.environ["MUTANT_PATH"]
        return spec_from_file_location(fullname, place, loader=_Loader(fullname, place))


def install() -> None:
    """Import the module that the environment names from its mutant."""
    sys.meta_path.insert(0, _Finder())


if "MUTANT_MODULE" in os.environ:
    install()
