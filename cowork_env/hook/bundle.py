"""The modules that a question needs, compiled into one file: a dozen fewer to find, open and check.

That is a tenth of what a first change of directory takes. The file is made when a shell starts, for these very sources
and this interpreter, and a shell whose file is gone or cannot be read imports the modules as usual.
"""

from __future__ import annotations

import os
import sys

from ..core.trust import digest

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDER = "lean"
KEPT = 8  # files: other versions and installations may be in use
# Each behind those that it imports.
MODULES = (
    "util",
    "util.errors",
    "util.text",
    "util.system",
    "util.jsontext",
    "core",
    "core.provider",
    "core.pins",
    "core.trust",
    "core.environment",
    "core.providers",
    "core.resolve",
    "shells",
    "hook",
    "hook.respond",
)
# Run with ``code``, the pairs of name and code object, in the place of an import.
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


def path(state_dir: str) -> str:
    """Where the file for these sources and this interpreter is, made if need be; empty when it cannot be had."""
    try:
        sources = [(name, _source(name)) for name in MODULES]
        stamps = [
            (s.st_mtime_ns, s.st_size)
            for s in (os.stat(f"{PACKAGE}/{file}") for _, file in sources)
        ]
        key = digest(
            repr((PACKAGE, sys.version, LOADER, stamps)).encode("utf-8", "surrogateescape")
        )[:20]
        file = f"{state_dir}/{FOLDER}/{key}-{sys.hexversion:x}"
        if not os.path.exists(file):
            if not os.path.isdir(os.path.expanduser("~")):
                return ""  # A home that is not there is not made here.
            _make(file, sources)
        folder = os.stat(os.path.dirname(file))
        return file if folder.st_uid == os.geteuid() and not folder.st_mode & 0o022 else ""
    except Exception:  # Whatever is wrong with it, there is the usual way.
        return ""


def _source(name: str) -> str:
    """A module's file, relative to the package."""
    path = name.replace(".", "/")
    return f"{path}/__init__.py" if os.path.isdir(f"{PACKAGE}/{path}") else f"{path}.py"


def _make(file: str, sources: list[tuple[str, str]]) -> None:
    import marshal

    from ..util import files

    code = []
    for name, file in sources:
        with open(f"{PACKAGE}/{file}", "rb") as text:
            code.append(
                (
                    name,
                    file,
                    compile(
                        text.read(), f"{PACKAGE}/{file}", "exec", dont_inherit=True, optimize=2
                    ),
                )
            )
    folder = os.path.dirname(file)
    files.private_directory(os.path.dirname(folder))
    files.private_directory(folder)
    old = sorted((f"{folder}/{name}" for name in os.listdir(folder)), key=os.path.getmtime)
    for unused in old[: -KEPT + 1]:
        os.unlink(unused)
    files.write_atomically(file, marshal.dumps((compile(LOADER, "<loader>", "exec"), code)))
