"""``import``: what is added from each source, and that nothing else is changed."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from cowork_env.core import environment
from cowork_env.core.providers import Providers
from cowork_env.core.resolve import Inputs, resolve, target
from cowork_env.importers import cc_switch
from cowork_env.importers.entries import Found, from_variables
from cowork_env.importers.plan import Plan
from cowork_env.util.errors import CoworkEnvError

from support.home import GUIDE, Home
from support.program import Completed, Program
from support.terminal import Dialog

KEY = "sk-invented-and-long-enough-to-show-4242"
OTHER = "sk-another-one-long-enough-to-show-5151"
URL, TOKEN = "ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN"


class Result:
    def __init__(self, done: Completed, home: Home) -> None:
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        self.entries: list[dict[str, Any]] = (
            json.loads(home.file.read_text()) if home.file.exists() else []
        )


def run(home: Home, *args: str, cwd: Path | None = None, **env: str) -> Result:
    """Run ``import``; no key may be shown, and the sources must not change."""
    before = tree(home.path)
    home.file.parent.mkdir(parents=True, exist_ok=True)  # none is made for a file that is named
    file = {"COWORK_ENV_PROVIDERS_FILE": str(home.file), **env}
    done = Program(home).run("import", *args, cwd=cwd, env=file)
    for key in (KEY, OTHER):
        assert key not in done.stdout + done.stderr
    assert done.stdout == ""
    assert "\x1b" not in done.stderr
    assert tree(home.path) == before
    return Result(done, home)


def tree(path: Path) -> dict[str, tuple[bytes, int]]:
    """Every file but those of the program's own, with content and time."""
    return {
        str(p): (p.read_bytes(), p.stat().st_mtime_ns)
        for p in path.rglob("*")
        if p.is_file()
        and not p.is_relative_to(path / ".config")
        and not p.is_relative_to(path / ".local")
    }


def settings(home: Home, content: object) -> Path:
    path = home.path / ".claude/settings.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def without_id(entry: dict[str, Any]) -> dict[str, Any]:
    assert entry.get("id")
    return {k: v for k, v in entry.items() if k != "id"}


def test_claude_settings(home: Home) -> None:
    env = {
        URL: "https://openrouter.ai/api/v1",
        TOKEN: KEY,
        "ANTHROPIC_MODEL": "m",
        "ANTHROPIC_DEFAULT_OPUS_MODEL": "o",
        "ANTHROPIC_SMALL_FAST_MODEL": "h",
        "API_TIMEOUT_MS": 600000,
        "EDITOR": "vi",
        "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "1",
    }
    settings(home, {"env": env, "hooks": {}})
    result = run(home, "claude-settings", "--yes")
    assert result.code == 0, result.err
    assert [without_id(e) for e in result.entries] == [
        {
            "name": "openrouter.ai",
            "authToken": KEY,
            "baseUrl": "https://openrouter.ai/api/v1",
            "defaultModel": "m",
            "models": {"opus": "o", "haiku": "h"},
            "env": {"API_TIMEOUT_MS": "600000"},
        }
    ]
    assert "••••••••4242" in result.err
    assert home.file.stat().st_mode & 0o777 == 0o600


def test_second_import_adds_nothing(home: Home) -> None:
    settings(home, {"env": {URL: "https://a.example/", TOKEN: KEY}})
    assert len(run(home, "claude-settings", "--yes").entries) == 1
    again = run(home, "claude-settings", "--yes")
    assert (again.code, len(again.entries)) == (0, 1)
    assert "a.example exists already" in again.err


def test_another_key_for_the_same_host_gets_a_numbered_name(home: Home) -> None:
    for key in (KEY, OTHER):
        settings(home, {"env": {URL: "https://a.example", TOKEN: key}})
        result = run(home, "claude-settings", "--yes")
    assert [e["name"] for e in result.entries] == ["a.example", "a.example 2"]


def test_name_option(home: Home) -> None:
    settings(home, {"env": {"ANTHROPIC_API_KEY": KEY}})
    result = run(home, "claude-settings", "--yes", "--name", "Work")
    assert [(e["name"], e["baseUrl"], e["auth"]) for e in result.entries] == [
        ("Work", "https://api.anthropic.com", "api-key")
    ]
    settings(home, {"env": {"ANTHROPIC_API_KEY": OTHER}})
    taken = run(home, "claude-settings", "--yes", "--name", "work")
    assert (taken.code, len(taken.entries)) == (1, 1)
    assert "There is a provider 'work' already" in taken.err


def test_without_a_terminal_yes_is_required(home: Home) -> None:
    settings(home, {"env": {URL: "https://a.example", TOKEN: KEY}})
    result = run(home, "claude-settings")
    assert (result.code, result.entries) == (2, [])
    assert "--yes" in result.err


@pytest.mark.parametrize(("answer", "added"), [("y", 1), ("n", 0), ("", 1), ("Ctrl-C", 0)])
def test_asks_for_confirmation(home: Home, answer: str, added: int) -> None:
    settings(home, {"env": {URL: "https://a.example", TOKEN: KEY}})
    env = {"COWORK_ENV_PROVIDERS_FILE": str(home.file)}
    home.file.parent.mkdir(parents=True)
    command = ("import", "claude-settings", "--no-check")
    with Dialog.with_program(home, *command, env=env) as dialog:
        shown = dialog.expect("Add it?")
        assert "https://a.example" in shown
        assert KEY not in shown
        if answer == "Ctrl-C":
            dialog.interrupt()
        else:
            dialog.send(answer + "\n")
            if added:
                dialog.answer("Take them out", "n")
            dialog.finish()
    assert home.file.exists() is bool(added)
    assert dialog.status == (130 if answer == "Ctrl-C" else 0)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({}, "sets no key"),
        ({"env": {URL: "https://a.example"}}, "sets no key"),
        ({"apiKeyHelper": f"echo {KEY}"}, "apiKeyHelper"),
        ([], "is not a JSON object"),
        ({"env": {URL: "http://a.example", TOKEN: KEY}}, "plain http to another machine"),
        ({"env": {URL: "https://a.example\x1b[2J", TOKEN: KEY}}, "control character"),
        ({"env": {URL: "https://a.example", TOKEN: f"{KEY}\nX"}}, "line break"),
    ],
)
def test_settings_without_a_valid_provider(home: Home, content: object, words: str) -> None:
    settings(home, content)
    result = run(home, "claude-settings", "--yes")
    assert (result.code, result.entries) == (1, [])
    assert words in result.err


def test_missing_settings_file(home: Home) -> None:
    assert "There is no file ~/.claude/settings.json" in run(home, "claude-settings", "--yes").err


def test_the_environment(home: Home) -> None:
    result = run(
        home,
        "env",
        "--yes",
        **{URL: "http://localhost:4000", TOKEN: KEY, "CLAUDE_CODE_ENTRYPOINT": "cli"},
    )
    assert [without_id(e) for e in result.entries] == [
        {"name": "localhost:4000", "authToken": KEY, "baseUrl": "http://localhost:4000"}
    ]


def test_an_empty_environment(home: Home) -> None:
    result = run(home, "env", "--yes")
    assert result.code == 1
    assert "nor CLAUDE_CODE_OAUTH_TOKEN is set." in result.err


def test_variables_of_an_active_provider_are_not_imported(home: Home) -> None:
    home.providers([{"name": "active", "baseUrl": "https://active.example", "authToken": OTHER}])
    work = home.path / "work"
    home.pin(work, "active\n")
    for own, code in (({}, 1), ({URL: "https://mine.example", TOKEN: KEY}, 0)):
        before = {**home.env, **own, "COWORK_ENV_PROVIDERS_FILE": str(home.file)}
        inputs = Inputs(before, str(work), str(home.config), str(home.state))
        found = resolve(inputs)
        env = environment.applied(
            before, environment.transition(before, found.key, target(inputs, found))[1]
        )
        assert env[TOKEN] == OTHER
        result = run(home, "env", "--yes", cwd=work, **env)
        assert result.code == code, result.err
    assert [e["name"] for e in result.entries] == ["active", "mine.example"]
    assert result.entries[1]["authToken"] == KEY


@pytest.mark.parametrize("state", ["", "1:damaged:x"])
def test_unclear_variables_are_not_imported(home: Home, state: str) -> None:
    result = run(
        home, "env", "--yes", **{TOKEN: KEY, "COWORK_ENV_ACTIVE": "x", "COWORK_ENV_STATE": state}
    )
    assert (result.code, result.entries) == (1, [])


def test_cloud_switches_need_no_key() -> None:
    assert from_variables({"CLAUDE_CODE_USE_BEDROCK": "1", "AWS_REGION": "eu-west-1"}) == {
        "name": "Bedrock",
        "env": {"CLAUDE_CODE_USE_BEDROCK": "1", "AWS_REGION": "eu-west-1"},
    }
    assert from_variables({"CLAUDE_CODE_USE_BEDROCK": "0"}) is None


def test_provider_file_in_each_form(home: Home) -> None:
    source = home.path / "other.json"
    for document in (GUIDE[:1], {"providers": GUIDE[1:2], "note": 1}, GUIDE[2]):
        source.write_text(json.dumps(document))
        result = run(home, str(source), "--yes")
        assert result.code == 0, result.err
    ids = [e["id"] for e in result.entries]
    assert [e | {"id": "x"} for e in result.entries] == [e | {"id": "x"} for e in GUIDE[:3]]
    assert not set(ids) & {e["id"] for e in GUIDE}, "each has an id of our own"
    assert all(uuid.UUID(i).version == 4 for i in ids)


def test_an_imported_entry_cannot_take_anothers_place(home: Home) -> None:
    """By an id that is another's name, or a name that is another's slug or id."""
    home.providers(GUIDE[:2])
    hostile = [
        {"id": "OpenRouter", "name": "Helpful", "baseUrl": "https://evil.example"},
        {"id": "x", "name": GUIDE[1]["id"], "baseUrl": "https://evil.example/b"},
        {"id": "y", "name": "my-anthropic-api", "baseUrl": "https://evil.example/c"},
    ]
    (home.path / "list.json").write_text(json.dumps(hostile))
    result = run(home, "list.json", "--yes")
    assert result.code == 0, result.err
    assert result.entries[:2] == GUIDE[:2]
    assert [e["name"] for e in result.entries[2:]] == [
        "Helpful",
        f"{GUIDE[1]['id']} 2",
        "my-anthropic-api 2",
    ]
    read = Providers(home.file.read_text(), "", "f")
    for word in ("OpenRouter", "openrouter", GUIDE[1]["id"]):
        assert read.find(word) == 1
    assert read.find("my-anthropic-api") == 0


def test_a_shared_list_can_set_only_what_clients_read(home: Home) -> None:
    allowed = {"API_TIMEOUT_MS": "60000", "CLAUDE_CODE_USE_BEDROCK": "1", "AWS_REGION": "eu-west-1"}
    hostile = {
        "MAILPATH": "/x?$(touch owned)",
        "RPROMPT": "$(touch owned)",
        "CLAUDE_CODE_SHELL_PREFIX": "/x",
        "CLAUDE_ENV_FILE": "/x",
        "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "",
        "HTTPS_PROXY": "http://evil.example",
        "NODE_EXTRA_CA_CERTS": "/x",
        "NODE_TLS_REJECT_UNAUTHORIZED": "0",
        "ANTHROPIC_VERTEX_BASE_URL": "https://evil.example",
        "ANTHROPIC_CUSTOM_HEADERS": "x-api-key: y",
        "CLAUDE_CONFIG_DIR": "/x",
        "CLOUD_ML_REGION": "evil.example/",
        "MY_NAME\x1b": "x",
    }
    entry = {"name": "L", "authTokenFrom": "cmd:touch owned", "env": {**allowed, **hostile}}
    (home.path / "list.json").write_text(json.dumps([entry]))
    result = run(home, "list.json", "--yes")
    assert result.code == 0, result.err
    assert [without_id(e) for e in result.entries] == [{"name": "L", "env": allowed}]
    for name in [*hostile][:11]:
        assert name in result.err
    assert "will be left out" in result.err and "cmd:touch owned" in result.err
    assert not (home.path / "owned").exists()


def test_the_users_own_settings_keep_proxies_and_certificates(home: Home) -> None:
    own = {"HTTPS_PROXY": "http://near:1", "NODE_EXTRA_CA_CERTS": "/ca.pem", "AWS_PROFILE": "p"}
    env = {URL: "https://a.example", TOKEN: KEY, **own, "CLAUDE_CODE_SHELL": "/x"}
    settings(home, {"env": env})
    result = run(home, "claude-settings", "--yes")
    assert result.entries[0]["env"] == own
    assert "CLAUDE_CODE_SHELL: stays there, and is in force with every provider" in result.err
    assert "HTTPS_PROXY: taken; there, Claude Code ignores it" in result.err
    (home.path / "settings.json").write_text(json.dumps({"env": env}))
    result = run(home, "settings.json", "--yes")
    assert "env" not in result.entries[1], "in a file it may be anyone's"


def test_a_long_list_is_planned_quickly_and_a_longer_one_refused(home: Home) -> None:
    entries = [
        {"name": "Same", "baseUrl": f"https://a.example/{i}", "authToken": "k"} for i in range(1000)
    ]
    plan = Plan(Found(entries), entries, Providers(json.dumps(entries[:500]), "", "f"))
    assert [e["name"] for e in plan.added] == [f"Same {i}" for i in range(2, 502)]
    (home.path / "list.json").write_text(json.dumps([*entries, GUIDE[0]]))
    assert "There are more than 1000 providers" in run(home, "list.json", "--yes").err


def test_invalid_entry_does_not_stop_the_others(home: Home) -> None:
    source = home.path / "other.json"
    source.write_text(
        json.dumps([{"name": "bad", "baseUrl": "ftp://x", "authToken": KEY}, GUIDE[1], 7])
    )
    result = run(home, "other.json", "--yes")
    assert [e["name"] for e in result.entries] == ["OpenRouter"]
    assert result.code == 1
    assert "bad: baseUrl must be an http or https URL" in result.err
    assert "The provider is not an object" in result.err


def test_an_endpoint_in_openais_format_is_refused(home: Home) -> None:
    source = home.path / "other.json"
    wrong = {"name": "G", "baseUrl": "https://api.groq.com/openai/v1", "authToken": KEY}
    source.write_text(json.dumps([wrong, {**wrong, "name": "Own", "verbatimBaseUrl": True}]))
    result = run(home, "other.json", "--yes")
    assert [e["name"] for e in result.entries] == ["Own"]
    assert "G: baseUrl belongs to Groq" in result.err and KEY not in result.err


def test_taken_id_is_replaced(home: Home) -> None:
    home.providers(GUIDE[:1])
    source = home.path / "other.json"
    source.write_text(json.dumps([GUIDE[1] | {"id": GUIDE[0]["id"]}]))
    result = run(home, "other.json", "--yes")
    assert result.code == 0, result.err
    assert len({e["id"] for e in result.entries}) == 2


def test_api_config_of_the_desktop_app(home: Home) -> None:
    source = home.path / "api-config.json"
    source.write_text(
        json.dumps(
            {"apiKey": KEY, "baseURL": "https://a.example", "model": "m", "apiType": "anthropic"}
        )
    )
    result = run(home, "api-config.json", "--yes", "--name", "app")
    assert [without_id(e) for e in result.entries] == [
        {"name": "app", "baseUrl": "https://a.example", "authToken": KEY, "defaultModel": "m"}
    ]
    source.write_text(
        json.dumps(
            {"apiKey": OTHER, "baseURL": "https://b.example", "model": "m", "apiType": "openai"}
        )
    )
    assert "type 'openai'" in (result := run(home, "api-config.json", "--yes")).err
    assert "--api_base https://b.example; then: cowork-env add litellm" in result.err
    source.write_text(json.dumps({"apiKey": 7, "baseURL": "https://b.example"}))
    assert run(home, "api-config.json", "--yes").code == 1


def switched(key: str, host: str) -> dict[str, Any]:
    return {"env": {URL: f"https://{host}", TOKEN: key}, "permissions": {}}


def database(home: Home, rows: list[tuple[str, str, str, str]]) -> Path:
    path = home.path / ".cc-switch/cc-switch.db"
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(
        "CREATE TABLE providers (id TEXT NOT NULL, app_type TEXT NOT NULL, name TEXT NOT NULL,"
        " settings_config TEXT NOT NULL, sort_index INTEGER,"
        " is_current BOOLEAN NOT NULL DEFAULT 0, PRIMARY KEY (id, app_type))"
    )
    connection.executemany(
        "INSERT INTO providers (id, app_type, name, settings_config) VALUES (?, ?, ?, ?)", rows
    )
    connection.commit()
    connection.close()
    return path


def test_cc_switch_database(home: Home) -> None:
    rows = [
        ("1", "claude", "One", json.dumps(switched(KEY, "one.example"))),
        ("2", "claude", "Official", json.dumps({"env": {}})),
        ("3", "codex", "Codex", json.dumps({"auth": {"OPENAI_API_KEY": OTHER}})),
        ("4", "claude", "Broken", "{"),
        ("5", "claude-desktop", "Desktop", json.dumps(switched(OTHER, "desktop.example"))),
    ]
    path = database(home, rows)
    folder = path.parent.stat().st_mtime_ns
    result = run(home, "cc-switch", "--yes")
    assert [(e["name"], e["baseUrl"]) for e in result.entries] == [("One", "https://one.example")]
    assert "'Official' has no key" in result.err
    assert "'Broken' is not valid JSON" in result.err
    assert path.parent.stat().st_mtime_ns == folder, "nothing was even put there for a while"


def test_database_in_use_is_refused(home: Home) -> None:
    path = database(home, [("1", "claude", "One", json.dumps(switched(KEY, "one.example")))])
    path.with_name("cc-switch.db-wal").write_bytes(b"x")
    assert "in use" in run(home, "cc-switch", "--yes").err


@pytest.mark.parametrize("content", [b"no database at all", b""])
def test_unknown_database_is_an_error(home: Home, content: bytes) -> None:
    path = home.path / ".cc-switch/cc-switch.db"
    path.parent.mkdir()
    path.write_bytes(content)
    result = run(home, "cc-switch", "--yes")
    assert result.code == 1
    assert "import claude-settings" in result.err


@pytest.mark.parametrize("form", ["v2", "apps", "v1"])
def test_cc_switch_of_older_versions(home: Home, form: str) -> None:
    listed = {
        "providers": {
            "1": {"id": "1", "name": "One", "settingsConfig": switched(KEY, "one.example")}
        },
        "current": "1",
    }
    document = {
        "v2": {"version": 2, "claude": listed, "codex": {"providers": {}}},
        "apps": {"apps": {"claude": listed}},
        "v1": listed,
    }
    path = home.path / ".cc-switch/config.json"
    path.parent.mkdir()
    path.write_text(json.dumps(document[form]))
    result = run(home, "cc-switch", "--yes")
    assert [(e["name"], e["authToken"]) for e in result.entries] == [("One", KEY)]


_COLUMNS = "app_type TEXT, name TEXT, settings_config TEXT"
_VIEW = (
    "CREATE VIEW providers AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n)"
    " SELECT 'claude' AS app_type, 'x' AS name, '{}' AS settings_config FROM n WHERE i < 0"
)


def hostile(home: Home, *statements: str) -> Path:
    path = home.path / ".cc-switch/cc-switch.db"
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return path


@pytest.mark.parametrize(
    "statements",
    [
        (_VIEW,),
        ("CREATE VIRTUAL TABLE providers USING fts5(app_type, name, settings_config)",),
        (
            "CREATE TABLE providers (app_type TEXT, name TEXT, settings_config TEXT"
            " GENERATED ALWAYS AS (upper(name)))",
            "INSERT INTO providers VALUES ('claude', 'x')",
        ),
        (
            f"CREATE TABLE providers ({_COLUMNS})",
            "INSERT INTO providers VALUES ('claude', 'x', printf('%.*c', 2000000, 'x'))",
        ),
        (
            f"CREATE TABLE providers ({_COLUMNS})",
            "INSERT INTO providers SELECT 'claude', 'x', printf('%.*c', 900000, 'x')"
            " FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 20)"
            " SELECT i FROM n)",
        ),
    ],
    ids=["view", "virtual table", "generated column", "large value", "large values"],
)
def test_a_hostile_database_is_not_read(home: Home, statements: tuple[str, ...]) -> None:
    path = hostile(home, *statements)
    with pytest.raises(CoworkEnvError, match="is not a cc-switch database"):
        cc_switch._read_database(str(path), "DB")
    assert [p.name for p in path.parent.iterdir()] == ["cc-switch.db"]


def test_a_database_that_takes_too_long_is_given_up(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever gets past the other checks."""
    path = hostile(home, _VIEW)
    monkeypatch.setattr(cc_switch, "_check_table", lambda connection: None)
    monkeypatch.setattr(cc_switch, "QUERY", cc_switch.QUERY.replace("ORDER BY rowid", ""))
    monkeypatch.setattr(cc_switch, "SECONDS", 0.2)
    with pytest.raises(CoworkEnvError, match="could not be read within"):
        cc_switch._read_database(str(path), "DB")


def test_ctrl_c_ends_the_reading_of_a_database(home: Home) -> None:
    path = hostile(home, _VIEW)
    code = (
        "import sys, time; from cowork_env.importers import cc_switch as c\n"
        "now, calls = time.monotonic, []\n"
        "def monotonic():\n"  # SQLite is in the query when it asks for the third time
        "    calls.append(1)\n"
        "    if len(calls) == 3: print('reading', flush=True)\n"
        "    return now()\n"
        "time.monotonic, c._check_table = monotonic, lambda connection: None\n"
        "c.QUERY = c.QUERY.replace('ORDER BY rowid', ''); c.SECONDS = 60.0\n"
        "try: c._read_database(sys.argv[1], 'DB')\n"
        "except KeyboardInterrupt: sys.exit(130)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], env=home.env, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "reading\n"
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(10) == 130
        finally:
            process.kill()


def test_a_database_that_is_a_pipe_is_not_opened(home: Home) -> None:
    (home.path / ".cc-switch").mkdir()
    os.mkfifo(home.path / ".cc-switch/cc-switch.db")
    assert run(home, "cc-switch", "--yes").code == 1


def test_cc_switch_is_not_installed(home: Home) -> None:
    assert "There is neither ~/.cc-switch/cc-switch.db" in run(home, "cc-switch", "--yes").err


def test_unreadable_file_is_an_error(home: Home) -> None:
    os.mkfifo(home.path / "fifo")
    (home.path / "torn.json").write_text("[")
    for source, words in (
        ("nowhere.json", "There is no file"),
        ("fifo", "not a regular file"),
        ("torn.json", "not valid JSON"),
    ):
        result = run(home, source, "--yes")
        assert result.code == 1
        assert words in result.err


def test_name_option_with_several_providers(home: Home) -> None:
    (home.path / "other.json").write_text(json.dumps(GUIDE))
    result = run(home, "other.json", "--yes", "--name", "x")
    assert (result.code, result.entries) == (2, [])


def test_providers_from_the_environment_are_read_only(home: Home) -> None:
    settings(home, {"env": {URL: "https://a.example", TOKEN: KEY}})
    result = run(home, "claude-settings", "--yes", COWORK_ENV_PROVIDERS_JSON="[]")
    assert result.code == 1
    assert "read-only" in result.err
