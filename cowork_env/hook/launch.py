"""Start a hook request: the hooks run this file as a script, with ``python -I -S``.

It imports nothing that is not needed. The modules of a request come from one file, see bundle.py.
"""

import posix
import sys

PACKAGE = sys.argv[0].removesuffix("/hook/launch.py")
modules, path = sys.modules, sys.path

# The package is made here, as finding it would search every folder before it on the path. The path
# is reversed, because compiled modules are in its last folder; and __future__, which does nothing
# at run time, is an empty module.
path.reverse()
path.append(PACKAGE.rpartition("/")[0])
package = modules["cowork_env"] = type(sys)("cowork_env")
package.__path__ = [PACKAGE]  # type: ignore[attr-defined,unused-ignore]
future = modules["__future__"] = type(sys)("__future__")
future.annotations = None  # type: ignore[attr-defined,unused-ignore]


def run_bundle(file: str) -> None:
    """Run the modules in a bundle; raises OSError, ValueError, EOFError or TypeError for none.

    It is none if another version of Python has made it, or if any source file has changed since, or
    is gone.
    """
    import marshal

    bundle = posix.open(file, posix.O_RDONLY | posix.O_NOFOLLOW | posix.O_NONBLOCK)
    data = posix.read(bundle, 1 << 20)
    version = b"%x\n" % sys.hexversion
    if not data.startswith(version):
        raise ValueError
    sources, loader, code = marshal.loads(memoryview(data)[len(version) :])  # noqa: S302
    for source, *stamp in sources:
        status = posix.stat(f"{PACKAGE}/{source}")
        if stamp != [status.st_mtime_ns, status.st_ctime_ns, status.st_size]:
            raise ValueError
    given = {"package": package, "modules": modules, "code": code, "shell": sys.argv[1]}
    exec(loader, given)  # noqa: S102


# Where Python would keep the bytecode of this file, and never does for a script: whoever can write
# there can change the program itself, and what uninstalls this file removes it, too.
file = f"{PACKAGE}/hook/__pycache__/launch.{sys.implementation.cache_tag}.pyc"
package.bundle = ""  # type: ignore[attr-defined,unused-ignore]
try:
    run_bundle(file)
except (OSError, ValueError, EOFError, TypeError):
    package.bundle = file  # type: ignore[attr-defined,unused-ignore]  # to be made

from cowork_env.hook.respond import main  # noqa: E402

del modules["__future__"]
main()
