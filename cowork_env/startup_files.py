"""Startup files of shells: where they are, the hook line in them, the variables they set."""

from __future__ import annotations

import glob
import os
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from . import shells
from .core import providers
from .util import files
from .util.errors import CoworkEnvError
from .util.paths import check_permanent, launchers_dir
from .util.system import absolute_path
from .util.text import tilde, visible

MAX_BYTES = 4 << 20
_MAX_BODY = 40  # lines of a function that are read
PROGRAM = "cowork-env"


@dataclass(frozen=True)
class Shell:
    """One shell's startup files.

    ``load`` loads the hook by the program ``@``. ``line`` does so in a startup file: ``LOAD`` is
    ``load``, ``@`` the program, ``"@"`` the same in quotes. It is read before the user's PATH is
    complete (login shells of Debian), and long after the program was removed: so it needs the path,
    and leaves an exit status of 0 where that is gone.

    In paths, ``{home}``, ``{config}`` and ``{zdotdir}`` are filled in. ``file`` is where the line
    belongs. ``user`` are all files in the home, as patterns of :mod:`glob`, ``system`` those of the
    machine. Assigning ``variable`` without keeping its value removes the hook; ``displaces``
    matches such a line.
    """

    load: str
    line: str
    file: str
    user: tuple[str, ...]
    system: tuple[str, ...] = ()
    variable: str = ""
    displaces: str = r"(?!)"


SHELLS = {
    "bash": Shell(
        load='eval "$(@ hook bash)"',
        line="if [ -x @ ]; then LOAD; fi",
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
        load='eval "$(@ hook zsh)"',
        line="if [ -x @ ]; then LOAD; fi",
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
        load="@ hook fish | source",
        line="if status is-interactive; and test -x @; LOAD; end",
        file="{config}/fish/config.fish",
        user=(
            "{config}/fish/conf.d/*.fish",
            "{config}/fish/config.fish",
            "{config}/fish/fish_variables",
        ),
        system=("/etc/fish/config.fish",),
    ),
    "xonsh": Shell(
        load="execx($(@ hook xonsh))",
        line='if p"@".exists(): LOAD',
        file="{home}/.xonshrc",
        user=("{home}/.xonshrc",),
    ),
    "elvish": Shell(
        load="eval (@ hook elvish | slurp)",
        line="if (has-external @) { LOAD }",
        file="{config}/elvish/rc.elv",
        user=("{config}/elvish/rc.elv",),
    ),
}
# Shells whose files above are all that they read; for the others every shell's files are read,
# because they are often started from one of these.
_COMPLETE = ("bash", "zsh", "fish")
# Shells whose hooks keep the launchers' folder first on PATH.
_LAUNCHERS_FIRST = (*_COMPLETE, "xonsh")
_HOOK = re.compile(r"cowork-env['\"]?\s+hook\b")
_COMMENT = re.compile(r"(?:^|\s)#")
_PLAIN = re.compile(r"[\w./+@%:,-]+", re.ASCII)  # what no shell needs quotes for

# What :func:`install` and :func:`uninstall` did.
ADDED, REPLACED, REMOVED = "added", "replaced", "removed"
UNCHANGED, OTHER_LINE = "unchanged", "other-line"


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


def program(env: Mapping[str, str]) -> str:
    """The path of this cowork-env, as a later shell can use it; raises :class:`CoworkEnvError`.

    A link to it, as pipx and uv make in a folder of PATH, stays where it is when the environment
    behind it is made again. Another cowork-env on PATH is used only where this one has no command.
    """
    # The command is beside the script that Python was started with, or beside Python itself. Not
    # beside a relative path: that would be in the working directory.
    started = [path for path in (sys.argv[0], sys.executable) if os.path.isabs(path)]
    own = [f"{os.path.dirname(path)}/{PROGRAM}" for path in started]
    own = [path for path in own if os.access(path, os.X_OK)]
    beside = os.path.dirname(sys.executable)
    folders = absolute_path(env.get("PATH", os.defpath)).split(":")
    folders.append(f"{env.get('HOME', '')}/.local/bin")
    found = [f"{folder.rstrip('/')}/{PROGRAM}" for folder in folders if folder]
    found = [path for path in found if os.path.isfile(path) and os.access(path, os.X_OK)]
    same = [path for path in found if any(os.path.samefile(path, one) for one in own)]
    same.sort(key=lambda path: os.path.dirname(path) == beside)
    for path in (*same, *own, *found):
        if not path.isprintable():
            raise CoworkEnvError(
                f"The path of cowork-env cannot be written on one line: {visible(path)}.",
                "Install it elsewhere.",
            )
        return path
    raise CoworkEnvError(
        "The program cowork-env is not on PATH.", "Add its folder to PATH, or reinstall it."
    )


def line_of(shell: str, env: Mapping[str, str]) -> str:
    """The line that loads the hook, for the startup file of ``shell``."""
    word, quoted = _words(shell, env)
    template = SHELLS[shell].line.replace("LOAD", SHELLS[shell].load)
    return template.replace('"@"', quoted).replace("@", word)


def load_of(shell: str, env: Mapping[str, str]) -> str:
    """What loads the hook in a shell that runs."""
    return SHELLS[shell].load.replace("@", _words(shell, env)[0])


def _words(shell: str, env: Mapping[str, str]) -> tuple[str, str]:
    """The program as a word of ``shell``, and the same in quotes."""
    path, quote = program(env), shells.get(shell).quote
    shown = tilde(path, env.get("HOME", ""))
    if shown.startswith("~/") and _PLAIN.fullmatch(shown[2:]):
        return shown, quote(shown)
    return path if _PLAIN.fullmatch(path) else quote(path), quote(path)


def install(shell: str, env: Mapping[str, str]) -> Change:
    """Add the hook line to the startup file of ``shell``, or put it in the place of an older one.

    A line that the user wrote stays, and none is added. Raises :class:`CoworkEnvError`.
    """
    check_permanent(sys.prefix)
    path = path_of(shell, env)
    shown, line = tilde(path, env["HOME"]), line_of(shell, env)
    text = _read(path, shown)
    if _replaced(text, shell, "") != text:
        after, result = _replaced(text, shell, line), REPLACED
    elif number := _hook_line_number(text):
        return Change(OTHER_LINE, shown, number)
    else:
        separator = b"" if not text or text.endswith(b"\n") else b"\n"
        after, result = text + separator + line.encode() + b"\n", ADDED
    if after == text:
        return Change(UNCHANGED, shown)
    _write(path, shown, after)
    return Change(result, shown)


def uninstall(shell: str, env: Mapping[str, str]) -> Change:
    """Remove the hook line, in every form, from the startup file of ``shell``."""
    path = path_of(shell, env)
    shown = tilde(path, env["HOME"])
    text = _read(path, shown)
    if (after := _replaced(text, shell, "")) != text:
        _write(path, shown, after)
        return Change(REMOVED, shown)
    if number := _hook_line_number(text):
        return Change(OTHER_LINE, shown, number)
    return Change(UNCHANGED, shown)


def next_step(shell: str, env: Mapping[str, str], here: bool) -> str:
    """What to do after the line was added, for the user, whose shell is that one if ``here``."""
    if not here:
        return f"It is loaded by every new {shell}."
    return f"Open a new shell, or run this in the current one: {load_of(shell, env)}"


def _own_form(shell: str) -> re.Pattern[str]:
    """What :func:`install` adds for any program, and the forms of earlier versions and documents.

    A line with space before it is part of something that the user wrote.
    """
    load = SHELLS[shell].load
    before, _, after = re.escape(load).partition("@")
    earlier = rf"{before}cowork-env{after}(?:\s+# in ~/\S+)?"
    line = re.escape(SHELLS[shell].line.replace('"@"', "@").replace("LOAD", load))
    first, _, rest = line.partition("@")
    rest = rest.replace("@", r"(?:(?P=word)|(?P=inner))")
    word = r"(?P<word>(?P<quote>['\"]?)(?P<inner>\S.*/cowork-env)(?P=quote))"
    return re.compile(f"(?:{earlier}|{first}{word}{rest})\\s*")


def _replaced(text: bytes, shell: str, line: str) -> bytes:
    """A file with ``line`` in the place of its first own line and without the others; nothing else
    changes. An empty line is none.
    """
    form, kept, new = _own_form(shell), [], line.encode()
    for each in text.splitlines(keepends=True):
        content = each.rstrip(b"\r\n")
        if not form.fullmatch(content.decode("utf-8", "replace")):
            kept.append(each)
        elif new:
            kept.append(new + each[len(content) :])
            new = b""
    return b"".join(kept)


def _loads_hook(line: str) -> bool:
    """Whether a line loads the hook in any form; a comment does not."""
    return bool(_HOOK.search(_COMMENT.split(line, maxsplit=1)[0]))


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


def hiding(name: str, paths: Iterable[str], home: str) -> list[tuple[str, str]]:
    """What hides the program ``name`` on PATH: ``("an alias", "~/.bashrc:12")``.

    An alias or a function that itself runs the program by its name hides nothing.
    """
    word = re.escape(name)
    alias = re.compile(rf"\s*(?:builtin\s+)?alias\s+(?:-\S+\s+)*{word}(?:=|\s+)(.*)")
    function = re.compile(rf"\s*(?:function\s+{word}\b(?:\s*\(\))?|{word}\s*\(\s*\))(?![-\w])(.*)")
    by_name = re.compile(rf"(?<![\w./~-]){word}(?![\w./-])")
    found = []
    for path in paths:
        lines = _lines(path)
        for number, line in enumerate(lines, 1):
            what, match = "an alias", alias.match(line)
            body = match[1] if match else ""
            if not match and (match := function.match(line)):
                what, body = "a function", match[1]
                for following in lines[number : number + _MAX_BODY]:
                    if re.search(r"\}\s*$", body) or re.match(r"(?:\}|end)\s*$", following):
                        break
                    body += "\n" + following
            # A comment names nothing, and neither does the description of a function in fish.
            body = re.sub(r"(?m)(?:^|\s)#.*|--description\s+(?:'[^']*'|\"[^\"]*\")", "", body)
            if match and not by_name.search(body):
                found.append((what, f"{tilde(path, home)}:{number}"))
    return found


def hook_lines(paths: Iterable[str], home: str, gone: bool = False) -> list[str]:
    """Where the hook is loaded, as ``~/.zshrc:7``; with ``gone``, where the program of the line is
    gone, so that it loads nothing and says nothing.
    """
    return [
        f"{tilde(path, home)}:{number}"
        for path in paths
        for number, line in enumerate(_lines(path), 1)
        if _loads_hook(line) and _program_is_gone(line, home) == gone
    ]


def has_launchers_first(shell: str, env: Mapping[str, str]) -> bool:
    """Whether a startup file of ``shell`` loads a hook that puts the launchers first on PATH."""
    # A PATH cannot hold a colon.
    has = shell in _LAUNCHERS_FIRST and ":" not in launchers_dir()
    return has and bool(hook_places(shell, env))


def hook_places(shell: str, env: Mapping[str, str], gone: bool = False) -> list[str]:
    """:func:`hook_lines` of the startup files of ``shell`` (empty: of any shell)."""
    return hook_lines(existing(shell, env), env.get("HOME", ""), gone)


def _program_is_gone(line: str, home: str) -> bool:
    """Whether a line that :func:`install` added names a program that does not exist."""
    for shell in SHELLS:
        if (match := _own_form(shell).fullmatch(line)) and (path := match["inner"]):
            path = home + path[1:] if path.startswith("~/") else path
            return _PLAIN.fullmatch(path) is not None and not os.access(path, os.X_OK)
    return False


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
