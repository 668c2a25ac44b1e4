"""Python client for the Togai events API that spec changes cannot break.

Start with `Togai` or `AsyncTogai`; the models are in `togai.models`, the errors in `togai.errors`.
"""

from typing import TYPE_CHECKING

from togai._version import __version__ as __version__

if TYPE_CHECKING:
    from togai._public import *  # noqa: F403
else:
    from importlib import import_module as _import_module

    _SUBMODULES = ("corrections", "errors", "jobs", "models")

    def _names():
        return {
            name: value
            for name, value in vars(_import_module("togai._public")).items()
            if name[0].isalpha()  # pytest adds names with @ to the modules of its plugins
        }

    def __getattr__(name):
        # httpx and the models take longer to import than most programs take to start: they are imported on first use.
        if name in _SUBMODULES:
            return _import_module(f"togai.{name}")
        if name == "__all__":
            return sorted({*_names(), "__version__"})
        if not name.startswith("_"):
            names = _names()
            if name in names:
                globals().update(names)
                return names[name]
        raise AttributeError(f"module 'togai' has no attribute {name!r}")

    def __dir__():
        return sorted({*_names(), "__version__"})
