"""Find the hook files in ``shell/`` and fill in what they should not have to look up."""

from __future__ import annotations

import os
import sys

from ..core.environment import CONFLICTING, CREDENTIALS
from ..shells import REGISTRY, Shell
from ..util import files
from ..util.errors import USAGE, CoworkEnvError
from . import bundle

PACKAGE = bundle.PACKAGE
# The package is made here and not found, as that would look through every folder on the path before it; what it needs of
# the standard library is looked for where compiled modules are, and __future__, which is nothing at run time, not at all.
LAUNCH = """\
import posix, sys
modules, path = sys.modules, sys.path
path.reverse()
path.append(sys.argv.pop())
modules['cowork_env'] = package = type(sys)('cowork_env')
package.__path__ = [path[-1] + '/cowork_env']
modules['__future__'] = future = type(sys)('__future__')
future.annotations = None
{bundled}from cowork_env.hook.respond import main
del modules['__future__']
main()
"""
# All modules at once, see bundle.py. Without the program there is no question, whatever is left of it.
BUNDLED = """\
posix.stat(package.__path__[0] + '/hook/respond.py')
try:
    import marshal
    loader, code = marshal.loads(posix.read(posix.open({path} + '-%x' % sys.hexversion, posix.O_RDONLY), 1 << 20))
except (OSError, ValueError, EOFError, TypeError):
    pass
else:
    exec(loader)
"""


def find(name: str) -> Shell:
    """The shell of that name (a path will do), if it has a hook; raises :class:`CoworkEnvError` otherwise."""
    shell = REGISTRY.get(os.path.basename(name).removesuffix(".exe"))
    if shell is None or not shell.hook:
        known = ", ".join(s.name for s in REGISTRY.values() if s.hook)
        raise CoworkEnvError(f"There is no hook for '{name}'.", f"There is one for {known}.", USAGE)
    return shell


def source(shell: Shell) -> str:
    """The hook file as it was written: from the installed package, or from a checkout's ``shell/``."""
    for folder in (f"{PACKAGE}/shell", os.path.join(os.path.dirname(PACKAGE), "shell")):
        try:
            with open(f"{folder}/{shell.hook}", encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            continue
    raise CoworkEnvError(
        f"{shell.hook} is missing from this installation.", "Install cowork-env again."
    )


def render(shell: Shell, config_dir: str, state_dir: str) -> str:
    """The hook for ``eval``: the file with its placeholders replaced, each by one quoted word or more."""
    command = [*_interpreter(state_dir), "-c", launch(state_dir)]
    values = {
        "@ASK@": shell.words(command),
        "@PYTHON@": shell.quote(command[0]),
        "@PACKAGE@": shell.quote(os.path.dirname(PACKAGE)),
        "@STATE_DIR@": shell.quote(state_dir),
        "@CONFIG_DIR@": shell.quote(config_dir),
        "@INTRUDERS@": " ".join(f"--on-variable {name}" for name in (*CREDENTIALS, *CONFLICTING)),
    }
    pieces = source(shell).split("@")
    text, i = pieces[0], 1
    while i < len(pieces):  # In one pass, so that no value is searched for the next placeholder.
        value = values.get(f"@{pieces[i]}@") if i + 1 < len(pieces) else None
        text += f"@{pieces[i]}" if value is None else value + pieces[i + 1]
        i += 1 if value is None else 2
    return shell.wrap(text)


def launch(state_dir: str) -> str:
    """The program that asks: what the interpreter is given to run."""
    file = bundle.path(state_dir).rpartition("-")[0]
    return LAUNCH.format(bundled=BUNDLED.format(path=ascii(file)) if file else "")


def _interpreter(state_dir: str) -> list[str]:
    """The interpreter that runs this, isolated, without site processing, and with bytecode wherever it may be."""
    command = [sys.executable, "-I", "-S", "-X", "utf8"]
    cached = f"{PACKAGE}/hook/__pycache__/respond.{sys.implementation.cache_tag}.pyc"
    if not os.path.exists(cached) and not os.access(PACKAGE, os.W_OK):
        # Installed without bytecode by somebody else: compiling at every question would double its cost.
        files.private_directory(state_dir)
        command += ["-X", f"pycache_prefix={state_dir}/bytecode"]
    return command
