"""``status``: what it says is active, why, and what a client really gets."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cowork_env.core import environment
from cowork_env.core.environment import STATE
from cowork_env.core.resolve import Inputs, resolve, target
from cowork_env.core.trust import TrustStore, location

from support.documents import ROOT, code, rows, section
from support.home import GUIDE, Home, need
from support.program import Program, run_in_shell
from support.terminal import Dialog

KEY = "sk-or-v1-invented-and-long-enough-7777"
MANAGED_HERE = Path("/etc/claude-code/managed-settings.json").exists()
pytestmark = pytest.mark.skipif(
    MANAGED_HERE, reason="this machine has an organization's settings, which count for everybody"
)


@pytest.fixture
def work(home: Home) -> Path:
    """A folder, with the guide's providers in the home and a long key for OpenRouter."""
    entries = [dict(e) for e in GUIDE]
    entries[1]["authToken"] = KEY
    home.providers(entries)
    folder = home.path / "work"
    folder.mkdir()
    return folder


def run(home: Home, directory: Path, *args: str, code: int = 0, **env: str) -> str:
    done = Program(home).run("status", *args, cwd=directory, **env).check(code)
    assert done.stderr == ""
    assert KEY not in done.stdout
    assert "\x1b" not in done.stdout
    return done.stdout


def as_json(home: Home, directory: Path, *args: str, code: int = 0, **env: str) -> dict[str, Any]:
    found = json.loads(run(home, directory, "--json", *args, code=code, **env))
    assert isinstance(found, dict)
    return found


def entered(home: Home, directory: Path, **env: str) -> dict[str, str]:
    """The environment after the hook has done its work there."""
    inputs = Inputs({**home.env, **env}, str(directory), str(home.config), str(home.state))
    found = resolve(inputs)
    changes = environment.transition(inputs.env, found.key, target(inputs, found))[1]
    return environment.applied(inputs.env, changes)


def variable(found: dict[str, Any], name: str) -> dict[str, Any]:
    (row,) = [v for v in found["variables"] if v["name"] == name]
    assert isinstance(row, dict)
    return row


def test_no_provider(home: Home, work: Path) -> None:
    found = as_json(home, work)
    assert (found["provider"], found["rule"], found["error"], found["shell"]["state"]) == (
        None,
        "none",
        None,
        "in-step",
    )
    assert found["variables"] == []
    assert "provider  none" in run(home, work)


def test_json_has_the_documented_keys(home: Home, work: Path) -> None:
    """What docs/status.md lists is what there is; a key less would break a user's program."""
    table = rows(section(ROOT / "docs/status.md", "`--json`"))
    documented = {word for row in table for word in code(row[0])}
    home.pin(work, "openrouter\n")
    (work / ".claude").mkdir()
    (work / ".claude/settings.json").write_text('{"model": "x"}')
    found = as_json(home, work)
    assert set(found) == documented
    assert found["version"] == 1
    assert set(variable(found, "ANTHROPIC_MODEL")) == {
        "name",
        "set",
        "value",
        "secret",
        "source",
        "yoursIsKept",
        "pending",
        "overriddenBy",
    }
    assert set(found["settings"][0]) == {"scope", "path", "key", "variable", "value", "effect"}


def test_active_pin(home: Home, work: Path) -> None:
    pin = home.pin(work, "openrouter\nopus = big/model\n")
    env = entered(home, work, ANTHROPIC_API_KEY="sk-my-own-key-which-is-long")
    found = as_json(home, work, **env)
    assert found["provider"] == {
        "id": GUIDE[1]["id"],
        "name": "OpenRouter",
        "account": "",
        "source": "own",
        "catalog": "",
    }
    assert (found["rule"], found["source"], found["pin"]) == (
        "pin",
        "~/work/.cowork-provider",
        str(pin),
    )
    assert (found["shell"]["state"], found["keyFrom"], found["file"]) == (
        "in-step",
        "stored",
        str(home.file),
    )
    assert [v["name"] for v in found["variables"] if v["pending"]] == []
    url = variable(found, "ANTHROPIC_BASE_URL")
    assert (url["value"], url["source"]) == (
        "https://openrouter.ai/api",
        "provider (there https://openrouter.ai/api/v1)",
    )
    assert variable(found, "ANTHROPIC_AUTH_TOKEN")["value"] == "••••••••7777"
    own = variable(found, "ANTHROPIC_API_KEY")
    assert (own["set"], own["value"], own["yoursIsKept"], own["source"]) == (
        False,
        None,
        True,
        "kept unset",
    )
    sources = {v["name"]: v["source"] for v in found["variables"]}
    assert sources["ANTHROPIC_DEFAULT_OPUS_MODEL"] == "pin: opus"
    assert sources["ANTHROPIC_DEFAULT_HAIKU_MODEL"] == "provider: haiku"
    assert sources["ANTHROPIC_DEFAULT_FABLE_MODEL"] == "the default model"
    assert sources["ANTHROPIC_MODEL"] == "provider: defaultModel"
    assert set(environment.MANAGED) <= set(sources)


def test_shell_without_the_hook(home: Home, work: Path) -> None:
    home.pin(work, "openrouter\n")
    found = as_json(home, work, ANTHROPIC_MODEL="mine")
    assert found["shell"]["state"] == "not-applied"
    assert variable(found, "ANTHROPIC_BASE_URL")["pending"]
    text = run(home, work, ANTHROPIC_MODEL="mine")
    assert "not applied: no hook is loaded\n" in text
    assert "here: mine" in text
    (home.path / ".zshrc").write_text('\neval "$(cowork-env hook zsh)"\n')
    text = run(home, work)
    assert "not applied: no prompt since, or this shell did not read ~/.zshrc:2\n" in text
    assert "no hook is loaded" not in text


def test_changed_by_hand(home: Home, work: Path) -> None:
    home.pin(work, "openrouter\n")
    env = entered(home, work) | {"ANTHROPIC_MODEL": "by/hand"}
    del env["ANTHROPIC_DEFAULT_OPUS_MODEL"]
    found = as_json(home, work, **env)
    assert found["shell"]["state"] == "by-hand"
    row = variable(found, "ANTHROPIC_MODEL")
    assert (row["value"], row["source"], row["pending"]) == ("by/hand", "changed by hand", False)
    removed = variable(found, "ANTHROPIC_DEFAULT_OPUS_MODEL")
    assert (removed["set"], removed["source"]) == (False, "changed by hand")


def test_edit_that_the_shell_has_not_applied(home: Home, work: Path) -> None:
    home.pin(work, "openrouter\n")
    env = entered(home, work)
    home.pin(work, "openrouter\nmodel = newer\n")
    found = as_json(home, work, **env)
    assert found["shell"]["state"] == "stale"
    assert [v["name"] for v in found["variables"] if v["pending"]] == [
        "ANTHROPIC_MODEL",
        "ANTHROPIC_DEFAULT_FABLE_MODEL",
    ]


def test_another_provider_is_still_active(home: Home, work: Path) -> None:
    home.pin(work, "openrouter\n")
    env = entered(home, work)
    home.pin(work, "litellm-local\n")
    assert as_json(home, work, **env)["shell"]["state"] == "stale"
    assert "still has OpenRouter" in run(home, work, **env)
    (work / ".cowork-provider").unlink()
    left = as_json(home, work, **env)
    assert (left["provider"], left["shell"]["state"]) == (None, "left-over")
    row = variable(left, "ANTHROPIC_AUTH_TOKEN")
    assert (row["value"], row["source"]) == ("••••••••7777", "left over from OpenRouter")


def test_damaged_state_is_reported(home: Home, work: Path) -> None:
    assert f"{STATE} is damaged" in run(home, work, **{STATE: "$(touch /tmp/x)"})


def test_shadowed_universal_variable_of_fish_is_in_step(home: Home, work: Path) -> None:
    home.pin(work, "openrouter\n")
    inputs = Inputs(
        {**home.env, "ANTHROPIC_API_KEY": "universal"}, str(work), str(home.config), str(home.state)
    )
    found = resolve(inputs)
    shadowed = frozenset({"ANTHROPIC_API_KEY"})
    changes = environment.transition(inputs.env, found.key, target(inputs, found), False, shadowed)[
        1
    ]
    # fish cannot unset it in this shell alone: an empty one hides it.
    env = environment.applied(inputs.env, changes) | {"ANTHROPIC_API_KEY": ""}
    told = as_json(home, work, **env)
    assert told["shell"]["state"] == "in-step"
    row = variable(told, "ANTHROPIC_API_KEY")
    assert (row["set"], row["yoursIsKept"], row["pending"]) == (False, True, False)


def test_the_real_hook_is_in_step(home: Home, work: Path) -> None:
    bash = need("bash")
    home.pin(work, "openrouter\n")
    script = (
        f'eval "$(cowork-env hook bash)"\ncd {shlex.quote(str(work))}\ncowork-env status --json\n'
    )
    done = subprocess.run(
        [bash, "--norc", "--noprofile"],
        input=script,
        env=home.env,
        capture_output=True,
        text=True,
        timeout=60,
        cwd="/",
    )
    found = json.loads(done.stdout)
    assert (found["provider"]["name"], found["shell"]["state"]) == ("OpenRouter", "in-step")


def test_untrusted_pin_is_reported_and_ignored(home: Home, work: Path) -> None:
    pin = home.pin(work, "openrouter\n", allow=False)
    found = as_json(home, work)
    assert (found["provider"], [p["path"] for p in found["untrusted"]]) == (None, [str(pin)])
    assert "cowork-env allow" in run(home, work)
    assert as_json(home, work, "--trust")["shell"]["state"] == "what-if"


def test_a_changed_pin_and_a_denied_one_are_reported(home: Home, work: Path) -> None:
    pin = home.pin(work, "openrouter\n")
    pin.write_text("openrouter\nopus = big\n")
    (found,) = as_json(home, work)["untrusted"]
    assert (
        "has changed since you allowed it; it now says: provider openrouter (opus big)"
        in (found["message"])
    )
    assert as_json(home, work)["denied"] == []
    TrustStore(str(home.state)).deny(location(str(pin)))
    found = as_json(home, work)
    assert (found["denied"], found["untrusted"]) == ([{"path": str(pin)}], [])
    undo = f"to undo that: cowork-env allow {work}"
    assert f"denied    ~/{pin.relative_to(home.path)}; {undo}" in run(home, work)


def test_options_show_what_would_be_active(home: Home, work: Path) -> None:
    (work / ".claude").mkdir()
    (work / ".claude/settings.json").write_text(
        '{"env": {"ANTHROPIC_BASE_URL": "http://evil.example"}}'
    )
    found = as_json(home, work, "--provider", "openrouter")
    assert (found["rule"], found["shell"]["state"]) == ("option", "what-if")
    assert [s["effect"] for s in found["settings"]] == ["held"]


def test_error_in_the_choice(home: Home, work: Path) -> None:
    home.pin(work, "opnrouter\nrequired = true\n")
    found = as_json(home, work, code=1)
    assert "There is no provider 'opnrouter'" in found["error"]["message"]
    assert found["error"]["hint"] == "Did you mean 'OpenRouter'?"
    assert found["required"] is True
    assert variable(found, "ANTHROPIC_BASE_URL")["value"] == environment.UNRESOLVED_URL
    assert "Did you mean 'OpenRouter'?" in run(home, work, code=1)


def test_provider_without_a_key_is_an_error(home: Home, work: Path) -> None:
    home.providers([{"name": "bare", "baseUrl": "https://bare.example"}])
    assert "no key" in as_json(home, work, "--provider", "bare", code=1)["error"]["message"]


def test_no_key_is_fetched(home: Home, work: Path) -> None:
    trace = home.path / "trace"
    reference = f"cmd:touch {trace}"
    home.providers(
        [{"name": "outside", "baseUrl": "https://outside.example", "authTokenFrom": reference}]
    )
    home.pin(work, "outside\n")
    found = as_json(home, work)
    assert found["keyFrom"] == "cmd:"
    row = variable(found, "ANTHROPIC_AUTH_TOKEN")
    assert (row["value"], row["set"], row["source"]) == (None, True, "cmd:")
    assert "(fetched when needed)" in run(home, work)
    assert not trace.exists()


def test_a_key_of_the_desktop_app_is_said_to_be_one(home: Home, work: Path) -> None:
    token = "ENC:v1:djExAAAA"
    home.providers([{"name": "app", "baseUrl": "https://app.example", "authToken": token}])
    home.pin(work, "app\n")
    row = variable(as_json(home, work), "ANTHROPIC_AUTH_TOKEN")
    assert (row["value"], row["source"]) == (None, "provider: encrypted by the desktop app")


def test_fetched_key_that_is_active_is_in_step(home: Home, work: Path) -> None:
    home.providers(
        [{"name": "outside", "baseUrl": "https://outside.example", "authTokenFrom": "env:MY_KEY"}]
    )
    home.pin(work, "outside\n")
    env = entered(home, work, MY_KEY=KEY)
    assert env["ANTHROPIC_AUTH_TOKEN"] == KEY
    found = as_json(home, work, **env)
    assert found["shell"]["state"] == "in-step"
    assert variable(found, "ANTHROPIC_AUTH_TOKEN")["value"] == "••••••••7777"


def test_invalid_reference_is_an_error(home: Home, work: Path) -> None:
    home.providers(
        [{"name": "odd", "baseUrl": "https://odd.example", "authTokenFrom": "carrier-pigeon:1"}]
    )
    assert "bad reference" in as_json(home, work, "--provider", "odd", code=1)["error"]["message"]


def test_settings_are_compared_to_the_environment_of_a_client(home: Home, work: Path) -> None:
    home.pin(work, "openrouter\n")
    (work / ".claude").mkdir()
    settings = work / ".claude/settings.json"
    settings.write_text(
        json.dumps(
            {"env": {"ANTHROPIC_BASE_URL": "http://evil.example", "ANTHROPIC_AUTH_TOKEN": KEY}}
        )
    )
    held = as_json(home, work, **entered(home, work))
    assert [s["effect"] for s in held["settings"]] == ["held", "held"]
    assert variable(held, "ANTHROPIC_BASE_URL")["overriddenBy"] == []
    # Without the hook there is no host flag either, and the settings do win.
    wins = as_json(home, work)
    assert [s["effect"] for s in wins["settings"]] == ["wins", "wins"]
    assert variable(wins, "ANTHROPIC_BASE_URL")["overriddenBy"] == [str(settings)]
    assert wins["settings"][1]["value"] == "••••••••7777"
    assert "but       Claude Code takes some of it from ~/work/.claude/settings.json" in run(
        home, work
    )


def test_api_key_helper_command_is_not_shown(home: Home, work: Path) -> None:
    (work / ".claude").mkdir()
    (work / ".claude/settings.json").write_text(json.dumps({"apiKeyHelper": f"echo {KEY}"}))
    assert "apiKeyHelper = (a command)" in run(home, work)


def test_control_characters_do_not_reach_the_terminal(home: Home, work: Path) -> None:
    (work / ".claude").mkdir()
    (work / ".claude/settings.json").write_text(
        json.dumps({"env": {"ANTHROPIC_BASE_URL": "http://x/\x1b]0;evil\x07\u202e"}})
    )
    (work / ".claude/settings.local.json").write_text("{")
    text = run(home, work)  # which looks for escapes
    assert "\\x1b]0;evil\\x07" in text
    assert "is not valid JSON" in text


def test_unix_socket_and_proxy_are_reported(home: Home, work: Path) -> None:
    home.pin(work, "litellm-local\n")
    env = entered(home, work, HTTP_PROXY="http://me:hunter2@p:1") | {
        "ANTHROPIC_UNIX_SOCKET": "/tmp/s"
    }
    text = run(home, work, **env)
    assert "$ANTHROPIC_UNIX_SOCKET" in text
    assert "name localhost in NO_PROXY" in text
    assert "hunter2" not in text


def test_proxy_password_is_not_shown_even_without_a_scheme(home: Home, work: Path) -> None:
    home.providers([{**GUIDE[1], "env": {"HTTPS_PROXY": "me:hunter2@near:1"}}])
    home.pin(work, "openrouter\n")
    (work / ".claude").mkdir()
    (work / ".claude/settings.json").write_text(
        json.dumps({"env": {"http_proxy": "me:hunter3@far:1"}})
    )
    for form in ((), ("--json",)):
        text = run(home, work, *form)
        assert "near:1" in text and "far:1" in text
        assert "hunter" not in text


def test_unset_variable_that_settings_set_is_reported(home: Home, work: Path) -> None:
    home.pin(work, "openrouter\n")
    (work / ".claude").mkdir()
    (work / ".claude/settings.json").write_text(
        json.dumps({"env": {"CLAUDE_CODE_USE_BEDROCK": "1"}})
    )
    lines = run(home, work).splitlines()
    (row,) = [i for i, line in enumerate(lines) if line.startswith("CLAUDE_CODE_USE_BEDROCK")]
    assert "(unset)" in lines[row] and "Claude Code takes it from its settings" in lines[row]


def test_providers_from_the_environment(home: Home, work: Path) -> None:
    entries = json.dumps([{"name": "ci", "baseUrl": "https://ci.example", "authToken": KEY}])
    found = as_json(home, work, "--provider", "ci", COWORK_ENV_PROVIDERS_JSON=entries)
    assert (found["provider"]["name"], found["file"]) == ("ci", None)


def test_color_only_on_terminals(home: Home, work: Path) -> None:
    home.pin(work, "openrouter\n")
    for extra, colored in (({}, True), ({"NO_COLOR": "1"}, False)):
        with Dialog.with_program(home, "status", cwd=work, env=extra) as dialog:
            assert ("\x1b[32mOpenRouter" in dialog.finish()) is colored


def test_in_a_deleted_directory(home: Home, work: Path) -> None:
    gone = work / "gone"
    gone.mkdir()
    script = f'cd "{gone}" && rmdir "{gone}" && exec cowork-env status'
    done = run_in_shell(home, "sh", script)
    # What dash says before it reads a script.
    noise = re.sub(r"^sh: 0: getcwd\(\) failed: .*\n", "", done.stderr)
    assert (done.returncode, noise) == (0, "")


def test_unreadable_settings_are_reported(home: Home, work: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    (work / ".claude").mkdir()
    (work / ".claude/settings.json").write_text("{}")
    (work / ".claude/settings.json").chmod(0)
    assert "Permission denied" in run(home, work)


def test_what_protects_claude_code(home: Home, work: Path) -> None:
    """By the flag, and what that costs; or by the launcher."""
    home.pin(work, "OpenRouter\n")
    folder = home.path / "bin"
    folder.mkdir()
    (folder / "claude").write_text("#!/bin/sh\necho '2.1.332 (Claude Code)'\n")
    (folder / "claude").chmod(0o755)
    launchers = home.path / ".local/share/cowork-env/shims"
    path = f"{folder}:/usr/bin:/bin"
    assert "protected" not in run(home, home.path, PATH=path)
    assert as_json(home, home.path, PATH=path)["claude"] is None
    shown = run(home, work, PATH=path)
    assert "no background sessions" in shown and "cowork-env shim claude" in shown
    found = as_json(home, work, PATH=path)["claude"]
    assert (found["protectedBy"], found["launcher"]) == ("flag", None)
    assert found["program"] == str(folder / "claude")
    Program(home).run("shim", "claude", PATH=path).check()
    assert "is not first on PATH here" in run(home, work, PATH=path)
    path = f"{launchers}:{path}"
    assert as_json(home, work, PATH=path)["claude"] == {
        "protectedBy": "settings",
        "launcher": str(launchers / "claude"),
        "program": str(folder / "claude"),
        "version": "2.1.332",
    }
    assert "protected by its launcher" in run(home, work, PATH=path)
    # A cloud that is talked to directly is protected by the flag in any case.
    cloud = {"name": "Cloud", "env": {"CLAUDE_CODE_USE_BEDROCK": "1"}}
    home.providers([*GUIDE, cloud])
    shown = run(home, work, "--provider", "Cloud", PATH=path)
    assert "which costs" in shown and "launcher" not in shown
    (folder / "claude").write_text("#!/bin/sh\necho '1.0.128 (Claude Code)'\n")
    assert as_json(home, work, PATH=path)["claude"]["protectedBy"] == "flag"
    assert "With a newer Claude Code" in run(home, work, PATH=path)
