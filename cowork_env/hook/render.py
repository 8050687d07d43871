"""Find the hook files in ``shell/`` and fill in their placeholders."""

from __future__ import annotations

import os

from .. import shells
from ..core import resolve, variables
from ..core.client_variables import CONFLICTING
from ..core.environment import CREDENTIALS
from ..shells.base import RESPONSE_PREFIX, RESPONSE_TEXTS
from ..util.errors import USAGE, CoworkEnvError
from . import bundle, interpreter
from .interpreter import PACKAGE, find_interpreter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..shells.base import Shell

# To import nothing that is not needed: the package is made here, as finding it would search every
# folder before it on the path; the path is reversed, because compiled modules are in its last
# folder; and __future__, which does nothing at run time, is an empty module.
LAUNCH = """\
import posix, sys
modules, path = sys.modules, sys.path
path.reverse()
path.append({folder})
modules['cowork_env'] = package = type(sys)('cowork_env')
package.__path__ = [path[-1] + '/cowork_env']
modules['__future__'] = future = type(sys)('__future__')
future.annotations = None
{prefix}{bundled}from cowork_env.hook.respond import main
del modules['__future__']
main()
"""
# All modules at once, see bundle.py. Only the opened file is run, and only if no other user could
# have changed it. The stat fails if the program was removed and its bundle was not: then there must
# be no response.
BUNDLED = """\
posix.stat(package.__path__[0] + '/hook/respond.py')
{sound}try:
    import marshal
    path = {path} + '-%x' % sys.hexversion
    bundle = posix.open(path, posix.O_RDONLY | posix.O_NOFOLLOW | posix.O_NONBLOCK)
    if not (sound(path) and posix.lstat(path)[:3] == posix.fstat(bundle)[:3]):
        raise OSError
    loader, code = marshal.loads(posix.read(bundle, 1 << 20))
except (OSError, ValueError, EOFError, TypeError):
    pass
else:
    exec(loader)
"""
CANNOT_RUN = (
    "the program cannot be run. Reinstall it, or remove the hook line from your startup file"
)


def find(name: str) -> Shell:
    """The shell of that name or path; raises :class:`CoworkEnvError` if it has no hook."""
    word = os.path.basename(name).removesuffix(".exe")
    if word in shells.NAMES and shells.get(word).hook:
        return shells.get(word)
    known = ", ".join(shell.name for shell in shells.with_hook())
    raise CoworkEnvError(f"There is no hook for '{name}'.", f"Supported shells: {known}.", USAGE)


def source(shell: Shell) -> str:
    """The hook file as written: from the installed package, or a checkout's ``shell/``."""
    for folder in (f"{PACKAGE}/shell", os.path.join(os.path.dirname(PACKAGE), "shell")):
        try:
            with open(f"{folder}/{shell.hook}", encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            continue
    raise CoworkEnvError(
        f"{shell.hook} is missing from this installation.", "Reinstall cowork-env."
    )


def render(shell: Shell, config_dir: str, state_dir: str) -> str:
    """The hook for ``eval``: the file with its placeholders replaced."""
    command = [*find_interpreter(state_dir).command, "-c", launch(state_dir, shell.name)]
    intruders = (*CREDENTIALS, *CONFLICTING)
    names = (*RESPONSE_TEXTS, "flags", "notices", "safe", "unchanged")
    values = {
        "REQUEST": shell.words([*command, f"shell={shell.name}"]),
        "PYTHON": shell.quote(command[0]),
        "STATE_DIR": shell.quote(state_dir),
        "CONFIG_DIR": shell.quote(config_dir),
        "CONTEXT": shell.values_of(variables.CONTEXT),
        "SOURCES": shell.values_of(variables.SOURCES),
        "FOLDERS": shell.values_of(variables.FOLDERS),
        "RESPONSE": " ".join(RESPONSE_PREFIX + name for name in names),
        "INTRUDERS": " ".join(f"--on-variable {name}" for name in intruders),
        "CANNOT_RUN": shell.quote(CANNOT_RUN),
        "CANNOT_RUN_STATE": shell.quote(resolve.state_without_program(CANNOT_RUN)),
    }
    pieces = source(shell).split("@")
    text, i = pieces[0], 1
    while i < len(pieces):  # In one pass, so that no value is searched for the next placeholder.
        value = values.get(pieces[i]) if i + 1 < len(pieces) else None
        text += f"@{pieces[i]}" if value is None else value + pieces[i + 1]
        i += 1 if value is None else 2
    return shell.wrap(text)


def launch(state_dir: str, shell: str) -> str:
    """The Python code, for ``-c``, that responds to a request of the shell of that name."""
    file = bundle.path(state_dir, shell)
    bundled = ""
    if file:
        path = ascii(file.rpartition("-")[0])
        bundled = BUNDLED.format(path=path, sound=interpreter.sound(file))
    prefix = find_interpreter(state_dir).set_prefix()
    folder = ascii(os.path.dirname(PACKAGE))
    return LAUNCH.format(folder=folder, prefix=prefix, bundled=bundled)
