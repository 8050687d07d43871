"""Start-up files of shells and logins: where variables are set, and whether the hook is loaded and stays loaded."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Mapping

from ..core import providers
from ..util.errors import CoworkEnvError
from ..util.text import tilde

MAX_BYTES = 4 << 20
HOOK = re.compile(r"cowork-env['\"]?\s+hook\b")
# What takes the hook's entry away when it stands below the hook line and does not keep what was there.
_DISPLACES = {
    "bash": (
        re.compile(r"^\s*(?:export\s+|declare\s+(?:-\w+\s+)*)?PROMPT_COMMAND=(?!.*PROMPT_COMMAND)"),
        "PROMPT_COMMAND",
    ),
    "zsh": (
        re.compile(r"^\s*(?:typeset\s+(?:-\w+\s+)*)?precmd_functions=(?!.*precmd_functions)"),
        "precmd_functions",
    ),
}


def files(shell: str, env: Mapping[str, str], system: bool = True) -> list[str]:
    """The start-up files of ``shell`` (empty: of every shell) that a person may have, existing ones only."""
    home = env.get("HOME", "")
    config = env.get("XDG_CONFIG_HOME") or f"{home}/.config"
    dot = env.get("ZDOTDIR") or home
    fish = sorted(glob.glob(f"{glob.escape(config)}/fish/conf.d/*.fish"))
    places = {
        "bash": [
            f"{home}/{n}"
            for n in (".bash_profile", ".bash_login", ".profile", ".bashrc", ".bash_aliases")
        ],
        "zsh": [f"{dot}/{n}" for n in (".zshenv", ".zprofile", ".zshrc", ".zlogin")],
        "fish": [*fish, f"{config}/fish/config.fish", f"{config}/fish/fish_variables"],
    }
    wide = {
        "bash": ["/etc/profile", "/etc/bash.bashrc", "/etc/bashrc"],
        "zsh": ["/etc/zshenv", "/etc/zsh/zshenv", "/etc/zsh/zshrc", "/etc/zshrc"],
        "fish": ["/etc/fish/config.fish"],
    }
    shells = [shell] if shell in places else list(places)
    found = [path for name in shells for path in places[name]]
    found += sorted(glob.glob(f"{glob.escape(config)}/environment.d/*.conf"))
    if system:
        found += [path for name in shells for path in wide[name]] + ["/etc/environment"]
    return [path for path in dict.fromkeys(found) if os.path.isfile(path)]


def _lines(path: str) -> list[str]:
    try:
        data = providers.read_bytes(path, path)
    except (FileNotFoundError, CoworkEnvError):
        return []  # A start-up file that cannot be read says nothing to its shell either.
    return data[:MAX_BYTES].decode("utf-8", "replace").splitlines()


def assignments(paths: Iterable[str], names: Iterable[str], home: str) -> list[tuple[str, str]]:
    """Where the variables are given a value: ``(name, "~/.bashrc:12")``. Values are not looked at."""
    one_of = "|".join(map(re.escape, names))
    pattern = re.compile(
        rf"^(?:[^#]*[\s;&])?(?:(?:setenv\s+|set\s+(?:-\S+\s+)+|SETUVAR\s+(?:-\S+\s+)*)({one_of})(?=[\s:])|({one_of})=(?!['\"]{{2}}\s*$|\s*$))"
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
        if HOOK.search(line.partition("#")[0])
    ]


def displaced(shell: str, paths: Iterable[str], home: str) -> tuple[str, str]:
    """Where something below the hook line takes its entry away, and which variable that is; or two empty texts."""
    pattern, variable = _DISPLACES.get(shell, (None, ""))
    if pattern is None:
        return "", ""
    for path in paths:
        loaded = False
        for number, line in enumerate(_lines(path), 1):
            loaded = loaded or bool(HOOK.search(line.partition("#")[0]))
            if loaded and pattern.search(line):
                return f"{tilde(path, home)}:{number}", variable
    return "", ""
