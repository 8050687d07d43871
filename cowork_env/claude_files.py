"""The settings files that launchers write for Claude Code, and what version a program is of.

A file has the provider's key, so it is private, in a folder of ours: in the user's runtime folder
if that is in memory, in the state folder otherwise. It is kept for as long as a session may read it
again: Claude Code 2.1.191 follows other settings files once this one is gone, key and all.
"""

from __future__ import annotations

import os
import posix
import stat
import time

from .util import system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .core.provider import Provider
    from .core.resolve import Inputs

NAME = "claude"  # of the folder in the state folder
_RUNTIME = "XDG_RUNTIME_DIR"
LIFETIME = 30 * 86400  # seconds that a file is kept after the last start with it
KEY_LIFETIME = 600  # seconds that a key from a slow source is used for other starts
# The first version that is known to go on with what it has read when the file is gone. The runtime
# folder is removed when the user logs out, and sessions in tmux live on.
NEEDS_NO_FILE = (2, 1, 235)
_PROBE_LIMIT = 10  # seconds
# Seconds that a version is believed that a program has said. A shim of mise, volta or asdf stays as
# it is when the program behind it is updated.
ANSWER_LIFETIME = 86400
_MAX_BYTES = 4 << 20

# Variables that differ from shell to shell and say nothing about where a key comes from.
_OF_THE_TERMINAL = frozenset(
    (
        *("PWD", "OLDPWD", "SHLVL", "_", "COLUMNS", "LINES", "TERM", "COLORTERM", "WINDOWID"),
        *("TERM_SESSION_ID", "TERM_PROGRAM_VERSION", "TMUX", "TMUX_PANE", "STY", "WINDOW"),
        *("SSH_TTY", "SSH_CONNECTION", "SSH_CLIENT", "XDG_SESSION_ID", "INVOCATION_ID"),
        *("JOURNAL_STREAM", "COWORK_ENV_SHIM", "COWORK_ENV_STATE", "COWORK_ENV_QUIET"),
    )
)


# Where


def folder(inputs: Inputs, version: tuple[int, ...]) -> tuple[str, bool]:
    """The folder for the settings files, which need not exist, and whether it is in memory."""
    in_memory = folder_in_memory(inputs.env)
    if version >= NEEDS_NO_FILE and in_memory and _is_private_memory(inputs.env[_RUNTIME]):
        return in_memory, True
    return f"{inputs.state_dir}/{NAME}", False


def folder_in_memory(env: Mapping[str, str]) -> str:
    """The folder that is gone when the user logs out, which need not exist; empty without one."""
    runtime = env.get(_RUNTIME, "")
    return f"{runtime}/cowork-env" if runtime.startswith("/") else ""


def _is_private_memory(path: str) -> bool:
    """Whether a folder is this user's alone and on no disk."""
    try:
        status = posix.lstat(path)
        if not (path.startswith("/") and stat.S_ISDIR(status.st_mode)):
            return False
        if status.st_uid != posix.geteuid() or status.st_mode & 0o077 or system.distrusted(path):
            return False
        device = f" {posix.major(status.st_dev)}:{posix.minor(status.st_dev)} ".encode()
        with open("/proc/self/mountinfo", "rb") as mounts:
            return any(device in line and b" - tmpfs " in line for line in mounts)
    except (OSError, ValueError):
        return False


# Reading and writing


def content(path: str) -> str:
    """The text of the user's settings file at ``path``. Raises OSError or ValueError."""
    with open(system.open_without_blocking(path), "rb") as file:
        data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise ValueError("it is too large")
    return data.decode("utf-8-sig")


def _ours(path: str) -> tuple[str, os.stat_result] | None:
    """The text and the status of a private file of this user's, or None."""
    try:
        with open(system.open_without_blocking(path, follow=False), "rb") as file:
            status = os.fstat(file.fileno())
            if status.st_mode & 0o077 or status.st_uid not in system.our_users():
                return None
            return file.read().decode("utf-8"), status
    except (OSError, ValueError):
        return None


def write(path: str, text: str, begun: int) -> None:
    """Make the file at ``path`` hold ``text``; its timestamp is ``begun``, in nanoseconds.

    Old files beside it are removed when a new one is made. Raises :class:`CoworkEnvError`.
    """
    place = os.path.dirname(path)
    found = None if system.distrusted(place, own=1) else _ours(path)
    if found is None or found[0] != text:
        from .util import files

        files.state_folder(*os.path.split(place))
        files.write_atomically(path, text.encode("utf-8"), follow=False)
        _remove_old(place)
    try:
        os.utime(path, ns=(begun, begun), follow_symlinks=False)
    except OSError:
        pass  # It is read all the same.


def _remove_old(place: str) -> None:
    """Remove what no session uses any more, and what killed writers left."""
    from .util.files import LEFTOVER_AGE

    try:
        for name in os.listdir(place):
            path, age = f"{place}/{name}", time.time() - os.lstat(f"{place}/{name}").st_mtime
            if age > LIFETIME or (name.endswith(".tmp") and age > LEFTOVER_AGE):
                os.unlink(path)
    except OSError:
        pass  # Another launcher was faster.


# Keys that are looked up


def now() -> int:
    """The time, in nanoseconds, as files have it."""
    return time.time_ns()


def circumstances(inputs: Inputs, provider: Provider) -> str:
    """All that the lookup of a provider's key depends on, but for the store of the key itself."""
    from .core.resolve import original_env

    env = original_env(inputs.env)
    lines = [f"{n}={env[n]}" for n in sorted(env) if n not in _OF_THE_TERMINAL]
    where = (inputs.config_dir, inputs.state_dir, provider.catalog)
    return "\0".join((provider.key, provider.token_from, provider.token, str(where), *lines))


def recent(path: str, inputs: Inputs) -> str:
    """The text of the file at ``path``, if the key in it was looked up within ten minutes.

    Empty if there is none, or after ``cowork-env reload``.
    """
    from .hook.respond import RELOAD

    found = None if system.distrusted(os.path.dirname(path), own=1) else _ours(path)
    if found is None or not 0 <= now() - found[1].st_mtime_ns < KEY_LIFETIME * 10**9:
        return ""
    try:
        if os.stat(f"{inputs.state_dir}/{RELOAD}").st_mtime_ns >= found[1].st_mtime_ns:
            return ""
    except OSError:
        pass  # It was never run.
    return found[0]


# Versions


def version(command: list[str], inputs: Inputs) -> str:
    """The version of Claude Code that ``command`` starts; empty if it cannot be told.

    The command is a program, or an interpreter and a script. The path says the version, the
    package's description, or the program itself; its answer is kept for a day, if the file at that
    path stays as it is.
    """
    return told_version(command) or _asked(os.path.realpath(command[-1]), command, inputs)


def told_version(command: list[str]) -> str:
    """The version, if the path or the package says that it is Claude Code itself, and no shim."""
    above, name = os.path.split(os.path.realpath(command[-1]))
    if os.path.basename(above) == "versions" and is_version(name):
        return name
    return _packaged(above)


def is_version(text: str) -> bool:
    """Whether a text begins with three numbers, as in ``2.1.332``."""
    return len(parsed(text)) == 3


def parsed(text: str) -> tuple[int, ...]:
    """A version as numbers, to compare; empty if it is none."""
    parts = text.partition("-")[0].split(".")
    return tuple(map(int, parts)) if all(p.isascii() and p.isdigit() for p in parts) else ()


def _packaged(place: str) -> str:
    """The version in the ``package.json`` of Claude Code's npm package, or empty."""
    for path in (place, os.path.dirname(place)):
        try:
            text = content(f"{path}/package.json")
        except (OSError, ValueError):
            continue
        if _member(text, "name").startswith("@anthropic-ai/claude-code"):
            found = _member(text, "version")
            return found if is_version(found) else ""
    return ""


def _member(text: str, name: str) -> str:
    """The first text of that name in a JSON document; importing ``json`` takes longer."""
    _, _, rest = text.partition(f'"{name}"')
    _, colon, rest = rest.partition(":")
    before, _, rest = rest.partition('"')
    return rest.partition('"')[0] if colon and not before.strip() else ""


def _asked(real: str, command: list[str], inputs: Inputs) -> str:
    """What a program says to ``--version``, from our own folder if it was asked before."""
    try:
        status = os.stat(real)
    except OSError:
        return ""
    place = f"{inputs.state_dir}/{NAME}"
    path = f"{place}/{system.digest(system.encode(real))[:32]}.version"
    stamp = f"{status.st_size} {status.st_mtime_ns} {status.st_ino}"
    if not system.distrusted(place, own=2) and (found := _ours(path)):
        kept, _, answer = found[0].rstrip("\n").partition("\n")
        # That it failed may have been the moment's fault.
        lifetime = ANSWER_LIFETIME if answer else KEY_LIFETIME
        if kept == stamp and 0 <= now() - found[1].st_mtime_ns < lifetime * 10**9:
            return answer
    answer = _ask(command, inputs)
    from .util import files
    from .util.errors import CoworkEnvError

    try:
        files.state_folder(inputs.state_dir, NAME)
        files.write_atomically(path, f"{stamp}\n{answer}\n".encode(), follow=False)
    except CoworkEnvError:
        pass  # It is asked again the next time.
    return answer


def _ask(command: list[str], inputs: Inputs) -> str:
    import subprocess

    from .core.resolve import original_env

    try:
        done = subprocess.run(
            [*command, "--version"],
            env=original_env(inputs.env),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_PROBE_LIMIT,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""
    found = done.stdout.decode("utf-8", "replace").partition(" ")[0].strip()
    return found if is_version(found) and b"Claude Code" in done.stdout else ""
