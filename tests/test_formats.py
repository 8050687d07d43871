"""Each format is read back by its own consumer, or by a reader written from that consumer's documented grammar."""

from __future__ import annotations

import contextlib
import http.server
import io
import json
import os
import re
import stat
import subprocess
import tempfile
import threading
from pathlib import Path

import dotenv
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cowork_env import formats
from cowork_env.core import environment
from cowork_env.core.provider import Provider
from cowork_env.util.errors import USAGE, CoworkEnvError

from support.home import GUIDE, Home, need

Values = dict[str, "str | None"]
KEYS = frozenset(("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY"))
OPENROUTER = environment.target(Provider(GUIDE[1]), GUIDE[1]["authToken"], {})
SET = {k: v for k, v in OPENROUTER.items() if v is not None}

# What readers are known to trip over, mixed with plain text.
PIECES = st.sampled_from(
    [
        "'",
        '"',
        "\\",
        "\n",
        "\r",
        "\r\n",
        "$",
        "${HOME}",
        "$(HOME)",
        "%",
        "%25",
        "%0A",
        "%AZP25",
        "%PATH%",
        "#",
        " #",
        " ",
        "\t",
        "=",
        "<<",
        "EOF",
        "::add-mask::x",
        "##vso[task.setvariable variable=X]y",
        ";",
        "]",
        "`id`",
        "\u2028",
        "\x85",
        "\x0b",
        "é",
        "🚒",
        "a",
        "Z9",
        "export ",
        ":",
        "!",
        "{",
        "}",
        "*",
        "~",
    ]
)
VALUES = st.one_of(
    st.lists(PIECES, max_size=8).map("".join),
    st.text(st.characters(exclude_characters="\0", codec="utf-8")),
)
TARGETS = st.fixed_dictionaries(
    {"ANTHROPIC_AUTH_TOKEN": VALUES, "ANTHROPIC_BASE_URL": VALUES, "EXTRA_1": VALUES}
)


def emit(name: str, wanted: Values, keys: frozenset[str], env: dict[str, str]) -> str:
    """What goes to standard output."""
    said: list[str] = []
    formats.emit(name, wanted, keys, env, said.append)
    return "".join(said)


def refused(name: str, wanted: Values, env: dict[str, str] | None = None) -> CoworkEnvError:
    with pytest.raises(CoworkEnvError) as caught:
        emit(name, wanted, KEYS, env or {})
    for value in wanted.values():
        assert (
            not value
            or len(value) < 12
            or value not in f"{caught.value.message}{caught.value.hint}"
        )
    return caught.value


def carried(name: str, wanted: Values) -> str | None:
    """What the format makes of the values, or None when it refuses them."""
    try:
        return emit(name, wanted, KEYS, {})
    except CoworkEnvError:
        return None


def test_an_unknown_format_is_named_and_the_known_ones_are_listed() -> None:
    error = refused("yaml", {})
    assert error.exit_code == USAGE
    assert all(name in error.hint for name in formats.NAMES)


@pytest.mark.parametrize("name", formats.NAMES)
def test_what_no_environment_can_hold_is_refused(name: str) -> None:
    refused(name, {"EXTRA": "a\0b"})
    refused(name, {"EXTRA": "a\udcff"})


# json


@given(TARGETS)
@example({"X": None})
def test_json_is_the_target_itself(wanted: Values) -> None:
    text = emit("json", wanted, KEYS, {})
    assert json.loads(text) == wanted
    assert text.isascii()


def test_json_says_null_for_what_has_to_be_unset() -> None:
    assert json.loads(emit("json", OPENROUTER, KEYS, {}))["ANTHROPIC_API_KEY"] is None


# dotenv


def read_dotenv(text: str) -> dict[str, str | None]:
    return dict(dotenv.dotenv_values(stream=io.StringIO(text, newline=None)))  # as it opens a file


@given(TARGETS)
@example({"X": "it's"})
@example({"X": "a\\b"})
@example({"X": "a\\"})
@example({"X": "a\\\\b"})
@example({"X": '{"a": "b c"} #x'})
def test_python_dotenv_reads_back_what_was_written(wanted: Values) -> None:
    text = carried("dotenv", wanted)
    assert text is None or read_dotenv(text) == wanted


@settings(max_examples=60)
@given(TARGETS)
@example({"X": "it's"})
@example({"X": "a\\b\nc"})
def test_sh_reads_the_same_from_a_dotenv_file(wanted: Values) -> None:
    text = carried("dotenv", wanted)
    if text is None:
        return
    with tempfile.NamedTemporaryFile() as file:
        file.write(text.encode())
        file.flush()
        out = subprocess.run(
            ["/bin/sh", "-c", 'set -a; . "$1"; exec env -0', "sh", file.name],
            capture_output=True,
            check=True,
            env={"PATH": os.defpath},
        )
    found = dict(line.split("=", 1) for line in out.stdout.decode().split("\0") if line)
    assert {k: found.get(k) for k in wanted} == wanted


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        "two words",
        "it's",
        'a "b" c',
        "line\nline",
        "$HOME",
        "`id`",
        "C:\\tmp\\x",
        "#x",
        " x ",
        "",
    ],
)
def test_dotenv_carries_what_people_have(value: str) -> None:
    text = emit("dotenv", {"EXTRA": value}, KEYS, {})
    assert read_dotenv(text) == {"EXTRA": value}


@pytest.mark.parametrize("value", ["a\rb", "${HOME}", "both ' and \"", "a\\\\b", "it's $5"])
def test_dotenv_refuses_what_readers_take_apart_differently(value: str) -> None:
    assert "EXTRA" in refused("dotenv", {"EXTRA": value}).message


def test_dotenv_leaves_out_what_has_to_be_unset() -> None:
    assert read_dotenv(emit("dotenv", OPENROUTER, KEYS, {"ANTHROPIC_API_KEY": "theirs"})) == SET


# github


class Runner:
    """A step of a GitHub Actions job: its environment file, and what it reads of a step."""

    def __init__(self, path: Path, before: str = "") -> None:
        self.file = path
        self.file.write_bytes(before.encode())

    def env(self, **more: str) -> dict[str, str]:
        return {"GITHUB_ENV": str(self.file), **more}

    def read(self) -> dict[str, str]:
        """NAME=value, or NAME<<DELIMITER, lines, DELIMITER; lines end at LF; empty ones in between do not count."""
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
        """The data of each ``::add-mask::DATA`` line, unescaped, as the runner does: %0D, %0A, and %25 last."""
        found = []
        for line in stdout.split("\n")[:-1]:
            assert line.startswith("::add-mask::") and "\r" not in line
            data = line.removeprefix("::add-mask::")
            found.append(data.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%"))
        return found


@given(TARGETS, st.sampled_from(["", "A=1\n", "A=1", "A<<E\nx\nE\n"]))
def test_github_reads_back_what_was_appended(wanted: Values, before: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(Path(folder) / "set_env", before)
        earlier = Runner(
            Path(folder) / "earlier",
            before if before.endswith("\n") or not before else before + "\n",
        ).read()
        masks = runner.masks(emit("github", wanted, KEYS, runner.env()))
        assert runner.read() == earlier | wanted
    key = wanted["ANTHROPIC_AUTH_TOKEN"]
    assert key is not None
    for part in (key, *key.replace("\r", "\n").split("\n")):
        assert part in masks or not part.strip()
    assert not any(mask.strip() == "" for mask in masks)


def test_github_masks_keys_and_nothing_else(tmp_path: Path) -> None:
    runner = Runner(tmp_path / "f")
    assert (
        emit("github", OPENROUTER, KEYS, runner.env()) == f"::add-mask::{GUIDE[1]['authToken']}\n"
    )
    assert runner.read() == SET


def test_github_masks_before_anything_else(tmp_path: Path) -> None:
    """A key that could not be masked reaches no later step."""
    runner = Runner(tmp_path / "f", "A=1\n")
    seen = []
    formats.emit(
        "github", OPENROUTER, KEYS, runner.env(), lambda text: seen.append((text, runner.read()))
    )
    assert seen == [(f"::add-mask::{GUIDE[1]['authToken']}\n", {"A": "1"})]
    runner = Runner(tmp_path / "g", "A=1\n")

    def full(text: str) -> None:
        raise CoworkEnvError("full")

    with pytest.raises(CoworkEnvError):
        formats.emit("github", OPENROUTER, KEYS, runner.env(), full)
    assert runner.read() == {"A": "1"}


def test_github_without_keys_masks_nothing(tmp_path: Path) -> None:
    runner = Runner(tmp_path / "f")
    wanted = {k: v for k, v in OPENROUTER.items() if k not in KEYS}
    assert emit("github", wanted, KEYS, runner.env()) == ""
    assert not KEYS & set(runner.read())


def test_github_has_another_delimiter_each_time(tmp_path: Path) -> None:
    seen = set()
    for i in range(8):
        runner = Runner(tmp_path / str(i))
        emit("github", {"A": "1", "B": "2"}, KEYS, runner.env())
        seen.add(runner.file.read_text().partition("<<")[2].partition("\n")[0])
    assert len(seen) == 8


def test_a_delimiter_that_a_value_holds_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draws = [b"\0" * 16, b"\1" * 16]
    monkeypatch.setattr(formats.os, "urandom", lambda n: draws.pop(0))
    runner = Runner(tmp_path / "f")
    value = "x\ncowork_env_" + "00" * 16 + "\nEVIL=1"
    emit("github", {"A": value}, KEYS, runner.env())
    assert runner.read() == {"A": value}
    assert not draws


def test_github_empties_what_it_cannot_unset_if_it_is_there(tmp_path: Path) -> None:
    runner = Runner(tmp_path / "f")
    emit(
        "github",
        OPENROUTER,
        KEYS,
        runner.env(CLAUDE_CODE_USE_BEDROCK="1", ANTHROPIC_CUSTOM_HEADERS=""),
    )
    assert runner.read() == SET | {"CLAUDE_CODE_USE_BEDROCK": ""}


@pytest.mark.parametrize("name", ["github", "azure"])
@pytest.mark.parametrize("variable", ["ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"])
def test_an_address_or_key_that_cannot_be_unset_is_refused(
    tmp_path: Path, name: str, variable: str
) -> None:
    runner = Runner(tmp_path / "f")
    refused(name, {**OPENROUTER, variable: None}, runner.env(**{variable: "https://theirs"}))
    assert runner.file.read_bytes() == b""


def test_github_says_where_it_belongs(tmp_path: Path) -> None:
    assert "GITHUB_ENV" in refused("github", OPENROUTER).message
    missing = tmp_path / "missing"
    refused("github", OPENROUTER, {"GITHUB_ENV": str(missing)})
    assert not missing.exists()
    refused("github", OPENROUTER, {"GITHUB_ENV": "/dev/null"})
    refused("github", OPENROUTER, {"GITHUB_ENV": str(tmp_path)})


@pytest.mark.parametrize("variable", ["GITHUB_PATH", "RUNNER_TEMP", "NODE_OPTIONS"])
def test_github_leaves_the_runner_its_own(tmp_path: Path, variable: str) -> None:
    runner = Runner(tmp_path / "f", "A=1\n")
    refused("github", {"ANTHROPIC_MODEL": "m", variable: "x"}, runner.env())
    assert runner.read() == {"A": "1"}


def test_half_a_write_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = Runner(tmp_path / "f", "A=1")
    real, calls = os.write, []

    def write(descriptor: int, data: bytes) -> int:
        calls.append(data)
        if len(calls) > 1:
            raise OSError(28, "No space left on device")
        return real(descriptor, data[:9])

    monkeypatch.setattr(formats.os, "write", write)
    refused("github", OPENROUTER, runner.env())
    monkeypatch.undo()
    assert runner.file.read_bytes() == b"A=1"
    assert stat.S_ISREG(runner.file.stat().st_mode)


# gitlab


def read_gitlab(text: str) -> dict[str, str]:
    """A dotenv report: under 5 KiB, at most 20 lines NAME=value, no others, white space around both stripped."""
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


@given(TARGETS)
def test_gitlab_reads_back_what_was_written(wanted: Values) -> None:
    text = carried("gitlab", wanted)
    assert text is None or read_gitlab(text) == wanted


def test_gitlab_carries_a_provider() -> None:
    assert read_gitlab(emit("gitlab", OPENROUTER, KEYS, {})) == SET


@pytest.mark.parametrize("value", ["a\nb", "a\rb", " a", "a\t", "$HOME", "%PATH%", "x" * 5200])
def test_gitlab_refuses_what_a_report_cannot_carry(value: str) -> None:
    refused("gitlab", {"EXTRA": value})


def test_gitlab_keeps_to_the_number_of_variables() -> None:
    many: Values = {f"V{i}": "1" for i in range(20)}
    assert len(read_gitlab(emit("gitlab", many, KEYS, {}))) == 20
    refused("gitlab", {**many, "V20": "1"})


def test_gitlab_refuses_what_a_projects_variable_would_win_over() -> None:
    refused("gitlab", OPENROUTER, {"ANTHROPIC_BASE_URL": "https://theirs"})
    refused("gitlab", OPENROUTER, {"CLAUDE_CODE_USE_VERTEX": "1"})
    assert emit("gitlab", OPENROUTER, KEYS, SET)


# azure


def read_azure(text: str) -> tuple[dict[str, str], set[str]]:
    """``##vso[area.event name=value;...]message`` lines: the variables they set, and which are secrets."""

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


@given(TARGETS)
@example({"X": "%3B%0A%AZP25;]\r\n%"})
def test_azure_reads_back_what_was_written(wanted: Values) -> None:
    text = carried("azure", wanted)
    if text is not None:
        assert read_azure(text) == (wanted, KEYS & set(wanted))


def test_azure_sets_keys_first_and_as_secrets() -> None:
    text = emit("azure", OPENROUTER, KEYS, {"CLAUDE_CODE_OAUTH_TOKEN": "theirs"})
    assert text.startswith(
        "##vso[task.setvariable variable=ANTHROPIC_AUTH_TOKEN;issecret=true]sk-or-"
    )
    assert read_azure(text) == (SET | {"CLAUDE_CODE_OAUTH_TOKEN": ""}, {"ANTHROPIC_AUTH_TOKEN"})


@pytest.mark.parametrize(
    "wanted",
    [
        {"SECRET_X": "1"},
        {"EXTRA": "$(System.AccessToken)"},
        {"https_proxy": "x"},
        {"ANTHROPIC_AUTH_TOKEN": "two\nlines"},
    ],
)
def test_azure_refuses_what_it_cannot_carry(wanted: Values) -> None:
    refused("azure", wanted)


# docker


def read_docker(text: str) -> dict[str, str]:
    """An env-file: lines up to 64 KiB ending at LF or CR LF, blank ones and ``#`` passed over, quotes perhaps removed."""
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


@given(TARGETS)
def test_docker_reads_back_what_was_written(wanted: Values) -> None:
    text = carried("docker", wanted)
    assert text is None or read_docker(text) == wanted


@pytest.mark.parametrize("value", ["a\nb", "a\r", "'quoted'", '"quoted"', "x" * 65536])
def test_docker_refuses_what_an_env_file_cannot_carry(value: str) -> None:
    refused("docker", {"EXTRA": value})


class Daemon(http.server.BaseHTTPRequestHandler):
    """As much of a container engine as ``docker create`` asks for; it notes the environment that it is given."""

    received: list[list[str]]

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.answer(200, {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.received.append(body["Env"])
        self.answer(201, {"Id": "0" * 64, "Warnings": []})

    def answer(self, status: int, value: object) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Api-Version", "1.41")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *arguments: object) -> None:
        pass


def test_docker_itself_reads_it(home: Home, tmp_path: Path) -> None:
    docker = need("docker")
    extra = {
        "A": " lead and trail ",
        "B": "#x",
        "C": "a=b",
        "D": "it's \"",
        "E": "",
        "F": "$HOME `id` \\n",
        "G": "é🚒",
    }
    file = tmp_path / "env"
    file.write_text(emit("docker", {**OPENROUTER, **extra}, KEYS, {}), encoding="utf-8")
    handler = type("Handler", (Daemon,), {"received": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        with contextlib.ExitStack() as stack:
            stack.callback(thread.join, 10)
            stack.callback(server.shutdown)
            env = {
                **home.env,
                "DOCKER_HOST": f"tcp://127.0.0.1:{server.server_port}",
                "NO_PROXY": "127.0.0.1",
            }
            done = subprocess.run(
                [docker, "create", "--env-file", str(file), "image"],
                env=env,
                capture_output=True,
                text=True,
                timeout=60,
            )
    assert done.returncode == 0, done.stderr
    assert dict(line.split("=", 1) for line in handler.received[0]) == SET | extra
