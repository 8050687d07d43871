"""Accounts in the commands: adding, changing, showing, exporting and importing them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cowork_env import accounts, claude, formats, launcher, overrides, shells, status
from cowork_env.core import environment
from cowork_env.core.environment import ACCOUNT_TOKEN, ACTIVE, BASE_URL, CONFIG_DIR, HOST_FLAG
from cowork_env.core.pins import Pin
from cowork_env.core.provider import InvalidField, Provider
from cowork_env.core.providers import Providers
from cowork_env.core.resolve import Inputs
from cowork_env.editing import Fields
from cowork_env.importers import entries, file
from cowork_env.importers.plan import Plan
from cowork_env.masking import shown_entry
from cowork_env.models import validated
from cowork_env.pinning import describe
from cowork_env.shells import NAMES
from cowork_env.util.errors import CoworkEnvError

from support.home import GUIDE, Home
from support.program import Program, environment_after
from support.providers import dialog, ok, run, saved

TOKEN = "sk-ant-oat01-marked-5f2e9c0d1b7a4e63"
LOGIN: dict[str, Any] = {"name": "Work", "auth": "account", "configDir": "~/.claude-work"}
BY_TOKEN: dict[str, Any] = {"name": "CI", "auth": "account", "authToken": TOKEN}
URL = "https://api.anthropic.com"


# Adding


def test_add_the_default_login(home: Home) -> None:
    said = ok(home, "add", "claude-account").stderr
    (entry,) = saved(home)
    assert entry.pop("id")
    assert entry == {"name": "Claude", "baseUrl": URL, "auth": "account"}
    assert "cowork-env exec --provider claude -- claude auth login" in said


@pytest.mark.parametrize(
    ("given", "written"),
    [("~/.claude-work", "~/.claude-work"), ("logins/../work", "{home}/work"), ("/a", "/a")],
)
def test_add_a_directory(given: str, written: str, home: Home) -> None:
    ok(home, "add", "--account", "--config-dir", given)
    (entry,) = saved(home)
    assert entry["configDir"] == written.format(home=home.path)
    assert entry["name"] == f"Claude ({'a' if given == '/a' else 'work'})"


@pytest.mark.parametrize("given", ["~other/x", "~"])
def test_a_directory_that_cannot_be_is_refused(given: str, home: Home) -> None:
    ran = run(home, "add", "--account", "--config-dir", given).check(2)
    assert "--config-dir is" in ran.stderr and not home.file.exists()


def test_add_a_token(home: Home) -> None:
    ran = ok(home, "add", "--account", "--token-stdin", stdin=TOKEN + "\n")
    (entry,) = saved(home)
    assert (entry["name"], entry["authToken"]) == ("Claude (token)", TOKEN)
    assert TOKEN not in ran.stdout + ran.stderr and "auth login" not in ran.stderr
    ok(home, "add", "--account", "--token-from", "env:T", "--name", "B")
    assert saved(home)[1]["authTokenFrom"] == "env:T"


def test_an_api_key_is_no_token(home: Home) -> None:
    key = "sk-ant-api03-marked-0123456789"
    ran = run(home, "add", "--account", "--token-stdin", stdin=key).check(1)
    assert "not a token of 'claude setup-token'" in ran.stderr and key not in ran.stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--account", "--auth", "bearer"], "exclude each other"),
        (["--config-dir", "x", "--name", "A"], "--config-dir is for an account"),
        (["--account", "--base-url", "https://x.example"], "--base-url is not for an account"),
        (["claude-account", "--base-url", "https://x.example"], "--base-url is not for an acc"),
    ],
)
def test_options_that_contradict(options: list[str], says: str, home: Home) -> None:
    assert says in run(home, "add", *options).stderr and not home.file.exists()


def test_add_asks_for_directory_and_name(home: Home) -> None:
    with dialog(home, "add", "claude-account") as child:
        child.answer("Enter for the default login", "~user/x")
        child.expect("That is not an absolute path. It begins with '/'")
        for wrong, why in (("https://x.example", "a URL"), ("$HOME/x", "a variable")):
            child.answer("Enter for the default login", wrong)
            child.expect(why)
        (home.path / "file").touch()
        child.answer("Enter for the default login", "~/file")
        child.expect("That is a file, not a directory.")
        child.answer("Enter for the default login", "~/.claude-work")
        child.answer("Name [Claude (work)]", "")
        shown = child.finish()
        assert child.status == 0
    assert "claude auth login" in shown and "cowork-env pin claude-work" in shown
    assert "Key" not in shown
    assert saved(home)[0]["configDir"] == "~/.claude-work"


def test_add_with_a_name_asks_for_nothing(home: Home) -> None:
    with dialog(home, "add", "--account", "--name", "Private") as child:
        shown = child.finish()
        assert child.status == 0
    assert "added Private (default login)" in shown and "Directory" not in shown


def test_add_says_that_a_directory_is_not_trusted(home: Home) -> None:
    (home.path / "shared").mkdir()
    (home.path / "shared").chmod(0o777)
    said = ok(home, "add", "--account", "--name", "A", "--config-dir", "~/shared").stderr
    assert "It cannot be used yet: " in said and "auth login" not in said


def test_add_asks_for_a_token_by_its_command(home: Home) -> None:
    with dialog(home, "add", "--account", "--token-stdin") as child:
        child.answer("Name [Claude (token)]", "")
        child.answer("Token (from 'claude setup-token', hidden)", TOKEN, hidden=True)
        child.answer("Use it everywhere? [Y/n]", "n")
        assert TOKEN not in child.finish()
    assert saved(home)[0]["authToken"] == TOKEN


def test_add_says_who_is_logged_in(home: Home) -> None:
    make_login(home.path / ".claude-work", "me@work.example", inside=True)
    said = ok(home, "add", "--account", "--config-dir", "~/.claude-work").stderr
    assert "It is logged in as me@work.example (max)." in said and "auth login" not in said


def make_login(folder: Path, email: str, *, inside: bool, **more: Any) -> None:
    """A login of Claude Code's, in the form of its files."""
    folder.mkdir(mode=0o700, exist_ok=True)
    tokens = {"accessToken": TOKEN, "refreshToken": TOKEN, "expiresAt": 9e12} | more
    path = folder / ".credentials.json"
    path.write_text(json.dumps({"claudeAiOauth": {**tokens, "subscriptionType": "max"}}))
    path.chmod(0o600)
    own = folder if inside else folder.parent
    (own / ".claude.json").write_text(json.dumps({"oauthAccount": {"emailAddress": email}}))


# Changing


def changed(entry: dict[str, Any], **fields: Any) -> dict[str, Any]:
    after = json.loads(json.dumps(entry))
    Fields(**fields).apply(after)
    return after


def test_an_endpoint_becomes_an_account_and_keeps_nothing() -> None:
    before = {**GUIDE[1], "auth": "api-key", "verbatimBaseUrl": True, "allowInsecure": True}
    after = changed(before, auth="account", config_dir="/x")
    assert after == {
        **{key: GUIDE[1][key] for key in ("id", "name")},
        "auth": "account",
        "baseUrl": URL,
        "configDir": "/x",
    }
    assert changed(before, auth="account", token=TOKEN)["authToken"] == TOKEN


@pytest.mark.parametrize("auth", ["bearer", "api-key", ""])
def test_an_account_becomes_an_endpoint_and_keeps_nothing(auth: str) -> None:
    before = {**LOGIN, "authToken": TOKEN, "baseUrl": URL, "defaultModel": "opus"}
    after = changed(before, auth=auth, base_url="https://x.example", token="sk-x")
    rest = {"auth": auth} if auth else {}
    assert after == {"name": "Work", "baseUrl": "https://x.example", "authToken": "sk-x", **rest}


def test_a_change_of_an_account_keeps_the_rest() -> None:
    before = {**LOGIN, "baseUrl": URL, "defaultModel": "opus"}
    assert changed(before, auth="account", config_dir="") == {
        key: value for key, value in before.items() if key != "configDir"
    }
    assert changed(BY_TOKEN, token_from="keyring:a/b") == {
        "name": "CI",
        "auth": "account",
        "authTokenFrom": "keyring:a/b",
    }


def test_edit(home: Home) -> None:
    home.providers([GUIDE[1]])
    ok(home, "edit", "openrouter", "--account", "--config-dir", "~/.claude-work")
    assert {"authToken", "models", "defaultModel"}.isdisjoint(saved(home)[0])
    assert "Missing --base-url" in run(home, "edit", "openrouter", "--auth", "bearer").stderr
    ran = run(home, "edit", "openrouter", "--base-url", "https://x.example").check(2)
    assert "--base-url is not for an account" in ran.stderr and "--auth bearer" in ran.stderr
    ok(
        home,
        "add",
        "claude-account",
        "--name",
        "B",
        "--auth",
        "bearer",
        "--base-url",
        "https://x.example",
        "--token-stdin",
        stdin="key",
    )  # what the hint says
    assert saved(home)[1]["baseUrl"] == "https://x.example"
    ran = run(home, "edit", "openrouter", "--auth", "bearer", "--base-url", "https://x.example")
    assert "Missing --token-stdin" in ran.check(2).stderr
    home.providers([GUIDE[1]])
    ran = run(home, "edit", "openrouter", "--config-dir", "~/x").check(2)
    assert "--config-dir is for an account" in ran.stderr
    ok(home, "edit", "openrouter", "--account", "--config-dir", "~/.claude-work")
    ok(home, "rename", "openrouter", "Private")
    assert saved(home)[0]["configDir"] == "~/.claude-work"
    ok(home, "remove", "private", "--yes")
    assert saved(home) == []


def test_edit_asks_about_an_account(home: Home) -> None:
    home.providers([LOGIN])
    with dialog(home, "edit", "work", "--no-check", COWORK_ENV_PLAIN="1") as child:
        shown = child.answer("Number or name [default model]: ", "directory")
        assert "base URL" not in shown and "key sent as" not in shown
        child.answer(
            "Directory of the login, - for the default login [~/.claude-work]", "~/.claude-b"
        )
        child.answer("Number or name [done]: ", "default model")
        child.answer("Default model, Enter for none: ", "opus")
        child.answer("Number or name [done]: ", "")
        child.finish()
        assert child.status == 0
    before = home.file.read_bytes()
    with dialog(home, "edit", "work", "--no-check", COWORK_ENV_PLAIN="1") as child:
        child.answer("Number or name [default model]: ", "")
        child.answer("Default model, - for none [opus]: ", "")
        child.answer("Number or name [default model]: ", "done")
        shown = child.finish()
        assert "Nothing was changed." in shown and "changed Work" not in shown
    assert home.file.read_bytes() == before
    assert {"configDir": "~/.claude-b", "defaultModel": "opus"}.items() <= saved(home)[0].items()


# Showing


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({}, "default login"),
        ({"configDir": "~/.claude"}, "default login"),
        ({"configDir": "~/.claude-work"}, "~/.claude-work"),
        ({"authToken": TOKEN}, "token"),
        ({"authTokenFrom": "env:X", "configDir": "/x"}, "token, /x"),
    ],
)
def test_where_an_account_is(entry: dict[str, Any], words: str) -> None:
    provider = Provider({"name": "A", "auth": "account", **entry})
    assert accounts.place(provider) == words
    assert describe(Pin("A", {}, False), provider) == [("provider", "A"), ("account", words)]


def test_no_url_is_shown_that_is_not_exported(home: Home) -> None:
    home.providers([LOGIN | {"baseUrl": URL}, BY_TOKEN | {"baseUrl": URL}])
    ok(home, "use", "work")
    for command in (["list"], ["show", "work"], ["show", "ci"], ["status"]):
        for json_too in ([], ["--json"]):
            ran = ok(home, *command, *json_too)
            assert URL not in ran.stdout and TOKEN not in ran.stdout + ran.stderr, command
    listed = ok(home, "list").stdout
    assert "account: ~/.claude-work" in listed and "account: token" in listed
    rows = json.loads(ok(home, "list", "--json").stdout)
    assert [(row["account"], row["baseUrl"], row["error"]) for row in rows] == [
        ("~/.claude-work", "", ""),
        ("token", "", ""),
    ]
    assert "baseUrl" not in shown_entry(LOGIN | {"baseUrl": URL})


def test_status(home: Home) -> None:
    home.providers([LOGIN, BY_TOKEN, {"name": "Mine", "auth": "account"}])
    text = ok(home, "status", "--provider", "work").stdout
    assert "account   ~/.claude-work" in text and "provider: configDir" in text
    found = json.loads(ok(home, "status", "--provider", "mine", "--json", **IN_SHELL).stdout)
    (row,) = [row for row in found["variables"] if row["name"] == CONFIG_DIR]
    assert (row["set"], row["source"], row["yoursIsKept"]) == (False, "default login", True)
    assert (found["provider"]["account"], found["error"]) == ("default login", None)
    found = json.loads(ok(home, "status", "--provider", "ci", "--json").stdout)
    (row,) = [row for row in found["variables"] if row["name"] == ACCOUNT_TOKEN]
    assert row["secret"] and row["source"] == "provider" and found["keyFrom"] == "stored"


IN_SHELL = {CONFIG_DIR: "/mine"}


# What overrides a login


def report(tmp_path: Path, settings: object, **env: str) -> overrides.Report:
    (tmp_path / ".claude").mkdir(exist_ok=True)
    (tmp_path / ".claude/settings.json").write_text(json.dumps(settings))
    around = {"HOME": str(tmp_path / "home"), **env}
    return overrides.report(around, str(tmp_path), (), "/nonexistent", account=True)


def test_a_base_url_in_a_settings_file_gets_the_login(tmp_path: Path) -> None:
    hostile = {"env": {BASE_URL: "https://evil.example"}}
    (leak,) = report(tmp_path, hostile).login_leaks
    assert leak.variable == BASE_URL
    assert report(tmp_path, hostile, **{HOST_FLAG: "1"}).login_leaks == []
    assert report(tmp_path, {"env": {BASE_URL: URL + "/"}}).login_leaks == []
    other = overrides.report({"HOME": "/x"}, str(tmp_path), (), "/nonexistent")
    assert other.login_leaks == []


@pytest.mark.parametrize(("way", "leaks"), [(claude.SETTINGS, 0), (claude.FLAG, 1)])
def test_a_launcher_keeps_a_login_from_it(
    way: str, leaks: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = launcher.Protection("/launchers/claude", "/bin/claude", "9.9.9", way)
    monkeypatch.setattr(launcher, "protection", lambda _path: found)
    reported = report(tmp_path, {"env": {BASE_URL: "https://evil.example"}})
    status.mark_protected(reported, {})
    assert len(reported.login_leaks) == leaks
    assert reported.settings[0].effect == (overrides.WINS if leaks else overrides.HELD)


def test_status_and_doctor_warn_of_it(home: Home) -> None:
    home.providers([LOGIN])
    work = home.path / "project"
    home.pin(work, "Work\n")
    (work / ".claude").mkdir()
    settings = {"env": {BASE_URL: "https://evil.example"}}
    (work / ".claude/settings.json").write_text(json.dumps(settings))
    text = Program(home, cwd=work).run("status").stdout
    assert "Claude Code sends this login to the URL in ~/project/.claude/settings.json" in text
    text = Program(home, cwd=work).run("doctor", "--offline").stdout
    assert "Claude Code sends the account's login there" in text


def test_status_and_doctor_say_what_protects_a_login(home: Home) -> None:
    home.providers([LOGIN])
    work = home.path / "project"
    home.pin(work, "Work\n")
    (home.path / "bin").mkdir()
    program = home.path / "bin/claude"
    program.write_text("#!/bin/sh\necho '2.1.332 (Claude Code)'\n")
    program.chmod(0o755)
    path = f"{home.path}/bin:/usr/bin:/bin"

    def run(*words: str, path: str = path) -> str:
        return Program(home, cwd=work).run(*words, PATH=path).stdout

    assert "not protected: a settings file" in run("status")
    assert "cowork-env shim claude" in run("status")
    assert json.loads(run("status", "--json"))["claude"]["protectedBy"] is None
    assert "can send the account's login elsewhere" in run("doctor", "--offline")
    assert json.loads(run("status", "--json", path="/usr/bin:/bin"))["claude"] is None
    run("shim", "claude")
    path = f"{home.path}/.local/share/cowork-env/shims:{path}"
    assert "protected by its launcher" in run("status", path=path)
    assert "protected by its launcher" in run("doctor", "--offline", path=path)


def test_an_api_key_helper_beside_a_token_blocks(tmp_path: Path) -> None:
    helper = {"apiKeyHelper": "echo sk-x"}
    (setting,) = report(tmp_path, helper, **{HOST_FLAG: "1", ACCOUNT_TOKEN: TOKEN}).settings
    assert setting.effect == overrides.BLOCKS
    assert report(tmp_path, helper).settings[0].effect == overrides.WINS


def test_the_key_of_a_console_login_is_the_login(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home/.claude.json").write_text(json.dumps({"primaryApiKey": "sk-x"}))
    assert report(tmp_path, {}).settings == []
    assert report(tmp_path, {}, **{HOST_FLAG: "1", ACCOUNT_TOKEN: TOKEN}).settings


# export


@pytest.mark.parametrize("shell", [name for name in NAMES if name != "pwsh"])
def test_statements_of_every_shell(shell: str) -> None:
    before = {CONFIG_DIR: "/mine", BASE_URL: "https://mine.example"}
    goal = environment.target(Provider(LOGIN), "", {}, "/home/u")
    _, changes = environment.transition(before, "k", goal)
    inside = environment_after(shell, shells.get(shell).statements(changes, leaving=False), before)
    assert inside[CONFIG_DIR] == "/home/u/.claude-work" and BASE_URL not in inside
    _, changes = environment.transition(inside, "", None)
    after = environment_after(shell, shells.get(shell).statements(changes, leaving=True), inside)
    assert before.items() <= after.items() and ACTIVE not in after


@pytest.mark.parametrize("format", formats.ELSEWHERE)
def test_ci_formats_carry_a_token_and_nothing_of_this_machine(
    format: str, home: Home, tmp_path: Path
) -> None:
    home.providers([LOGIN, {"name": "Mine", "auth": "account"}, BY_TOKEN])
    (tmp_path / "env").touch()
    around = {"GITHUB_ENV": str(tmp_path / "env")}
    for name in ("work", "mine"):
        ran = run(home, "export", "--format", format, "--provider", name, **around).check(1)
        assert ran.stdout == "" and "claude setup-token" in ran.stderr
    ran = ok(home, "export", "--format", format, "--provider", "ci", **around)
    text = ran.stdout + (tmp_path / "env").read_text()
    assert ACCOUNT_TOKEN in text and TOKEN in text and CONFIG_DIR not in text
    around |= {CONFIG_DIR: "/mine"}
    if format != "docker":  # a container inherits nothing
        assert (
            CONFIG_DIR
            in run(home, "export", "--format", format, "--provider", "ci", **around).check(1).stderr
        )


def test_dotenv_and_json_are_for_this_machine(home: Home) -> None:
    home.providers([LOGIN, {"name": "Mine", "auth": "account"}])
    text = ok(home, "export", "--format", "dotenv", "--provider", "work").stdout
    assert f"{CONFIG_DIR}={home.path}/.claude-work\n" in text
    assert f"{BASE_URL}=''\n" in text and f"{ACCOUNT_TOKEN}=''\n" in text
    ok(home, "export", "--format", "dotenv", "--provider", "mine")
    ran = run(home, "export", "--format", "dotenv", "--provider", "mine", **IN_SHELL).check(1)
    assert "must be unset" in ran.stderr and not ran.stdout
    values = json.loads(ok(home, "export", "--format", "json", "--provider", "mine").stdout)
    assert values[CONFIG_DIR] is None and values[BASE_URL] is None


def test_no_secrets_never_sets_the_flag_alone(home: Home) -> None:
    home.providers([LOGIN, BY_TOKEN])
    words = ("export", "--format", "bash", "--no-secrets", "--provider")
    ran = run(home, *words, "ci").check(1)
    assert f"{HOST_FLAG} would be set alone" in ran.stderr and ran.stdout == ""
    assert CONFIG_DIR in ok(home, *words, "work").stdout


def test_exec(home: Home) -> None:
    home.providers([LOGIN, BY_TOKEN])
    made = ok(home, "exec", "--provider", "work", "--", "env", "-0", **{BASE_URL: "http://x"})
    env = made.environment()
    assert env[CONFIG_DIR] == f"{home.path}/.claude-work" and BASE_URL not in env
    env = ok(home, "exec", "--provider", "ci", "--", "env", "-0").environment()
    assert (env[ACCOUNT_TOKEN], env[HOST_FLAG]) == (TOKEN, "1") and CONFIG_DIR not in env


def test_no_token_for_an_api_key_helper(home: Home) -> None:
    home.providers([LOGIN, BY_TOKEN])
    for name in ("work", "ci"):
        ran = run(home, "token", name).check(1)
        assert "is no API key" in ran.stderr and ran.stdout == "" and TOKEN not in ran.stderr


# import


def test_import_leaves_out_what_belongs_to_another_machine(tmp_path: Path) -> None:
    path = tmp_path / "providers.json"
    path.write_text(json.dumps([LOGIN, BY_TOKEN, GUIDE[1]]))
    found = file.read(str(path), Inputs({"HOME": str(tmp_path)}, "/", "/x", "/x"), [])
    plan = Plan(found, found.entries, Providers("[]", "", ""))
    assert [entry["name"] for entry in plan.added] == ["CI", "OpenRouter"]
    assert plan.refused == [] and "Work will be left out: an account" in plan.notes[0]
    plan = Plan(found, found.entries, Providers(json.dumps([LOGIN]), "", ""))
    assert plan.notes == ["Work exists already, as 'Work'."]


def test_a_token_in_the_environment_is_an_account() -> None:
    entry = entries.from_variables({ACCOUNT_TOKEN: TOKEN})
    assert entry == {
        "name": "Claude (token)",
        "authToken": TOKEN,
        "auth": "account",
        "baseUrl": URL,
    }
    assert validated(entry).auth == "account"


@pytest.mark.parametrize(
    "beside", [{BASE_URL: "https://x.example"}, {"CLAUDE_CODE_USE_BEDROCK": "1"}]
)
def test_a_token_is_for_no_other_endpoint(beside: dict[str, str]) -> None:
    entry = entries.from_variables({ACCOUNT_TOKEN: TOKEN, **beside}) or {}
    assert TOKEN not in json.dumps(entry)


def test_a_catalogue_has_no_accounts(home: Home) -> None:
    catalogue = home.path / "team.json"
    catalogue.write_text(json.dumps([LOGIN]))
    listed = ok(home, "list", COWORK_ENV_CATALOG=str(catalogue)).stdout
    assert "invalid: auth" in listed


# The desktop app


def test_what_the_app_leaves_of_an_account_sends_nothing(home: Home) -> None:
    """An entry that the app has rebuilt from the keys that it knows is no account any more."""
    home.providers([{"id": "1", "name": "Work", "baseUrl": URL, "authToken": ""}])
    ran = run(home, "exec", "--provider", "work", "--", "env").check(1)
    assert "it has no key" in ran.stderr


def test_the_target_needs_no_home_without_a_directory() -> None:
    with pytest.raises(InvalidField):
        Provider(LOGIN | {"env": {HOST_FLAG: ""}})
    assert environment.target(Provider({"name": "A", "auth": "account"}), "", {})


def test_errors_name_no_token() -> None:
    with pytest.raises(CoworkEnvError) as caught:
        accounts.check_token("sk-ant-api03-secret")
    assert "secret" not in str(caught.value.message + caught.value.hint)
