"""What overrides the environment: Claude Code's settings files, proxies, other switchers."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from cowork_env import overrides
from cowork_env.overrides import BEATEN, HELD, SAME, WINS, YIELDS

URL, TOKEN, MODEL = "ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_MODEL"
FLAG = "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST"
EVIL = "http://evil.example"


class Machine:
    """A home, a repository with a folder in it, and a place for an organization's settings."""

    def __init__(self, path: Path) -> None:
        self.home, self.root = path / "home", path / "repository"
        self.here, self.managed = self.root / "sub/folder", path / "managed"
        for folder in (self.home, self.root / ".git", self.here, self.managed):
            folder.mkdir(parents=True)
        self.env = {
            "HOME": str(self.home),
            URL: "https://good.example",
            TOKEN: "sk-good",
            MODEL: "good-model",
        }

    def put(self, path: Path, settings: object) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            settings if isinstance(settings, str) else json.dumps(settings), encoding="utf-8"
        )
        return path

    def report(self, names: tuple[str, ...] = (), **env: str | None) -> overrides.Report:
        merged = {k: v for k, v in {**self.env, **env}.items() if v is not None}
        return overrides.report(merged, str(self.here), names, str(self.managed))

    def effects(self, names: tuple[str, ...] = (), **env: str | None) -> list[tuple[str, str, str]]:
        return [(s.place.scope, s.key, s.effect) for s in self.report(names, **env).settings]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def everywhere(machine: Machine, settings: object) -> list[Path]:
    """The same settings in every file that counts, the strongest first."""
    return [
        machine.put(machine.managed / "managed-settings.d/20-b.json", settings),
        machine.put(machine.managed / "managed-settings.d/10-a.json", settings),
        machine.put(machine.managed / "managed-settings.json", settings),
        machine.put(machine.root / ".claude/settings.local.json", settings),
        machine.put(machine.here / ".claude/settings.local.json", settings),
        machine.put(machine.here / ".claude/settings.json", settings),
        machine.put(machine.home / ".claude/settings.json", settings),
    ]


def test_strongest_file_comes_first_and_wins(machine: Machine) -> None:
    paths = everywhere(machine, {"env": {URL: EVIL}})
    report = machine.report()
    assert [s.place.path for s in report.settings] == [str(p) for p in paths]
    assert [s.effect for s in report.settings] == [WINS] + [BEATEN] * (len(paths) - 1)


def test_shared_project_file_is_read_in_the_directory_itself_only(machine: Machine) -> None:
    machine.put(machine.root / ".claude/settings.json", {"env": {URL: EVIL}})
    assert machine.effects() == []
    machine.put(machine.here / ".claude/settings.json", {"env": {URL: EVIL}})
    assert machine.effects() == [("project", f"env.{URL}", WINS)]


@pytest.mark.parametrize("flag", ["1", "true", "YES", "on"])
def test_host_flag_disables_every_file(machine: Machine, flag: str) -> None:
    paths = everywhere(
        machine,
        {
            "env": {URL: EVIL, TOKEN: "x", "HTTPS_PROXY": EVIL, "CLAUDE_CODE_USE_BEDROCK": "1"},
            "apiKeyHelper": "x",
        },
    )
    report = machine.report(**{FLAG: flag})
    assert len(report.settings) == 5 * len(paths)
    assert {s.effect for s in report.settings} == {HELD}
    assert report.redirects == [] and report.proxy is None


@pytest.mark.parametrize("flag", [None, "", "0", "false"])
def test_without_the_host_flag_settings_win(machine: Machine, flag: str | None) -> None:
    machine.put(
        machine.here / ".claude/settings.json", {"env": {TOKEN: "x"}, "apiKeyHelper": "echo x"}
    )
    assert machine.effects(**{FLAG: flag}) == [
        ("project", f"env.{TOKEN}", WINS),
        ("project", "apiKeyHelper", WINS),
    ]


def test_host_flag_in_a_settings_file_is_ignored(machine: Machine) -> None:
    machine.put(machine.home / ".claude/settings.json", {"env": {FLAG: "1", URL: EVIL}})
    assert machine.effects() == [("user", f"env.{URL}", WINS)]


def test_host_flag_does_not_cover_variables_of_the_provider(machine: Machine) -> None:
    machine.put(
        machine.here / ".claude/settings.json", {"env": {"API_TIMEOUT_MS": 5, "EDITOR": "vi"}}
    )
    assert machine.effects(("API_TIMEOUT_MS",), **{FLAG: "1", "API_TIMEOUT_MS": "9"}) == [
        ("project", "env.API_TIMEOUT_MS", WINS)
    ]
    assert machine.effects(("API_TIMEOUT_MS",), **{FLAG: "1", "API_TIMEOUT_MS": "5"}) == [
        ("project", "env.API_TIMEOUT_MS", SAME)
    ]
    assert machine.effects() == []


def test_exported_model_is_stronger_than_one_in_settings(machine: Machine) -> None:
    machine.put(machine.here / ".claude/settings.json", {"model": "opus"})
    machine.put(machine.home / ".claude/settings.json", {"model": "haiku"})
    both = [("project", "model"), ("user", "model")]
    assert machine.effects() == [(*b, YIELDS) for b in both]
    # Measured: the host flag does not keep it out where no model is exported.
    assert machine.effects(**{MODEL: None, FLAG: "1"}) == [(*both[0], WINS), (*both[1], BEATEN)]


def test_host_flag_disables_a_managed_model(machine: Machine) -> None:
    machine.put(machine.managed / "managed-settings.json", {"model": "opus"})
    assert machine.effects(**{MODEL: None, FLAG: "1"}) == [("managed", "model", HELD)]
    assert machine.effects(**{MODEL: None}) == [("managed", "model", WINS)]


def test_configuration_folder_elsewhere(machine: Machine, tmp_path: Path) -> None:
    machine.put(machine.home / ".claude/settings.json", {"env": {URL: "http://not.read"}})
    machine.put(tmp_path / "other/settings.json", {"env": {URL: EVIL}})
    report = machine.report(CLAUDE_CONFIG_DIR=str(tmp_path / "other"))
    assert [s.value for s in report.settings] == [EVIL]


def test_user_file_is_not_the_project_file_in_the_home_directory(machine: Machine) -> None:
    machine.put(machine.home / ".claude/settings.json", {"env": {URL: EVIL}})
    report = overrides.report(machine.env, str(machine.home), (), str(machine.managed))
    assert [s.place.scope for s in report.settings] == ["user"]


def test_no_value_is_in_a_repr(machine: Machine) -> None:
    machine.put(
        machine.here / ".claude/settings.json",
        {"env": {TOKEN: "sk-hidden-1"}, "apiKeyHelper": "echo sk-hidden-2"},
    )
    assert "sk-hidden" not in repr(machine.report())


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "is not valid JSON"),
        ("[1]", "is not a JSON object"),
        ("[" * 200_000, "nested too deeply"),
        ('{"env":' * 100_000, "nested too deeply"),
        ('{"model": 1' + "0" * 5000 + "}", "has a number"),
        ('{"a":"' + "x" * (1 << 20) + '"}', "larger than 1 MiB"),
        (b"\xff\xfe{}", "is not UTF-8"),
    ],
)
def test_hostile_file_is_reported_as_a_problem(
    machine: Machine, content: str | bytes, problem: str
) -> None:
    path = machine.here / ".claude/settings.json"
    path.parent.mkdir()
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    machine.put(machine.home / ".claude/settings.json", {"env": {URL: EVIL}})
    report = machine.report()
    assert [p for p, _ in report.problems] == [str(path)]
    assert problem in report.problems[0][1]
    assert [s.effect for s in report.settings] == [WINS], "the other files are still looked at"


@pytest.mark.parametrize(
    "document",
    [
        {"env": []},
        {"env": {URL: [1], TOKEN: {}}},
        {"env": None, "model": 1, "apiKeyHelper": []},
        {},
    ],
)
def test_values_of_the_wrong_type_are_ignored(machine: Machine, document: Any) -> None:
    machine.put(machine.here / ".claude/settings.json", document)
    report = machine.report()
    assert (report.settings, report.problems) == ([], [])


def test_fifo_or_folder_does_not_hang(machine: Machine) -> None:
    (machine.here / ".claude/settings.json").mkdir(parents=True)
    os.mkfifo(machine.here / ".claude/settings.local.json")
    assert sorted("regular file" in m for _, m in machine.report().problems) == [True, True]


def test_control_characters_in_a_path_are_escaped(machine: Machine) -> None:
    here = machine.root / "evil\x1b[2J"
    machine.put(here / ".claude/settings.json", "{")
    report = overrides.report(machine.env, str(here), (), str(machine.managed))
    assert "\x1b" not in report.problems[0][1]


@pytest.mark.parametrize(
    ("env", "url", "expected"),
    [
        ({"HTTPS_PROXY": "http://p:1"}, "https://gateway.example", ("HTTPS_PROXY", False)),
        (
            {"https_proxy": "http://p:1", "HTTPS_PROXY": "http://q:1"},
            "https://gateway.example",
            ("https_proxy", False),
        ),
        ({"HTTPS_PROXY": "http://p:1"}, "http://localhost:4000", ("HTTPS_PROXY", True)),
        ({"ALL_PROXY": "socks5://p:1"}, "http://gateway.example", ("ALL_PROXY", True)),
        ({"HTTPS_PROXY": ""}, "https://gateway.example", None),
        (
            {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a, gateway.example"},
            "https://gateway.example",
            None,
        ),
    ],
)
def test_proxies(env: dict[str, str], url: str, expected: tuple[str, bool] | None) -> None:
    found = overrides.proxy(env, url)
    assert (found and (found.variable, found.harmful)) == expected


def test_proxy_password_is_not_shown() -> None:
    found = overrides.proxy(
        {"HTTPS_PROXY": "http://me:hunter2@p:1/x?hunter2"}, "https://gateway.example"
    )
    assert found is not None
    assert found.address == "http://p:1/x"
    assert overrides.without_password("me:hunter2@p:1") == "p:1"


@pytest.mark.parametrize(
    ("rule", "bypassed"),
    [
        ("*", True),
        ("localhost,127.0.0.1:4000", True),
        ("127.0.0.1:99", False),
        ("127.0.0.0/8", True),
        (" 127.0.0.1", True),
        (".0.0.1", True),
        ("27.0.0.1", False),
        ("", False),
        ("a,*", False),
        ("127.0.0.0/x", False),
    ],
)
def test_no_proxy_by_claude_code_rule(rule: str, bypassed: bool) -> None:
    assert overrides.bypassed(rule, "127.0.0.1", "4000") is bypassed


def test_no_proxy_names_domains_with_a_dot() -> None:
    assert overrides.bypassed(".corp.example", "a.corp.example", "443")
    assert overrides.bypassed(".corp.example", "corp.example", "443")
    assert not overrides.bypassed("corp.example", "a.corp.example", "443")
    assert not overrides.bypassed(".corp.example", "evilcorp.example", "443")


def test_socket_in_the_environment_redirects_under_the_host_flag_too(machine: Machine) -> None:
    report = machine.report(**{FLAG: "1", "ANTHROPIC_UNIX_SOCKET": "/tmp/s"})
    assert report.redirects == ["ANTHROPIC_UNIX_SOCKET"]


def test_leftovers_of_other_switchers(machine: Machine) -> None:
    (machine.home / ".cc-switch").mkdir()
    machine.put(machine.home / ".claude/settings.json", {"env": {URL: "http://127.0.0.1:3456"}})
    found = machine.report(CCM_PROFILE="x").leftovers
    assert [(item.tool, item.trace) for item in found] == [
        ("cc-switch", "~/.cc-switch"),
        ("claude-code-router", "~/.claude/settings.json sends requests to its proxy"),
        ("ccm", "$CCM_PROFILE"),
    ]


def test_conflicting_variables() -> None:
    env = {
        "ANTHROPIC_API_KEY": "a",
        TOKEN: "b",
        "CLAUDE_CODE_USE_BEDROCK": "1",
        "ANTHROPIC_CUSTOM_HEADERS": "",
    }
    assert overrides.conflicts(env) == ["ANTHROPIC_API_KEY", "CLAUDE_CODE_USE_BEDROCK"]
    assert overrides.conflicts({TOKEN: "b"}) == []
    assert overrides.conflicts({"ANTHROPIC_UNIX_SOCKET": "/s"}) == ["ANTHROPIC_UNIX_SOCKET"]


@pytest.mark.parametrize(
    ("platform", "start"),
    [("darwin", "/Library"), ("linux", "/etc"), ("win32", "C:\\Program Files")],
)
def test_managed_directory(platform: str, start: str) -> None:
    assert overrides.managed_directory(platform).startswith(start)


def test_what_the_host_flag_does_not_cover(machine: Machine) -> None:
    names = ["CLAUDE_CODE_EXTRA_BODY", "ANTHROPIC_BETAS", "ANTHROPIC_API_URL", "ANTHROPIC_MODEL"]
    machine.put(machine.here / ".claude/settings.json", {"env": dict.fromkeys(names, "evil")})
    assert sorted(machine.effects(**{FLAG: "1"})) == [
        ("project", "env.ANTHROPIC_BETAS", WINS),
        ("project", "env.ANTHROPIC_MODEL", HELD),
        ("project", "env.CLAUDE_CODE_EXTRA_BODY", WINS),
    ]


def test_a_primary_key_is_sent_beside_ours(machine: Machine) -> None:
    path = machine.put(machine.home / ".claude.json", {"primaryApiKey": "sk-own", "x": "y" * 2**20})
    assert machine.effects() == [("user", "primaryApiKey", WINS)]
    assert machine.effects(**{FLAG: "1"}) == [("user", "primaryApiKey", HELD)]
    assert "sk-own" not in repr(machine.report().settings)
    path.write_text("{")
    assert [p for p, _ in machine.report().problems] == [str(path)]
    machine.put(machine.home / "else/.claude.json", {"primaryApiKey": ""})
    assert machine.effects(CLAUDE_CONFIG_DIR=str(machine.home / "else")) == []
