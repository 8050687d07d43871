"""``import``: without a source, as a trial, with what becomes of each setting, and cleaning up."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from support.home import Home
from support.program import Completed, Program
from support.terminal import Dialog

DATA = Path(__file__).parents[1] / "importers/data"
KEY = "sk-invented-and-long-enough-to-show-4242"
OTHER = "sk-another-one-long-enough-to-show-5151"
URL, TOKEN = "ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN"
HERE = "http://127.0.0.1:9"  # where nothing listens
CLEAN = ("import", "claude-settings", "--clean-settings")


def settings(home: Home, env: Mapping[str, str], where: str = "", **more: object) -> Path:
    path = home.path / where / ".claude/settings.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**more, "env": env}, indent=2) + "\n")
    return path


def run(home: Home, *args: str, cwd: Path | None = None, **env: str) -> Completed:
    file = {"COWORK_ENV_PROVIDERS_FILE": str(home.file), **env}
    done = Program(home).run(*args, cwd=cwd, env=file)
    for key in (KEY, OTHER, "invented-router-key"):
        assert key not in done.stdout + done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    return done


def names(home: Home) -> list[str]:
    entries = json.loads(home.file.read_text()) if home.file.exists() else []
    return [entry["name"] for entry in entries]


def every_source(home: Home) -> None:
    settings(home, {URL: "https://one.example", TOKEN: KEY})
    router = home.path / ".claude-code-router/config.json"
    router.parent.mkdir()
    shutil.copy(DATA / "router-1.0.49.json", router)
    shutil.copytree(DATA / "ccs-7", home.path / ".ccs")
    (home.path / ".cc-switch").mkdir()
    listed = {"1": {"name": "Switched", "settingsConfig": {"env": {TOKEN: OTHER}}}}
    (home.path / ".cc-switch/config.json").write_text(json.dumps({"providers": listed}))
    app = home.config / "Agent Cowork/api-config.json"
    app.parent.mkdir(parents=True, exist_ok=True)
    app.write_text(json.dumps({"apiKey": OTHER, "baseURL": "https://app.example", "model": "m"}))


def test_without_a_source_and_a_terminal_it_lists_what_there_is(home: Home) -> None:
    every_source(home)
    done = run(home, "import", **{URL: "https://env.example", TOKEN: OTHER})
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert "claude-settings: Provider one.example; Base URL https://one.example" in lines
    assert "env: Provider env.example; Base URL https://env.example" in lines
    assert "cc-switch: Provider Switched; Base URL https://api.anthropic.com" in lines
    assert "api-config: Provider app.example; Base URL https://app.example" in lines
    assert "ccs: Provider glm; Base URL https://api.z.ai/api/anthropic" in lines
    assert any("siliconflow" in s and s.endswith("is a placeholder, not a key") for s in lines)
    for source in ("claude-settings", "env", "cc-switch", "claude-code-router", "ccs"):
        assert f"cowork-env import {source} --yes\n" in done.stderr
    assert "claude-acc" not in done.stdout + done.stderr
    assert not home.file.exists()


def test_what_is_there_already_is_no_news(home: Home) -> None:
    settings(home, {URL: "https://one.example", TOKEN: KEY})
    assert run(home, "import", "claude-settings", "--yes").returncode == 0
    done = run(home, "import")
    assert "one.example; exists already, as 'one.example'" in done.stdout
    assert "nothing new to import" in done.stderr


def test_nothing_to_import(home: Home) -> None:
    done = run(home, "import")
    assert (done.returncode, done.stdout) == (0, "")
    assert "There is nothing new to import from here." in done.stderr


def test_a_source_that_cannot_be_read_does_not_hide_the_others(home: Home) -> None:
    settings(home, {URL: "https://one.example", TOKEN: KEY})
    (home.path / ".claude-code-router").mkdir()
    (home.path / ".claude-code-router/config.json").write_text("{")
    done = run(home, "import")
    assert "one.example" in done.stdout
    assert "claude-code-router: ~/.claude-code-router/config.json is not valid JSON" in done.stderr


def test_the_settings_of_a_repository_are_named_and_not_imported(home: Home) -> None:
    project = home.path / "project"
    settings(home, {URL: "https://evil.example", TOKEN: OTHER}, "project")
    done = run(home, "import", cwd=project)
    assert (done.returncode, done.stdout) == (0, "")
    assert "If you trust it: cowork-env import .claude/settings.json\n" in done.stderr
    settings(home, {URL: "https://mine.example", TOKEN: OTHER})
    done = run(home, "import", cwd=home.path)
    assert "If you trust it" not in done.stderr, "the user's own"


@pytest.mark.parametrize("arguments", [("-y",), ("--name", "x"), ("--clean-settings",)])
def test_what_needs_a_source(home: Home, arguments: tuple[str, ...]) -> None:
    assert run(home, "import", *arguments).returncode == 2
    assert run(home, "import", "env", "--clean-settings").returncode == 2


@pytest.mark.parametrize("arguments", [(), ("claude-settings",), ("claude-settings", "-y")])
def test_a_dry_run_changes_nothing(home: Home, arguments: tuple[str, ...]) -> None:
    every_source(home)
    path = home.path / ".claude/settings.json"
    before = path.read_bytes()
    clean = ("--clean-settings",) if arguments else ()
    done = run(home, "import", *arguments, "--dry-run", *clean)
    assert done.returncode == 0, done.stderr
    assert "base URL  https://one.example" in done.stderr
    assert "1 would be added; nothing was changed (--dry-run)." in done.stderr
    assert ('-    "ANTHROPIC_AUTH_TOKEN": "••••••••4242"' in done.stderr) is bool(arguments)
    assert not home.file.exists()
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["settings.json"]


def test_several_are_chosen_by_their_numbers(home: Home) -> None:
    every_source(home)
    env = {"COWORK_ENV_PROVIDERS_FILE": str(home.file), "TERM": "dumb"}
    with Dialog.with_program(home, "import", "--no-check", env=env) as dialog:
        shown = dialog.expect("'all' or 'none'")
        assert "Import which?" in shown and KEY not in shown
        assert shown.count("one.example") == 2, "name and URL, listed once"
        assert "siliconflow" in shown.partition("Import which?")[0], "what cannot be chosen"
        listed = [s.split(". ")[1] for s in shown.splitlines() if ". " in s and "http" in s]
        assert listed[0] == "one.example  claude-settings, https://one.example"
        wanted = [i for i, s in enumerate(listed, 1) if "cc-switch, " in s or "glm" in s]
        dialog.send(",".join(map(str, wanted)) + "\n")
        dialog.answer("Add it?", "y")
        dialog.answer("Add it?", "")
        dialog.finish()
    assert dialog.status == 0
    assert names(home) == ["Switched", "glm"]


def test_the_only_one_is_not_asked_about_twice(home: Home) -> None:
    settings(home, {URL: HERE, TOKEN: KEY, "HTTPS_PROXY": "http://proxy.example:1"})
    with Dialog.with_program(home, "import", "--no-check", env={}) as dialog:
        shown = dialog.answer("Add it?", "y")
        assert "Import which?" not in shown and f"claude-settings, {HERE}" in shown
        assert f"  base URL     {HERE}" in shown.replace("\r", "").splitlines()
        dialog.answer("Take them out", "")
        rest = dialog.finish()
    assert rest.count("cowork-env pin 127-0-0-1-9") == 1 == rest.count("cowork-env use 127-0-0-1-9")


def test_what_becomes_of_each_setting(home: Home) -> None:
    env = {
        URL: "https://one.example",
        TOKEN: KEY,
        "ANTHROPIC_API_KEY": OTHER,
        "ANTHROPIC_MODEL": "m",
        "ANTHROPIC_BETAS": "b",
        "API_TIMEOUT_MS": "6",
        "HTTPS_PROXY": "http://me:hidden@proxy.example:1",
        "EDITOR": "vi",
        "DISABLE_TELEMETRY": "",
    }
    more = {"model": "opus", "apiKeyHelper": "/x", "awsAuthRefresh": "/y", "hooks": {}, "theme": 1}
    settings(home, env, **more)
    done = run(home, "import", "claude-settings", "-y")
    ignored = "stays there; Claude Code ignores it while a provider is active"
    in_force = "stays there, and is in force with every provider"
    for row in (
        f"{URL}: taken",
        f"{TOKEN}: taken",
        f"ANTHROPIC_API_KEY: {ignored}",
        "ANTHROPIC_MODEL: taken",
        f"ANTHROPIC_BETAS: {in_force}",
        "API_TIMEOUT_MS: taken",
        "HTTPS_PROXY: taken; there, Claude Code ignores it while a provider is active",
        f"EDITOR: {in_force}",
        "DISABLE_TELEMETRY: stays there; empty",
        "model: stays there; used where neither a provider nor ANTHROPIC_MODEL names one",
        f"apiKeyHelper: {ignored}",
        "awsAuthRefresh: stays there, for clouds",
        "2 more: not about a provider, stay there",
    ):
        assert row in done.stderr.splitlines()
    assert "hidden" not in done.stderr
    assert "cowork-env import claude-settings --clean-settings" in done.stderr


def test_what_becomes_of_each_variable(home: Home) -> None:
    own = {URL: "https://one.example", TOKEN: KEY, "ANTHROPIC_API_KEY": OTHER}
    done = run(home, "import", "env", "-y", **own)
    assert f"{URL}: taken" in done.stderr.splitlines()
    assert "ANTHROPIC_API_KEY: left out; unset while a provider is active" in done.stderr
    assert "'cowork-env doctor' names the startup file" in done.stderr


def test_a_script_takes_lines_out_only_if_it_says_so(home: Home) -> None:
    path = settings(home, {URL: "https://one.example", TOKEN: KEY, "A": "1"}, model="m")
    before = path.read_bytes()
    assert run(home, "import", "claude-settings", "-y").returncode == 0
    assert path.read_bytes() == before
    assert run(home, *CLEAN).returncode == 2, "--yes is missing"
    assert path.read_bytes() == before
    done = run(home, *CLEAN, "-y")
    assert done.returncode == 0, done.stderr
    assert json.loads(path.read_text()) == {"model": "m", "env": {"A": "1"}}
    (backup,) = path.parent.glob("settings.json.backup-*")
    assert backup.read_bytes() == before and backup.stat().st_mode & 0o777 == 0o600
    assert f"as it was: ~/.claude/{backup.name}" in done.stderr
    assert "'claude' no longer uses this endpoint but its own login" in done.stderr
    assert "cowork-env use one-example" in done.stderr
    assert names(home) == ["one.example"]


@pytest.mark.parametrize("use", [True, False])
def test_lines_are_taken_out_after_a_question(home: Home, use: bool) -> None:
    path = settings(home, {URL: HERE, TOKEN: KEY})
    env = {"COWORK_ENV_PROVIDERS_FILE": str(home.file)}
    command = ("import", "claude-settings", "--no-check")
    with Dialog.with_program(home, *command, env=env) as dialog:
        dialog.answer("Add it?", "y")
        shown = dialog.answer("Take them out, keeping a copy of the file? [y/N]", "y")
        assert f'-    "{URL}": "{HERE}",' in shown and KEY not in shown
        dialog.answer("Use 127.0.0.1:9 wherever no pin applies? [Y/n]", "" if use else "n")
        rest = dialog.finish()
    assert dialog.status == 0
    assert json.loads(path.read_text()) == {"env": {}}
    assert ("is used where no pin applies" in rest) is use
    assert ("Next: cowork-env init" in rest) is use
    assert ("Elsewhere: cowork-env use 127-0-0-1-9" in rest) is not use
    assert (home.state / "selection").exists() is use


def test_what_was_added_is_tried_out(home: Home) -> None:
    settings(home, {URL: HERE, TOKEN: KEY})
    env = {"COWORK_ENV_PROVIDERS_FILE": str(home.file)}
    with Dialog.with_program(home, "import", "claude-settings", env=env) as dialog:
        dialog.answer("Add it?", "y")
        dialog.expect("127.0.0.1:9: does not work yet")
        dialog.answer("Take them out", "")
        dialog.finish()
    assert names(home) == ["127.0.0.1:9"]


def test_ctrl_c_at_the_choice_adds_nothing(home: Home) -> None:
    every_source(home)
    env = {"COWORK_ENV_PROVIDERS_FILE": str(home.file), "TERM": "dumb"}
    with Dialog.with_program(home, "import", env=env) as dialog:
        dialog.expect("'all' or 'none'")
        dialog.interrupt()
    assert dialog.status == 130
    assert not home.file.exists()


def test_the_apps_older_file(home: Home) -> None:
    path = home.config / "agent-cowork/api-config.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"apiKey": KEY, "baseURL": "https://a.example", "model": "m"}))
    assert run(home, "import", "api-config", "-y").returncode == 0
    assert names(home) == ["a.example"]
    path.write_text("[]")
    assert run(home, "import", "api-config", "-y").returncode == 1


@pytest.mark.parametrize("file", ["router-1.0.49.json", "ccs-4/glm.settings.json"])
def test_a_file_is_recognized_by_its_content(home: Home, file: str) -> None:
    copy = home.path / "some.txt"
    shutil.copy(DATA / file, copy)
    done = run(home, "import", str(copy), "-y")
    assert names(home) == (["openrouter", "ollama"] if "router" in file else ["api.z.ai"])
    assert ("deepseek is left out: its key is a reference" in done.stderr) is ("router" in file)


def test_the_list_of_ccs_names_other_files(home: Home) -> None:
    done = run(home, "import", str(DATA / "ccs-4/config.json"), "-y")
    assert done.returncode == 1
    assert "cowork-env import ccs" in done.stderr


@pytest.mark.parametrize("version", ["3.7", "3.8", "config.json"])
def test_what_cc_switch_translates_is_left_out(home: Home, version: str) -> None:
    """Newer versions can send requests in other formats, through a proxy of their own."""
    rows: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("Chat", {"env": {URL: "https://chat.example", TOKEN: KEY}}, {"apiFormat": "openai_chat"}),
        ("Plain", {"env": {URL: "https://plain.example", TOKEN: KEY}}, {"apiFormat": "anthropic"}),
        ("Proxy", {"env": {URL: "http://127.0.0.1:15721", TOKEN: "PROXY_MANAGED"}}, {}),
    ]
    folder = home.path / ".cc-switch"
    folder.mkdir()
    if version == "config.json":
        listed = {n: {"name": n, "settingsConfig": s, "meta": m} for n, s, m in rows}
        (folder / "config.json").write_text(json.dumps({"claude": {"providers": listed}}))
    else:
        meta = "" if version == "3.7" else ", meta TEXT NOT NULL DEFAULT '{}'"
        with sqlite3.connect(folder / "cc-switch.db") as connection:
            connection.execute(
                "CREATE TABLE providers (id TEXT, app_type TEXT, name TEXT, settings_config TEXT"
                f"{meta})"
            )
            for name, config, style in rows:
                values = (name, "claude", name, json.dumps(config), json.dumps(style))
                if meta:
                    connection.execute("INSERT INTO providers VALUES (?, ?, ?, ?, ?)", values)
                else:
                    connection.execute("INSERT INTO providers VALUES (?, ?, ?, ?)", values[:4])
        connection.close()
    done = run(home, "import", "cc-switch", "-y")
    assert done.returncode == 0, done.stderr
    if version == "3.7":
        assert names(home) == ["Chat", "Plain", "Proxy"]
    else:
        assert names(home) == ["Plain", "Proxy"]
        assert "'Chat' is left out: cc-switch's proxy translates" in done.stderr
    assert "Proxy needs the proxy of cc-switch on this machine to be running." in done.stderr
