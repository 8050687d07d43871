"""Taking an imported provider out of a settings file: byte for byte, with a copy."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from cowork_env.importers.cleaning import Cleaning
from cowork_env.util.errors import CoworkEnvError

from support.home import Home

KEY = "sk-invented-and-long-enough-to-show-4242"
URL, TOKEN = "ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN"
ENTRY: dict[str, Any] = {
    "name": "A",
    "baseUrl": "https://a.example",
    "authToken": KEY,
    "models": {"haiku": "small"},
    "env": {"API_TIMEOUT_MS": "6", "HTTPS_PROXY": "http://near:1"},
}


def put(home: Home, text: str | bytes) -> Path:
    path = home.path / ".claude/settings.json"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def clean(home: Home, path: Path) -> Cleaning:
    return Cleaning(str(path), str(home.path), ENTRY)


URL_LINE, KEY_LINE = f'"{URL}": "https://a.example"', f'"{TOKEN}": "{KEY}"'
FORMS = {
    "usual": (
        f'{{\n  "x": 1,\n  "env": {{\n    {URL_LINE},\n    "A": "1",\n    {KEY_LINE}\n  }}\n}}\n',
        '{\n  "x": 1,\n  "env": {\n    "A": "1"\n  }\n}\n',
    ),
    "all of it": (
        f'{{\n  "env": {{\n    {KEY_LINE},\n    {URL_LINE}\n  }},\n  "z": [1, 2]\n}}',
        '{\n  "env": {\n  },\n  "z": [1, 2]\n}',
    ),
    "one line": (
        f'{{"env":{{"A":"1",{KEY_LINE},{URL_LINE},"B":"2"}}}}',
        '{"env":{"A":"1","B":"2"}}',
    ),
    "first": (f'{{"env": {{{KEY_LINE}, "B": "2"}} }}', '{"env": {"B": "2"} }'),
    "Windows": (
        f'\ufeff{{\r\n\t"env": {{\r\n\t\t{KEY_LINE},\r\n\t\t"B": "2"\r\n\t}}\r\n}}\r\n \r\n',
        '\ufeff{\r\n\t"env": {\r\n\t\t"B": "2"\r\n\t}\r\n}\r\n \r\n',
    ),
    "twice": (
        f'{{"env": {{"{TOKEN}": "old", "A": "1",{KEY_LINE}}}, "{TOKEN}": "other"}}',
        f'{{"env": {{"A": "1"}}, "{TOKEN}": "other"}}',
    ),
    "two blocks": (
        f'{{"env": {{{KEY_LINE}}}, "env": {{{URL_LINE}, "A": "1"}}}}',
        f'{{"env": {{{KEY_LINE}}}, "env": {{"A": "1"}}}}',
    ),
    "escapes": (
        '{"env": {"A": "{\\"}", "ANTHROPIC_BASE\\u005fURL" : "https:\\/\\/a.example" , "B": 1}}',
        '{"env": {"A": "{\\"}", "B": 1}}',
    ),
    "spread": (
        f'{{"env":\n{{"A":"1"\n,"{TOKEN}"\n:\n"{KEY}"\n,"C":{{"d":[]}}}}}}',
        '{"env":\n{"A":"1"\n,"C":{"d":[]}}}',
    ),
    "other types": (
        '{"env": {"API_TIMEOUT_MS": 6, "ANTHROPIC_SMALL_FAST_MODEL": "small", "A": null}}',
        '{"env": {"A": null}}',
    ),
    "other values": (
        f'{{"env": {{"{TOKEN}": "another", "ANTHROPIC_API_KEY": "x", {URL_LINE}}}}}',
        f'{{"env": {{"{TOKEN}": "another", "ANTHROPIC_API_KEY": "x"}}}}',
    ),
    "the network": (
        f'{{"env": {{"HTTPS_PROXY": "http://near:1", {KEY_LINE}}}}}',
        '{"env": {"HTTPS_PROXY": "http://near:1"}}',
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_only_the_providers_lines_are_taken_out(home: Home, form: str) -> None:
    before, after = FORMS[form]
    path = put(home, before)
    path.chmod(0o640)
    cleaning = clean(home, path)
    assert KEY not in "\n".join(cleaning.diff())
    backup = Path(cleaning.write().replace("~", str(home.path)))
    assert path.read_bytes() == after.encode()
    assert path.stat().st_mode & 0o777 == 0o640
    assert backup.read_bytes() == before.encode()
    assert backup.stat().st_mode & 0o777 == 0o600
    assert backup.parent == path.parent


def test_a_diff_shows_no_secret_of_the_lines_around(home: Home) -> None:
    env = {
        "CONTROL": "\x1b[2J",
        "DB_PASSWORD": "hunter2",
        "NOTE": "sk-proj-another-key-1234567890",
        TOKEN: KEY,
        "sk-proj-a-key-as-a-name-1234567890": "1",
        "PLAIN": "word",
        "URL": "https://me:secret@x.example/",
    }
    path = put(home, json.dumps({"env": env}, indent=1).replace('"hunter2"', '\n"hunter2"'))
    shown = "\n".join(clean(home, path).diff())
    assert "--- ~/.claude/settings.json" in shown
    assert f'-  "{TOKEN}": "••••••••4242",' in shown
    for secret in ("hunter2", "1234567890", KEY, "secret", "\x1b"):
        assert secret not in shown
    assert "word" in shown


def test_nothing_of_the_provider_is_in_the_file(home: Home) -> None:
    for text in ('{"env": {"A": "1"}}', "{}", '{"env": 7}', " "):
        path = put(home, text)
        if text.strip():
            assert clean(home, path).names == []


def test_each_backup_has_its_own_name(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.strftime", lambda _format: "now")
    names = []
    for _ in range(3):
        path = put(home, FORMS["one line"][0])
        names.append(clean(home, path).write())
    start = "~/.claude/settings.json.backup-now"
    assert names == [start, f"{start}-2", f"{start}-3"]


def test_a_file_that_has_changed_meanwhile_is_left_alone(home: Home) -> None:
    path = put(home, FORMS["one line"][0])
    cleaning = clean(home, path)
    path.write_text('{"env": {}}')
    with pytest.raises(CoworkEnvError, match="was changed by another program"):
        cleaning.write()
    assert path.read_text() == '{"env": {}}'


def test_a_link_stays_one_and_the_copy_is_not_where_it_leads(home: Home) -> None:
    """A copy with a key in it does not belong into a repository of dotfiles."""
    real = home.path / "dotfiles/claude.json"
    real.parent.mkdir()
    path = put(home, "")
    path.unlink()
    path.symlink_to(real)
    real.write_text(FORMS["one line"][0])
    backup = clean(home, path).write()
    assert path.is_symlink()
    assert real.read_text() == FORMS["one line"][1]
    assert backup.startswith("~/.claude/settings.json.backup-")
    assert os.listdir(real.parent) == ["claude.json"]


def test_a_file_that_others_can_write_to_is_left_alone(home: Home) -> None:
    path = put(home, FORMS["one line"][0])
    path.chmod(0o666)
    with pytest.raises(CoworkEnvError, match="can be written by other users"):
        clean(home, path)


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[" * 100_000, b" " * (2 << 20)])
def test_a_file_that_cannot_be_read(home: Home, content: bytes) -> None:
    path = put(home, content)
    with pytest.raises(CoworkEnvError):
        clean(home, path)
    assert path.read_bytes() == content


def test_a_file_that_cannot_be_written(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(home, FORMS["one line"][0])
    cleaning = clean(home, path)

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("cowork_env.util.files.create", refuse)
    with pytest.raises(CoworkEnvError, match="cannot be written: Permission denied"):
        cleaning.write()
    assert path.read_text() == FORMS["one line"][0]


def test_a_key_within_a_longer_text_is_not_shown(home: Home) -> None:
    entry = ENTRY | {"authToken": "plainword"}
    env = {"NOTE": "see plainword here", TOKEN: "plainword"}
    path = put(home, json.dumps({"env": env}, indent=1))
    cleaning = Cleaning(str(path), str(home.path), entry)
    assert cleaning.names == [TOKEN] and "plainword" not in "\n".join(cleaning.diff())


def test_a_file_that_vanishes_meanwhile(home: Home) -> None:
    path = put(home, FORMS["usual"][0])
    cleaning = clean(home, path)
    path.unlink()
    with pytest.raises(CoworkEnvError, match=r"No such file|There is no file"):
        cleaning.write()
    assert not path.exists()
