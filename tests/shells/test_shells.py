"""Statements in real shells export values byte for byte, and can be undone."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from random import Random

import pytest

from cowork_env import shells
from cowork_env.core.environment import BASE_URL, MANAGED, STATE, applied, enter, target
from cowork_env.core.provider import Provider
from cowork_env.hook.protocol import Response
from cowork_env.hook.watch import Watch
from cowork_env.shells import fish, posix
from cowork_env.shells.base import RESPONSE_PREFIX, Shell

from support.home import need
from support.program import environment_after
from support.shells import PLAIN

UNTESTED = {"pwsh"}  # its binary is not in any package registry
UTF8_ONLY = {"nu"}  # its strings cannot hold other bytes
UTF8_LOCALE = {"tcsh"}  # in the C locale it loses some bytes
TESTED = [name for name in shells.NAMES if name not in UNTESTED]
HOOKED = ["bash", "zsh", "fish"]
FUZZ = int(os.environ.get("COWORK_ENV_FUZZ", "2000"))  # values per shell
BATCH = 500
SET_BY_ALL = {"PWD", "OLDPWD", "SHLVL", "_", "USER", "LOGNAME"}  # set by the shells themselves
STARTED = {"PATH", "HOME", "LC_ALL"}


def run(name: str, code: str, env: Mapping[str, str], locale: str = "C.UTF-8") -> dict[str, str]:
    """The environment of a child after ``code`` in a shell, but for the shell's own."""
    after = environment_after(name, code, env, locale)
    return {
        k: v
        for k, v in after.items()
        if k not in set_by_shell(name) and (k not in STARTED or k in env)
    }


@cache
def set_by_shell(name: str) -> set[str]:
    """The variables that a shell sets by itself."""
    return (
        SET_BY_ALL
        if name in ("sh", "bash", "zsh", "fish")
        else SET_BY_ALL | set(environment_after(name, "", {}))
    )


def carried(name: str, values: Mapping[str, str]) -> dict[str, str]:
    """The values as the shell can hold them."""
    if name not in UTF8_ONLY:
        return dict(values)
    return {n: re.sub("[\ud800-\udfff]", "\ufffd", v) for n, v in values.items()}


HOSTILE = [
    "",
    " ",
    "'",
    "''",
    '"',
    "\\",
    "\\\\",
    "\\'",
    "'\\''",
    "\n",
    "a\nb\n",
    "\n\n",
    "$(touch owned)",
    "`touch owned`",
    "${HOME}",
    "$HOME",
    "!!",
    "!x",
    "~",
    "*",
    "?",
    "[a]",
    "{a,b}",
    "a;b",
    "a&b",
    "a|b",
    ">x",
    "<x",
    "#x",
    "-n",
    "--",
    "=",
    "a=b",
    "\t",
    "\r",
    "\r\n",
    "\x01",
    "\x7f",
    "\x1b[31m",
    "\x80",
    "\x9b",
    "é",
    "日本語",
    "🐍",
    "\u202e",
    "\ufeff",
    "\ufdd0",
    "\uf600",
    "\ue000",
    "\U0010ffff",
    "\udcff",
    "\udc80\udcfe",
    "é\udcc3",
    "'\";&&e-$ èрт🚒♞中片-j",
    "%",
    "%s",
    "\\n",
    "\\x41",
    "^",
    "(",
    ")",
    "a'b\"c\\d\ne$f`g",
    "x" * 60_000,
    "'" * 3000,
    "\\" * 3000,
]
SPECIAL = (
    "'\"\\$`!~*?[]{}();&|<>#-= \t\n\r%^abcn\x01\x7f\x83"
    "\u2028é日🐍\ufdd0\ufdef\uf600\ue000\udc83\udcff"
)


def some_value(random: Random) -> str:
    """Any value that an environment can hold: hostile ones, any characters, any bytes."""
    kind, size = random.randrange(8), random.randrange(30)
    if kind == 0:
        return random.choice(HOSTILE[:-3])
    if kind < 4:
        return "".join(random.choices(SPECIAL, k=size))
    if kind < 6:
        code = [random.randrange(1, 1 << random.choice((7, 8, 11, 16, 20))) for _ in range(size)]
        return "".join(map(chr, code)).encode("utf-8", "ignore").decode()
    return os.fsdecode(random.randbytes(size).replace(b"\0", b""))


@pytest.mark.parametrize("name", TESTED)
def test_hostile_values_arrive_byte_for_byte(name: str) -> None:
    meant = {f"V_{i}": value for i, value in enumerate(HOSTILE)}
    assert run(name, shells.get(name).statements(dict(meant)), {}) == carried(name, meant)
    if name not in UTF8_LOCALE:
        expected = carried(name, {**meant, "LANG": "C"})
        assert (
            run(name, shells.get(name).statements(dict(meant)), {"LANG": "C"}, locale="C")
            == expected
        )


@pytest.mark.parametrize("name", TESTED)
@pytest.mark.timeout(max(120, FUZZ // 50))
def test_any_values_arrive_byte_for_byte(name: str) -> None:
    """COWORK_ENV_FUZZ values, the same in every run, so that failures can be repeated."""
    random = Random(f"values for {name}")  # noqa: S311
    for first in range(0, FUZZ, BATCH):
        meant = {f"V_{i}": some_value(random) for i in range(first, min(first + BATCH, FUZZ))}
        assert run(name, shells.get(name).statements(dict(meant)), {}) == carried(name, meant)


# Where a shell reads a program's output in pieces, a byte that is not UTF-8 near the end of a piece
# must not take its neighbours with it: without a closing quote, what follows would be run.
SPLITTING = "\udcff'aaaaaaaaaaaa;touch owned;#"


@pytest.mark.parametrize("name", TESTED)
def test_a_value_arrives_at_any_position_in_the_output(name: str) -> None:
    shell, size = shells.get(name), 4096
    for over in range(0, 24, 1 if name == "tcsh" else 8):
        start = shell.statements({"A": "", "V": "V"}).rindex("V")
        meant = {"A": "x" * (size - start - over), "V": SPLITTING}
        assert run(name, shell.statements(dict(meant)), {}) == carried(name, meant)


@pytest.mark.parametrize("name", TESTED)
def test_setting_and_unsetting(name: str) -> None:
    env = {"GONE": "1", "EMPTIED": "1", "KEPT": "1", "SET": ""}
    changes = {"GONE": None, "EMPTIED": "", "SET": "2", "NEW": "3", "NEVER": None}
    assert run(name, shells.get(name).statements(changes), env) == {
        "EMPTIED": "",
        "KEPT": "1",
        "SET": "2",
        "NEW": "3",
    }
    assert shells.get(name).statements({}) == ""


def test_quoting_makes_one_single_quoted_word() -> None:
    assert posix.quote("a'b\\") == "'a'\\''b\\'" and fish.quote("a'b\\") == "'a\\'b\\\\'"


GUARDED = [*MANAGED, "EXTRA_1", "EXTRA_2"]


def some_environment(random: Random) -> dict[str, str]:
    """Some of the managed variables set, some empty, some absent."""
    return {
        n: some_value(random) if random.random() < 0.7 else ""
        for n in random.sample(GUARDED, random.randrange(8))
    }


def some_target(random: Random) -> dict[str, str | None]:
    extra = {
        n: some_value(random).encode("utf-8", "ignore").decode()
        for n in random.sample(["EXTRA_1", "EXTRA_2"], random.randrange(3))
    }
    entry = {
        "name": f"P {random.random()}",
        "baseUrl": f"https://{random.random()}.example",
        "auth": random.choice(["bearer", "api-key"]),
        "defaultModel": random.choice(["", "m'\\$x"]),
        "env": extra,
    }
    return target(Provider(entry), f"sk-{random.random()}'\\\"$x", {})


NOTE = {
    "posix": "if {condition}; then {yes}; else {no}; fi",
    "fish": "if {condition}; {yes}; else; {no}; end",
}


def holds(shell: Shell, condition: str, expected: bool) -> str:
    """Code that ends the shell with status 9 unless the condition is as expected."""
    form = NOTE["fish" if shell.name == "fish" else "posix"]
    return form.format(
        condition=condition,
        yes="true" if expected else "exit 9",
        no="exit 9" if expected else "true",
    )


@pytest.mark.parametrize("name", HOOKED)
def test_guard_apply_and_undo_restore_the_environment(name: str) -> None:
    random, shell = Random(f"round trips for {name}"), shells.get(name)  # noqa: S311
    for _ in range(max(12, FUZZ // 500)):
        env, goal = some_environment(random), some_target(random)
        activation, changes = enter(env, "k", goal)
        guard = shell.guard({n: t.original for n, t in activation.touched.items()} | {STATE: None})
        undo = shell.undo(activation, goal)
        there = [holds(shell, guard, True), shell.statements(changes), holds(shell, guard, False)]
        after = run(name, "\n".join(there), env)
        assert after == applied(env, changes)
        assert run(name, "\n".join([*there, undo, holds(shell, guard, True)]), env) == env

        by_hand = {
            n: random.choice([None, "", "hand", some_value(random)])
            for n in random.sample(list(goal), 3)
        }
        by_hand = {n: v for n, v in by_hand.items() if v != goal[n]}
        if activation.taken_away(applied(after, by_hand)):
            continue  # see below
        back = applied(env, by_hand)
        assert run(name, "\n".join([*there, shell.statements(by_hand), undo]), env) == back
        # The program does the same.
        during = applied(after, by_hand)
        assert applied(during, activation.reverse(during)) == back


@pytest.mark.parametrize("gone", [None, ""])
@pytest.mark.parametrize("missing", [BASE_URL, "ANTHROPIC_AUTH_TOKEN"])
@pytest.mark.parametrize("name", HOOKED)
def test_undo_leaves_neither_url_nor_key_alone(name: str, missing: str, gone: str | None) -> None:
    """One of them is missing where Claude Code started the shell; that is not a change by hand."""
    shell, key = shells.get(name), "ANTHROPIC_AUTH_TOKEN"
    goal = target(Provider({"name": "A", "baseUrl": "https://a.example"}), "sk-a", {})
    for own in ({BASE_URL: "https://own.example", key: "own"}, {BASE_URL: "https://a.example"}):
        env = {**own, key: "own", "X": "x"}
        activation, changes = enter(env, "k", goal)
        code = shell.statements(changes) + shell.statements({missing: gone})
        undo = shell.undo(activation, goal)
        assert run(name, code + undo, env) == env
        # Both were changed: that was by hand.
        both = dict.fromkeys((BASE_URL, key))
        assert run(name, code + shell.statements(both) + undo, env) == {"X": "x"}


@pytest.mark.parametrize("name", HOOKED)
def test_a_guard_tells_unset_empty_and_set_apart(name: str) -> None:
    shell = shells.get(name)
    for live in ({}, {"X": ""}, {"X": "x"}, {"X": "xx"}, {"X": "X"}, {"X": "x\n"}, {"X": "\udcff"}):
        for value in (None, "", "x", "xx", "X", "x\n", "\udcff", "-n", "(", "!"):
            expected = live.get("X") == value
            run(name, holds(shell, shell.guard({"X": value}), expected), live)
            run(
                name,
                holds(shell, shell.guard({"Y": "y", "X": value}), expected),
                {**live, "Y": "y"},
            )
            run(name, holds(shell, shell.guard({"X": value, "Y": "z"}), False), {**live, "Y": "y"})


@pytest.mark.parametrize("name", HOOKED)
def test_a_response_arrives_field_by_field(name: str) -> None:
    need(PLAIN[name][0])
    shell, values = shells.get(name), [v for v in HOSTILE if len(v) < 1000]
    for i in range(0, len(values), len(Response.TEXTS)):
        response = Response()
        sent = dict(zip(Response.TEXTS, values[i:], strict=False))
        for field, value in sent.items():
            setattr(response, field, value)
        names = " ".join(f'"${RESPONSE_PREFIX}{field}"' for field in sent)
        script = f"{shell.response(response)}\nprintf '%s\\0' {names}\n"
        done = subprocess.run(
            [*PLAIN[name], "/dev/stdin"],
            input=script.encode("utf-8", "surrogateescape"),
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            capture_output=True,
            timeout=20,
            check=True,
        )
        arrived = [os.fsdecode(item) for item in done.stdout.split(b"\0")[:-1]]
        assert arrived == list(sent.values()) and not done.stderr


@pytest.mark.parametrize("name", HOOKED)
def test_files_with_hostile_names_are_watched(name: str, tmp_path: Path) -> None:
    shell = shells.get(name)
    unchanged = f"${RESPONSE_PREFIX}unchanged"  # as the hooks evaluate it
    holds = f"builtin test {unchanged}" if name == "fish" else f'eval "{unchanged}"'
    names = [v for v in HOSTILE if v and "/" not in v and len(os.fsencode(v)) < 200]
    for kind in ("reference", "link", "absent"):
        folder = tmp_path / kind
        folder.mkdir()
        watches = []
        for number, file in enumerate(names):
            path, other = f"{folder}/{file}x", f"{tmp_path}/{kind}-{number}{file}x"
            if kind == "absent":
                watches.append(Watch(path))
                continue
            Path(other).touch()
            os.utime(other, ns=(5, 5_000_000_007 + number))
            if kind == "link":
                os.symlink(other, path)
                watches.append(Watch(path, same_as=other))
            else:
                Path(path).touch()
                os.utime(path, ns=(5, 5_000_000_007 + number))
                watches.append(Watch(path, other))
        response = Response()
        response.watches = watches
        code = shell.response(response)
        run(name, f"{code}{holds} || exit 3\n", {})
        for watch in watches:
            if kind == "reference":
                os.utime(watch.path, ns=(5, 5_000_000_006))
            elif kind == "link":
                os.unlink(watch.path)
            else:
                Path(watch.path).touch()
        tests = []
        for watch in watches:
            response.watches = [watch]
            tests.append(f"{shell.response(response)}{holds} && exit 4\n")
        run(name, "".join(tests), {})


@pytest.mark.parametrize("name", shells.NAMES)
def test_other_credentials_are_unset_before_the_url_and_the_key_are_set(name: str) -> None:
    changes = {
        "ANTHROPIC_AUTH_TOKEN": "the-key",
        "ANTHROPIC_API_KEY": None,
        "A": "a",
        BASE_URL: "the-url",
    }
    text = shells.get(name).statements(changes)
    assert text.index("ANTHROPIC_API_KEY") < text.index("the-url") < text.index("the-key")
