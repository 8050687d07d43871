"""The modules that a hook request needs, compiled into one file.

It saves a tenth of the time of a first change of directory. It is made when a shell starts, for
these sources and this interpreter. If it is missing or unreadable, the modules are imported one by
one.
"""

from __future__ import annotations

import os
import sys

from .. import shells
from ..util.system import digest, distrusted, home_owner
from .interpreter import PACKAGE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType

FOLDER = "bundles"
KEPT = 8  # bundles: other shells, versions and installations may be in use
# Each after those that it imports; the shell's own module goes after shells.base.
MODULES = (
    *("util", "util.errors", "util.text", "util.system", "util.jsontext"),
    *("core", "core.variables", "core.client_variables", "core.names", "core.provider"),
    *("core.pins", "core.trust", "core.environment", "core.limits", "core.providers"),
    "core.resolve",
    *("shells", "shells.base", "hook", "hook.protocol", "hook.watch", "hook.respond"),
)
# Run instead of imports. ``code`` lists for each module its name, its file below the package, and
# its code object.
LOADER = """
import sys
for name, file, body in code:
    module = type(sys)('cowork_env.' + name)
    module.__file__ = package.__path__[0] + '/' + file
    parent, _, last = module.__name__.rpartition('.')
    module.__package__ = parent
    if file.endswith('/__init__.py'):
        module.__package__ = module.__name__
        module.__path__ = [module.__file__[:-12]]
    modules[module.__name__] = module
    setattr(modules[parent], last, module)
    exec(body, module.__dict__)
"""


def modules_for(shell: str) -> list[str]:
    """The modules, without the package's name, that a request from ``shell`` imports, in order."""
    names = list(MODULES)
    names.insert(names.index("shells.base") + 1, f"shells.{shells.MODULES[shell]}")
    return names


def path(state_dir: str, shell: str) -> str:
    """The real path of the bundle for a shell, which is made if need be; empty if that fails.

    Root makes none in the home of another user, and uses none that is not to be believed.
    """
    try:
        sources = {name: _source(name) for name in modules_for(shell)}
        stats = [os.stat(f"{PACKAGE}/{file}") for file in sources.values()]
        stamps = [(status.st_mtime_ns, status.st_size) for status in stats]
        identity = repr((PACKAGE, sys.version, LOADER, list(sources), stamps))
        key = digest(identity.encode("utf-8", "surrogateescape"))[:20]
        file = f"{state_dir}/{FOLDER}/{key}-{sys.hexversion:x}"
        if not os.path.exists(file):
            if home_owner() or not os.path.isdir(os.path.expanduser("~")):
                return ""  # A home that does not exist is not made here.
            _make(state_dir, file, sources)
        return "" if distrusted(file, own=3) else os.path.realpath(file)
    except Exception:  # Without a bundle, the modules are imported one by one.
        return ""


def _source(name: str) -> str:
    """A module's file, below the package."""
    path = name.replace(".", "/")
    return f"{path}/__init__.py" if os.path.isdir(f"{PACKAGE}/{path}") else f"{path}.py"


def _make(state_dir: str, file: str, sources: dict[str, str]) -> None:
    import marshal

    from ..util import files

    code = []
    for name, source in sources.items():
        origin = f"{PACKAGE}/{source}"
        with open(origin, "rb") as text:
            compiled = compile(text.read(), origin, "exec", dont_inherit=True, optimize=2)
        code.append((name, source, _stripped(compiled)))
    folder = files.state_folder(state_dir, FOLDER)
    old = sorted((f"{folder}/{name}" for name in os.listdir(folder)), key=os.path.getmtime)
    for unused in old[: -KEPT + 1]:
        os.unlink(unused)
    data = marshal.dumps((compile(LOADER, "<loader>", "exec"), code))
    files.write_atomically(file, data, follow=False)


def _stripped(code: CodeType) -> CodeType:
    """Code without line numbers, a quarter of its size; nothing shows a traceback of it."""
    constants = (_stripped(c) if isinstance(c, type(code)) else c for c in code.co_consts)
    return code.replace(co_linetable=b"", co_consts=tuple(constants))
