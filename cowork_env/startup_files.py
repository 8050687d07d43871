"""Startup files of shells: where they are, the hook line in them, the variables they set."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .core import providers
from .util import files
from .util.errors import CoworkEnvError
from .util.text import tilde, visible

MAX_BYTES = 4 << 20


@dataclass(frozen=True)
class Shell:
    """One shell's startup files.

    In paths, ``{home}``, ``{config}`` and ``{zdotdir}`` are filled in. ``line`` loads the hook, and
    ``file`` is where it belongs. ``user`` are all files in the home, as patterns of :mod:`glob`,
    ``system`` those of the machine. Assigning ``variable`` without keeping its value removes the
    hook; ``displaces`` matches such a line.
    """

    line: str
    file: str
    user: tuple[str, ...]
    system: tuple[str, ...] = ()
    variable: str = ""
    displaces: str = r"(?!)"


SHELLS = {
    "bash": Shell(
        line='eval "$(cowork-env hook bash)"',
        file="{home}/.bashrc",
        user=(
            "{home}/.bash_profile",
            "{home}/.bash_login",
            "{home}/.profile",
            "{home}/.bashrc",
            "{home}/.bash_aliases",
        ),
        system=("/etc/profile", "/etc/bash.bashrc", "/etc/bashrc"),
        variable="PROMPT_COMMAND",
        displaces=(r"^\s*(?:export\s+|declare\s+(?:-\w+\s+)*)?PROMPT_COMMAND=(?!.*PROMPT_COMMAND)"),
    ),
    "zsh": Shell(
        line='eval "$(cowork-env hook zsh)"',
        file="{zdotdir}/.zshrc",
        user=(
            "{zdotdir}/.zshenv",
            "{zdotdir}/.zprofile",
            "{zdotdir}/.zshrc",
            "{zdotdir}/.zlogin",
        ),
        system=("/etc/zshenv", "/etc/zsh/zshenv", "/etc/zsh/zshrc", "/etc/zshrc"),
        variable="precmd_functions",
        displaces=r"^\s*(?:typeset\s+(?:-\w+\s+)*)?precmd_functions=(?!.*precmd_functions)",
    ),
    "fish": Shell(
        line="cowork-env hook fish | source",
        file="{config}/fish/config.fish",
        user=(
            "{config}/fish/conf.d/*.fish",
            "{config}/fish/config.fish",
            "{config}/fish/fish_variables",
        ),
        system=("/etc/fish/config.fish",),
    ),
    "xonsh": Shell(
        line="execx($(cowork-env hook xonsh))", file="{home}/.xonshrc", user=("{home}/.xonshrc",)
    ),
    "elvish": Shell(
        line="eval (cowork-env hook elvish | slurp)",
        file="{config}/elvish/rc.elv",
        user=("{config}/elvish/rc.elv",),
    ),
}
# Shells whose files above are all that they read; for the others every shell's files are read,
# because they are often started from one of these.
_COMPLETE = ("bash", "zsh", "fish")
_HOOK = re.compile(r"cowork-env['\"]?\s+hook\b")

# What :func:`install` and :func:`uninstall` did.
ADDED, REMOVED, UNCHANGED, OTHER_LINE = "added", "removed", "unchanged", "other-line"


@dataclass(frozen=True)
class Change:
    """What happened to a startup file.

    ``path`` is safe to show. With :data:`OTHER_LINE` nothing was changed, because line number
    ``number`` loads the hook in another form.
    """

    result: str
    path: str
    number: int = 0


# The hook line


def path_of(shell: str, env: Mapping[str, str]) -> str:
    """The startup file where the hook line of ``shell`` belongs; raises :class:`CoworkEnvError`."""
    if not env.get("HOME", "").startswith("/"):
        raise CoworkEnvError(
            "HOME is not an absolute path, so there is no startup file.", "Set HOME."
        )
    return SHELLS[shell].file.format(**_folders(env))


def install(shell: str, env: Mapping[str, str]) -> Change:
    """Add the hook line to the startup file of ``shell``, unless the file loads the hook."""
    path = path_of(shell, env)
    shown, line = tilde(path, env["HOME"]), SHELLS[shell].line
    text = _read(path, shown)
    if has_line(text, line):
        return Change(UNCHANGED, shown)
    if number := _hook_line_number(text):
        return Change(OTHER_LINE, shown, number)
    _write(path, shown, with_line(text, line))
    return Change(ADDED, shown)


def uninstall(shell: str, env: Mapping[str, str]) -> Change:
    """Remove the hook line from the startup file of ``shell``."""
    path = path_of(shell, env)
    shown, line = tilde(path, env["HOME"]), SHELLS[shell].line
    text = _read(path, shown)
    if (after := without_line(text, line)) != text:
        _write(path, shown, after)
        return Change(REMOVED, shown)
    if number := _hook_line_number(text):
        return Change(OTHER_LINE, shown, number)
    return Change(UNCHANGED, shown)


def next_step(shell: str) -> str:
    """What to do after the line was added, for the user."""
    return f"Open a new shell, or run this in the current one: {SHELLS[shell].line}"


def has_line(text: bytes, line: str) -> bool:
    """Whether a file has ``line``, white space around it aside."""
    return any(each.strip() == line.encode() for each in text.split(b"\n"))


def with_line(text: bytes, line: str) -> bytes:
    """A file with ``line`` at its end."""
    separator = b"" if not text or text.endswith(b"\n") else b"\n"
    return text + separator + line.encode() + b"\n"


def without_line(text: bytes, line: str) -> bytes:
    """A file without ``line``, and otherwise as it was."""
    return b"".join(
        each for each in text.splitlines(keepends=True) if each.strip() != line.encode()
    )


def _loads_hook(line: str) -> bool:
    """Whether a line loads the hook in any form; a comment does not."""
    return bool(_HOOK.search(line.partition("#")[0]))


def _hook_line_number(text: bytes) -> int:
    """The number of the first line that loads the hook, or 0."""
    lines = text.decode("utf-8", "replace").split("\n")
    return next((number for number, line in enumerate(lines, 1) if _loads_hook(line)), 0)


def _read(path: str, shown: str) -> bytes:
    try:
        return providers.read_bytes(path, shown)
    except FileNotFoundError:
        return b""


def _write(path: str, shown: str, text: bytes) -> None:
    try:
        mode = os.stat(path).st_mode & 0o7777
        if not os.access(path, os.W_OK):
            raise CoworkEnvError(
                f"{shown} is read-only.",
                f"Edit the file that {visible(os.path.realpath(path))} is generated from.",
            )
    except FileNotFoundError:
        mode = 0o644
        folder = os.path.dirname(os.path.realpath(path))
        try:
            if not os.path.isdir(folder):
                files.make_folder(folder, 0o755)
        except OSError as error:
            raise CoworkEnvError(f"{shown} cannot be created: {error.strerror}.") from None
    files.write_atomically(path, text, mode)


# What the files say


def _folders(env: Mapping[str, str]) -> dict[str, str]:
    home = env.get("HOME", "")
    return {
        "home": home,
        "config": env.get("XDG_CONFIG_HOME") or f"{home}/.config",
        "zdotdir": env.get("ZDOTDIR") or home,
    }


def existing(shell: str, env: Mapping[str, str], system: bool = True) -> list[str]:
    """The startup files that exist for ``shell`` (empty: for every shell), those in the home first.

    ``system``: include those of the machine.
    """
    folders = {name: glob.escape(path) for name, path in _folders(env).items()}
    shells = [SHELLS[shell]] if shell in _COMPLETE else list(SHELLS.values())
    patterns = [pattern for each in shells for pattern in each.user]
    patterns.append("{config}/environment.d/*.conf")
    paths = [path for each in patterns for path in sorted(glob.glob(each.format(**folders)))]
    if system:
        paths += [path for each in shells for path in each.system] + ["/etc/environment"]
    return [path for path in dict.fromkeys(paths) if os.path.isfile(path)]


def _lines(path: str) -> list[str]:
    try:
        data = providers.read_bytes(path, path)
    except (FileNotFoundError, CoworkEnvError):
        return []  # A startup file that cannot be read does nothing in its shell either.
    return data[:MAX_BYTES].decode("utf-8", "replace").splitlines()


def assignments(paths: Iterable[str], names: Iterable[str], home: str) -> list[tuple[str, str]]:
    """Where variables are assigned: ``(name, "~/.bashrc:12")``. An empty value does not count."""
    one_of = "|".join(map(re.escape, names))
    pattern = re.compile(
        rf"""^(?:[^#]*[\s;&])?  # not in a comment
        (?:
          (?:setenv\s+|set\s+(?:-\S+\s+)+|SETUVAR\s+(?:-\S+\s+)*)({one_of})(?=[\s:])  # tcsh, fish
          | ({one_of})=(?!['"]{{2}}\s*$|\s*$)
        )""",
        re.VERBOSE,
    )
    found = []
    for path in paths:
        for number, line in enumerate(_lines(path), 1):
            if match := pattern.match(line):
                found.append((match[1] or match[2], f"{tilde(path, home)}:{number}"))
    return found


def hook_lines(paths: Iterable[str], home: str) -> list[str]:
    """Where the hook is loaded, as ``~/.zshrc:7``."""
    return [
        f"{tilde(path, home)}:{number}"
        for path in paths
        for number, line in enumerate(_lines(path), 1)
        if _loads_hook(line)
    ]


def hook_places(shell: str, env: Mapping[str, str]) -> list[str]:
    """Where a startup file of ``shell`` (empty: of any shell) loads the hook, as ``~/.zshrc:7``."""
    return hook_lines(existing(shell, env), env.get("HOME", ""))


def displaced(shell: str, paths: Iterable[str], home: str) -> str:
    """Where a line after the hook line removes the hook again, as ``~/.bashrc:12``, or empty."""
    if shell not in SHELLS:
        return ""
    pattern = re.compile(SHELLS[shell].displaces)
    for path in paths:
        loaded = False
        for number, line in enumerate(_lines(path), 1):
            loaded = loaded or _loads_hook(line)
            if loaded and pattern.search(line):
                return f"{tilde(path, home)}:{number}"
    return ""
