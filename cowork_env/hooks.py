"""Find the hook files in ``shell/`` and fill in what they should not have to look up."""

from __future__ import annotations

import os
import sys

from . import files
from .environment import CONFLICTING, CREDENTIALS
from .errors import USAGE, CoworkEnvError
from .shells import REGISTRY, Shell

PACKAGE = os.path.dirname(os.path.abspath(__file__))
# The package is made here and not found, as that would look through every folder on the path before it; what it needs of
# the standard library is looked for where compiled modules are, and __future__, which is nothing at run time, not at all.
LAUNCH = (
    "import sys; m, p = sys.modules, sys.path; p.reverse(); p.append(sys.argv.pop()); "
    "m['cowork_env'] = c = type(sys)('cowork_env'); c.__path__ = [p[-1] + '/cowork_env']; "
    "m['__future__'] = f = type(sys)('__future__'); f.annotations = None; "
    "from cowork_env.ask import main; del m['__future__']; main()"
)


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
    raise CoworkEnvError(f"{shell.hook} is missing from this installation.", "Install cowork-env again.")


def render(shell: Shell, config_dir: str, state_dir: str) -> str:
    """The hook for ``eval``: the file with its placeholders replaced, each by one quoted word or more."""
    command = [*_interpreter(state_dir), "-c", LAUNCH]
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


def _interpreter(state_dir: str) -> list[str]:
    """The interpreter that runs this, isolated, without site processing, and with bytecode wherever it may be."""
    command = [sys.executable, "-I", "-S", "-X", "utf8"]
    cached = f"{PACKAGE}/__pycache__/ask.{sys.implementation.cache_tag}.pyc"
    if not os.path.exists(cached) and not os.access(PACKAGE, os.W_OK):
        # Installed without bytecode by somebody else: compiling at every question would double its cost.
        files.private_directory(state_dir)
        command += ["-X", f"pycache_prefix={state_dir}/bytecode"]
    return command
