"""A Python client for the Togai events API. Changes of the API's description do not break your code.

    with Togai() as client:                              # reads the token from TOGAI_API_TOKEN
        for event in client.events.list(account_id="acme"):
            print(event)                                 # one line per event; event.to_dict() has everything
        event = client.events.get("ride-17")             # by the id that it was sent with
        print(quantities(event))                         # {'distance': Decimal('17.4')}
        client.events.undo(event)                        # revert it; also: redo, replace; safer with a ledger

`AsyncTogai` does the same with asyncio. See also:

- `help(togai.Togai)`: settings; `help(togai.Events)`: the calls of `client.events`
- `togai.corrections`: plans and the ledger, to correct many events safely
- `togai.jobs`: export events, read a table of corrections
- `togai.errors`: all exceptions; `togai.models`: the classes of events and responses
- `togai.testing`: an in-memory service, for tests
- `togai --help`: the command line
"""

from typing import TYPE_CHECKING

from togai._version import __version__ as __version__

if TYPE_CHECKING:
    from togai import corrections as corrections
    from togai import errors as errors
    from togai import jobs as jobs
    from togai import models as models
    from togai import testing as testing
    from togai._public import *  # noqa: F403
    from togai._public_corrections import *  # noqa: F403
else:
    import sys as _sys
    from importlib import import_module as _import_module

    _SUBMODULES = ("corrections", "errors", "jobs", "models", "testing")

    _PARTS = ("_public", "_public_corrections")

    def _names(*parts):
        names = {
            name: value
            for part in parts
            for name, value in vars(_import_module(f"togai.{part}")).items()
            if name[0].isalpha()  # pytest adds names with @ to the modules of its plugins
        }
        globals().update(names)
        return names

    def __getattr__(name):
        # httpx and the models take longer to import than most programs take to start: they are imported on first use,
        # and corrections and the ledger only by programs that correct.
        if name in _SUBMODULES:
            return _import_module(f"togai.{name}")
        if name == "__all__":
            if _sys._getframe(1).f_globals.get("__name__") == "pydoc":  # noqa: SLF001
                # help(togai) would print the documentation of every class: 6,000 lines.
                raise AttributeError(name)
            return __dir__()
        if not name.startswith("_"):
            for part in _PARTS:
                if name in (names := _names(part)):
                    return names[name]
        raise AttributeError(f"module 'togai' has no attribute {name!r}")

    def __dir__():
        return sorted({*_names(*_PARTS), "__version__"})
