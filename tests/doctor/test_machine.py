"""What ``doctor`` finds on this machine: shell, startup files, settings, provider file."""

from __future__ import annotations

import json
import os

from cowork_env.core.trust import TrustStore, location

from support.doctor import entry, run, run_in_bash
from support.home import Home, executable
from support.program import Program
from support.server import (
    KEY,
)


def test_hook_line_is_added(home: Home) -> None:
    home.providers()
    done = run_in_bash(home, "--offline", "--json")
    assert "hook-line" in done.codes("warning")
    done = run_in_bash(home, "--offline", "--json", "--fix")
    line = (home.path / ".bashrc").read_text()
    assert "cowork-env hook bash" in line
    assert "hook-line" not in done.codes("warning") and "hook" in done.codes("ok")
    (home.path / ".bashrc").write_text(line.replace(executable(), "~/old/cowork-env"))
    assert "hook-gone" in run_in_bash(home, "--offline", "--json").codes("warning")
    done = run_in_bash(home, "--offline", "--json", "--fix")
    assert (home.path / ".bashrc").read_text() == line
    assert "hook-gone" not in done.codes("warning") and "hook" in done.codes("ok")


def test_provider_that_applies_but_is_not_active_in_the_shell(home: Home) -> None:
    home.providers()
    home.pin(home.path / "project", "OpenRouter\n")
    done = run_in_bash(home, "--offline", "--json", cwd=home.path / "project")
    assert done.status == 1 and done.codes() == ["shell"]
    assert [p["name"] for p in done.json["providers"]] == ["OpenRouter"]


def test_a_denied_pin(home: Home) -> None:
    home.providers()
    pin = home.pin(home.path / "project", "OpenRouter\n")
    TrustStore(str(home.state)).deny(location(str(pin)))
    done = run_in_bash(home, "--offline", "--json", cwd=home.path / "project")
    (found,) = [f for f in done.json["findings"] if f["code"] == "denied"]
    assert (found["level"], found["where"]) == ("note", "~/project/.cowork-provider")
    assert "cowork-env allow" in found["hint"] and done.status == 0


def test_displaced_hook(home: Home) -> None:
    home.providers()
    (home.path / ".bashrc").write_text(
        'eval "$(cowork-env hook bash)"\nPROMPT_COMMAND="history -a"\n'
    )
    done = run_in_bash(home, "--offline", "--json")
    (found,) = [f for f in done.json["findings"] if f["code"] == "hook-displaced"]
    assert found["where"] == "~/.bashrc:2" and done.status == 1
    (home.path / ".bashrc").write_text(
        'eval "$(cowork-env hook bash)"\nPROMPT_COMMAND="history -a; $PROMPT_COMMAND"\n'
    )
    assert run_in_bash(home, "--offline").status == 0


def test_variable_and_the_startup_file_that_sets_it(home: Home) -> None:
    home.providers()
    (home.path / ".bashrc").write_text(
        f"# export ANTHROPIC_API_KEY=x\nalias a=b\nexport ANTHROPIC_API_KEY='{KEY}'\n"
    )
    done = run_in_bash(
        home, "--offline", "--json", ANTHROPIC_API_KEY=KEY, ANTHROPIC_AUTH_TOKEN="other"
    )
    (found,) = [f for f in done.json["findings"] if f["where"] == "~/.bashrc:3"]
    assert (
        found["code"] == "variable"
        and found["level"] == "warning"
        and "ANTHROPIC_API_KEY" in found["message"]
    )


def test_variable_that_redirects_all_requests(home: Home) -> None:
    home.providers()
    done = run(home, "--offline", "--json", ANTHROPIC_UNIX_SOCKET="/tmp/sock")
    assert done.status == 1 and done.codes() == ["redirected"]


def test_settings_files_and_other_switchers(home: Home) -> None:
    home.providers(
        [entry("Mine", "http://127.0.0.1:9", env={"CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": ""})]
    )
    project = home.path / "project"
    home.pin(project, "Mine\n")
    (project / ".claude").mkdir()
    (project / ".claude/settings.json").write_text(
        json.dumps(
            {"env": {"ANTHROPIC_BASE_URL": "http://127.0.0.1:6666"}, "apiKeyHelper": "echo x"}
        )
    )
    (home.path / ".cc-switch").mkdir()
    done = run(home, "--offline", "--json", cwd=project)
    places = [
        f["where"]
        for f in done.json["findings"]
        if f["code"] == "settings" and f["level"] == "error"
    ]
    assert places == ["~/project/.claude/settings.json"] * 2 and done.status == 1
    assert "leftover" in done.codes("note")
    # With the host flag the same files are held off.
    home.providers([entry("Mine", "http://127.0.0.1:9")])
    done = run(home, "--offline", "--json", cwd=project)
    assert "settings" in done.codes("note") and "settings" not in done.codes()


def test_parse_errors_have_a_place(home: Home) -> None:
    path = home.providers()
    path.write_text('[\n  {"name": "A",}\n]')
    done = run(home, "--offline", "--json")
    assert done.status == 1 and "line 2" in done.json["findings"][0]["message"]
    home.providers(
        [
            {"name": "A", "baseUrl": "ftp://x", "authToken": KEY},
            entry("B", "https://b.example"),
            entry("b", "https://c"),
        ]
    )
    done = run(home, "--all", "--offline", "--json")
    assert {"entry", "duplicate"} <= set(done.codes())
    assert any("[0].baseUrl" in f["message"] for f in done.json["findings"])


def test_special_files_do_not_hang_the_command(home: Home) -> None:
    home.providers()
    os.mkfifo(home.path / ".bashrc")
    (home.path / ".profile").write_bytes(b"\xff\xfe export ANTHROPIC_API_KEY=1\n")
    assert run_in_bash(home, "--offline").status == 0


def test_launchers(home: Home) -> None:
    """Whether they are found, and what hides one."""
    home.providers()
    codes = run_in_bash(home, "--offline", "--json").json["findings"]
    assert "launcher" not in [f["code"] for f in codes]
    Program(home).run("shim", "claude").check()
    (home.path / ".bashrc").write_text("alias claude=/opt/claude\n")
    found = run_in_bash(home, "--offline", "--json").json["findings"]
    said = [(f["level"], f["where"]) for f in found if f["code"] == "launcher"]
    folder = "~/.local/share/cowork-env/shims"
    assert said == [("warning", folder), ("warning", "~/.bashrc:1")]
    path = f"{home.path / folder[2:]}:{home.env['PATH']}"
    found = run_in_bash(home, "--offline", "--json", PATH=path).json["findings"]
    assert [f["where"] for f in found if f["code"] == "launcher"] == ["~/.bashrc:1"]
