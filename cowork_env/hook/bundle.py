"""The modules that a hook request needs, compiled into one file.

It saves a tenth of the time of a first change of directory. It is made by the first request, for
these sources and this interpreter, in the folder of Python's own bytecode, and there under the name
that pip and others remove together with the source. Where the package cannot be written, the
modules are imported one by one.
"""

from __future__ import annotations

import os
import sys

from .. import shells
from ..util.system import home_owner
from .interpreter import PACKAGE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType

# The modules of shells in the bundle; those of others are so rarely used that they are imported.
SHELLS = ("posix", "fish")
# Each after those that it imports.
MODULES = (
    *("util", "util.errors", "util.text", "util.system", "util.jsontext"),
    *("core", "core.variables", "core.client_variables", "core.names", "core.provider"),
    *("core.pins", "core.trust", "core.environment", "core.limits", "core.providers"),
    "core.resolve",
    *("shells", "shells.base", *(f"shells.{name}" for name in SHELLS)),
    *("hook", "hook.protocol", "hook.watch", "hook.respond"),
)
# Run instead of imports. ``code`` lists for each module its name, its file below the package, its
# code object, and which shells use it, as a request names them (empty: all do).
LOADER = """
import sys
for name, file, body, users in code:
    if users and shell not in users:
        continue
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


def users(name: str) -> list[str]:
    """The shells that use a module, as a request names them; empty: every shell does."""
    return [f"shell={shell}" for shell, its in shells.MODULES.items() if name == f"shells.{its}"]


def make(file: str) -> None:
    """Write the bundle to ``file``, see launch.py. Does nothing where it cannot.

    Root makes none in what may be another user's installation.
    """
    import marshal

    if home_owner():
        return
    folder = os.path.dirname(file)
    temporary = f"{file}.{os.getpid()}"
    try:
        sources, code = [], []
        for name in (*MODULES, "hook.launch"):
            source = _source(name)
            with open(f"{PACKAGE}/{source}", "rb") as opened:
                status = os.fstat(opened.fileno())
                text = opened.read()
            sources.append((source, status.st_mtime_ns, status.st_ctime_ns, status.st_size))
            if name != "hook.launch":
                body = compile(text, f"{PACKAGE}/{source}", "exec", dont_inherit=True, optimize=2)
                code.append((name, source, _stripped(body), users(name)))
        os.makedirs(folder, exist_ok=True)
        # Whatever the umask, no other user can write to what is run; as for Python's own bytecode.
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        with open(descriptor, "wb") as output:
            output.write(b"%x\n" % sys.hexversion)
            marshal.dump((sources, compile(LOADER, "<loader>", "exec"), code), output)
        os.replace(temporary, file)
    except OSError:
        pass


def _source(name: str) -> str:
    """A module's file, below the package."""
    path = name.replace(".", "/")
    return f"{path}/__init__.py" if os.path.isdir(f"{PACKAGE}/{path}") else f"{path}.py"


def _stripped(code: CodeType) -> CodeType:
    """Code without line numbers, a quarter of its size; nothing shows a traceback of it."""
    constants = (_stripped(c) if isinstance(c, type(code)) else c for c in code.co_consts)
    return code.replace(co_linetable=b"", co_consts=tuple(constants))
