"""Readers of the CI formats, written from the documented grammar of each consumer."""

from __future__ import annotations

import io
import re
from pathlib import Path

import dotenv


def read_dotenv(text: str) -> dict[str, str | None]:
    """A dotenv file, read by python-dotenv."""
    return dict(dotenv.dotenv_values(stream=io.StringIO(text, newline=None)))  # as it opens a file


class Runner:
    """A step of a GitHub Actions job: its environment file, and the commands in its output."""

    def __init__(self, path: Path, before: str = "") -> None:
        self.file = path
        self.file.write_bytes(before.encode())

    def env(self, **more: str) -> dict[str, str]:
        return {"GITHUB_ENV": str(self.file), **more}

    def read(self) -> dict[str, str]:
        """NAME=value, or NAME<<DELIMITER, lines, DELIMITER.

        Lines end at LF; empty ones in between do not count.
        """
        lines = self.file.read_bytes().decode("utf-8").split("\n")
        assert lines.pop() == "", "the last line has no end"
        found, rest = {}, iter(lines)
        for line in rest:
            if not line:
                continue
            name, heredoc, delimiter = line.partition("<<")
            if not heredoc or "=" in name:
                name, equals, value = line.partition("=")
                assert equals, f"not a line of the grammar: {line!r}"
                found[name] = value
                continue
            assert name and delimiter
            value_lines = []
            for value_line in rest:
                if value_line == delimiter:
                    break
                value_lines.append(value_line)
            else:
                raise AssertionError("no matching delimiter")
            found[name] = "\n".join(value_lines)
        return found

    @staticmethod
    def masks(stdout: str) -> list[str]:
        """The data of each ``::add-mask::DATA`` line, unescaped as by the runner: %25 last."""
        found = []
        for line in stdout.split("\n")[:-1]:
            assert line.startswith("::add-mask::") and "\r" not in line
            data = line.removeprefix("::add-mask::")
            found.append(data.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%"))
        return found


def read_gitlab(text: str) -> dict[str, str]:
    """A dotenv report: under 5 KiB, at most 20 lines NAME=value and no others.

    White space around names and values is stripped.
    """
    assert len(text.encode()) < 5 * 1024
    found = {}
    for line in text.split("\n")[:-1]:
        match = re.fullmatch(r"(.*?)=(.*)", line, re.DOTALL)
        assert match, line
        name, value = (part.strip(" \t\n\v\f\r\0") for part in match.groups())
        assert re.fullmatch("[A-Za-z0-9_]{1,255}", name)
        # What the runner and the server replace in a variable's value.
        assert not re.search(r"\$|%[A-Za-z_]\w*%|%%", value)
        found[name] = value
    assert len(found) <= 20
    return found


def read_azure(text: str) -> tuple[dict[str, str], set[str]]:
    """``##vso[area.event name=value;...]message`` lines: their variables, and the secret ones."""

    def unescape(part: str) -> str:
        for code, char in (
            ("%3B", ";"),
            ("%0D", "\r"),
            ("%0A", "\n"),
            ("%5D", "]"),
            ("%AZP25", "%"),
        ):
            part = part.replace(code, char)
        return part

    found, secrets = {}, set()
    for line in re.split(r"\r\n|\r|\n", text)[:-1]:
        command, _, message = line[line.index("##vso[") + 6 :].partition("]")
        event, _, listed = command.partition(" ")
        assert event == "task.setvariable"
        properties = {k: unescape(v) for k, _, v in (p.partition("=") for p in listed.split(";"))}
        value = unescape(message)
        assert not re.search(r"\$\([^)]*\)", value)
        found[properties["variable"]] = value
        if properties.get("issecret") == "true":
            assert "\n" not in value
            secrets.add(properties["variable"])
    return found, secrets


def read_docker(text: str) -> dict[str, str]:
    """An env-file: lines of at most 64 KiB, ended by LF or CR LF; no blank lines or comments.

    Some versions remove quotes around a value.
    """
    found = {}
    for number, line in enumerate(text.encode().split(b"\n")):
        assert len(line) + 1 < 64 * 1024
        entry = line.removesuffix(b"\r").decode()
        entry = (entry.removeprefix("\ufeff") if number == 0 else entry).lstrip()
        if not entry or entry.startswith("#"):
            continue
        name, equals, value = entry.partition("=")
        assert name and equals and not set(name) & set(" \t")
        assert not (len(value) > 1 and value[0] == value[-1] and value[0] in "'\"")
        found[name] = value
    return found
