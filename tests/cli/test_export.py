"""``export``: statements read back by the shells they are for, and when it prints nothing."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cowork_env import export
from cowork_env.cli import fast_path, inputs
from cowork_env.util.errors import CoworkEnvError

from support.home import GUIDE, Home, need
from support.program import Completed, Program

SHELLS = ("bash", "zsh", "fish", "dash")
PLAIN = {"bash": ["--norc", "--noprofile"], "zsh": ["-f"], "fish": ["--no-config"], "dash": []}
HOSTILE = "a'b\"c\\d\\'$(touch owned)`touch owned`\n\t;&|<>*?[~]!#%{1,2}\\n end\\"
KEY = "ANTHROPIC_AUTH_TOKEN"


def run(home: Home, *args: str, cwd: Path | None = None, **env: str) -> Completed:
    """Run cowork-env."""
    return Program(home).run(*args, cwd=cwd, **env)


def shell_env(home: Home, shell: str, script: str, cwd: Path, **env: str) -> dict[str, str]:
    """The environment that a shell's children have after a script."""
    result = subprocess.run(
        [need(shell), *PLAIN[shell], "-c", f"{script}\ncommand env -0"],
        env={**home.env, **env},
        cwd=cwd,
        capture_output=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    assert (result.returncode, result.stderr) == (0, b""), result
    pairs = result.stdout.decode("utf-8", "surrogateescape").rstrip("\0").split("\0")
    return dict(pair.split("=", 1) for pair in pairs)


def evaluate(shell: str, args: str) -> str:
    """How a user evaluates an export."""
    command = f"command cowork-env export {args}"
    return f"{command} | source" if shell == "fish" else f'eval "$({command})"'


def ours(env: dict[str, str]) -> dict[str, str]:
    """What of an environment a provider may touch."""
    return {
        k: v
        for k, v in env.items()
        if k.startswith(("ANTHROPIC", "CLAUDE", "COWORK_ENV_A", "COWORK_ENV_S", "X_"))
    }


@pytest.mark.parametrize("named", [True, False], ids=["format", "detected"])
@pytest.mark.parametrize("shell", SHELLS)
def test_statements_in_every_shell_and_back(home: Home, shell: str, named: bool) -> None:
    entry = GUIDE[1] | {"env": {"X_HOSTILE": HOSTILE, "X_EMPTY": ""}}
    home.providers([entry])
    project = home.path / 'it\'s a "project" $(touch owned) \\'
    home.pin(project, "openrouter\nhaiku = small/one\n")
    format = f"--format {'sh' if shell == 'dash' else shell}" if named else ""
    before = {
        "ANTHROPIC_API_KEY": "mine'\\\n",
        "ANTHROPIC_MODEL": "",
        "X_EMPTY": "stays",
        "CLAUDE_CODE_USE_BEDROCK": "1",
    }

    inside = ours(shell_env(home, shell, evaluate(shell, format), project, **before))
    assert inside.pop("COWORK_ENV_STATE")
    assert inside == {
        "ANTHROPIC_BASE_URL": "https://openrouter.ai/api",
        "ANTHROPIC_AUTH_TOKEN": "sk-or-invented-0002",
        "ANTHROPIC_MODEL": "anthropic/claude-sonnet-4-20250514",
        "ANTHROPIC_DEFAULT_OPUS_MODEL": "anthropic/claude-opus-4-20250514",
        "ANTHROPIC_DEFAULT_SONNET_MODEL": "anthropic/claude-sonnet-4-20250514",
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": "small/one",
        "ANTHROPIC_DEFAULT_FABLE_MODEL": "anthropic/claude-sonnet-4-20250514",
        "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "1",
        "CLAUDE_CODE_DISABLE_AGENT_VIEW": "1",
        "COWORK_ENV_ACTIVE": "OpenRouter",
        "X_HOSTILE": HOSTILE,
        "X_EMPTY": "stays",
    }
    there_and_back = f"{evaluate(shell, format)}\ncd ..\n{evaluate(shell, format)}"
    assert ours(shell_env(home, shell, there_and_back, project, **before)) == before
    assert not list(home.path.rglob("owned"))


def test_no_provider_prints_nothing(home: Home) -> None:
    home.providers()
    result = run(home, "export", "--format", "bash")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_damaged_state_is_unset(home: Home) -> None:
    result = run(home, "export", "--format", "sh", COWORK_ENV_STATE="1:x:$(touch owned)")
    assert (result.returncode, result.stdout) == (0, "unset COWORK_ENV_STATE\n")


def test_unchanged_environment_prints_nothing(home: Home) -> None:
    home.providers()
    export = "cowork-env export --format sh --provider openrouter"
    script = f'eval "$({export})"; {export}'
    result = subprocess.run(
        [need("dash"), "-c", script],
        env=home.env,
        cwd=home.path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (result.returncode, result.stdout) == (0, "")


@pytest.mark.parametrize("format", ["bash", "json", "dotenv"])
@pytest.mark.parametrize(
    ("pin", "allowed", "status", "message"),
    [
        ("openrouter\n", False, 3, "is not trusted"),
        ("nobody\n", True, 1, "There is no provider 'nobody'"),
        ("nobody\nrequired = true\n", True, 1, "There is no provider 'nobody'"),
        ("openrouter\nbaseUrl = https://evil.example\n", True, 1, "line 2 is not one of"),
        ("keyless\nrequired = true\n", True, 1, "it has no key"),
    ],
)
def test_errors_leave_stdout_empty(
    home: Home, format: str, pin: str, allowed: bool, status: int, message: str
) -> None:
    home.providers([*GUIDE, {"name": "keyless", "baseUrl": "https://x.example"}])
    project = home.path / "project"
    home.pin(project, pin, allow=allowed)
    result = run(home, "export", "--format", format, cwd=project)
    assert (result.returncode, result.stdout) == (status, "")
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 2


def test_hints_about_a_pin_work(home: Home) -> None:
    home.providers()
    project = home.path / "my project"
    home.pin(project, "openrouter\n", allow=False)
    assert (
        f"allow it: cowork-env allow '{project}'"
        in run(home, "export", "--format", "sh", cwd=project).stderr
    )
    (project / ".cowork-provider").unlink()
    (project / ".cowork-provider").mkdir()
    result = run(home, "export", "--format", "sh", cwd=project)
    assert (result.returncode, result.stdout) == (3, "")
    assert "is not a regular file." in result.stderr  # 'allow' would say the same
    assert f"silence it: cowork-env deny '{project}'" in result.stderr
    assert run(home, "deny", str(project)).returncode == 0
    assert run(home, "export", "--format", "sh", cwd=project).returncode == 0


def test_trust_and_provider_options_with_an_untrusted_pin(home: Home) -> None:
    home.providers()
    project = home.path / "project"
    path = home.pin(project, "openrouter\n", allow=False)
    trusted = run(home, "export", "--format", "sh", "--trust", cwd=project)
    assert "'https://openrouter.ai/api'" in trusted.stdout
    named = run(home, "export", "--format", "sh", "--provider=litellm-local", cwd=project)
    assert "'http://localhost:4000'" in named.stdout
    # An option does not allow anything for later, and a denied pin stays denied.
    assert run(home, "export", "--format", "sh", cwd=project).returncode == 3
    assert run(home, "deny", str(path)).returncode == 0
    assert run(home, "export", "--format", "sh", "--trust", cwd=project).stdout == ""


def test_other_formats_need_a_provider(home: Home) -> None:
    home.providers()
    result = run(home, "export", "--format", "json")
    assert (result.returncode, result.stdout) == (1, "")
    assert "No provider applies here." in result.stderr
    for name, nothing in (
        ("json", "{}\n"),
        ("dotenv", ""),
        ("docker", ""),
        ("gitlab", ""),
        ("azure", ""),
    ):
        result = run(home, "export", "--format", name, "--provider", "none")
        assert (result.returncode, result.stdout, result.stderr) == (0, nothing, ""), name
    result = run(home, "export", "--format", "json", "--provider", "openrouter")
    values = json.loads(result.stdout)
    assert values["ANTHROPIC_BASE_URL"] == "https://openrouter.ai/api"
    assert values[KEY] == "sk-or-invented-0002"


def state_of(home: Home, statements: str, **env: str) -> dict[str, str]:
    """The environment that statements for sh make."""
    return shell_env(home, "dash", statements, home.path, **env)


def test_no_secrets_leaves_keys_out_and_never_sets_a_url_alone(home: Home) -> None:
    entries: list[Any] = [*GUIDE]
    entries[1] = GUIDE[1] | {"env": {"X_SECRET": "also-a-key", "X_PLAIN": "1"}}
    home.providers(entries)
    args = ("export", "--format", "sh", "--provider", "openrouter", "--no-secrets")
    # Where no key is set a client would send the user's own login to that URL.
    alone = run(home, *args)
    assert (alone.returncode, alone.stdout) == (1, "")
    assert KEY in alone.stderr
    # With the key from elsewhere it is left as it is, and comes back untouched.
    result = run(home, *args, **{KEY: "from-ci"})
    assert result.returncode == 0
    assert "sk-or" not in result.stdout
    assert "also-a-key" not in result.stdout
    assert "X_PLAIN" in result.stdout
    after = state_of(home, result.stdout, **{KEY: "from-ci"})
    assert after[KEY] == "from-ci"
    assert after["ANTHROPIC_BASE_URL"] == "https://openrouter.ai/api"
    left = run(home, "export", "--format", "sh", "--provider", "none", **ours(after))
    assert ours(state_of(home, left.stdout, **ours(after))) == {KEY: "from-ci"}
    # A key that is in force already stays in force, and is not printed.
    active = ours(state_of(home, run(home, *args[:-1]).stdout))
    again = run(home, *args, **active)
    assert (again.returncode, again.stdout) == (0, "")
    # Another provider's key is not taken for this one's.
    other = run(
        home, "export", "--format", "sh", "--provider", "litellm-local", "--no-secrets", **active
    )
    assert (other.returncode, other.stdout) == (1, "")


def test_no_secrets_prints_none_of_your_own(home: Home) -> None:
    """Neither in a statement that restores it, nor in the state, which would restore it later."""
    env = {"SERVICE_URL": "https://service.example/x?sig=from-elsewhere"}
    home.providers(
        [
            GUIDE[1]
            | {
                "env": {
                    "DB": "postgres://me:from-the-file@db/x",
                    "SERVICE_URL": "https://s.example",
                }
            }
        ]
    )
    args = ("export", "--provider", "openrouter", "--format")
    for shell in ("sh", "bash", "zsh", "fish"):
        done = run(home, *args, shell, "--no-secrets", **env, **{KEY: "from-ci"})
        assert (done.returncode, done.stdout) == (1, "")
        assert "your own SERVICE_URL could not be restored" in done.stderr
    for form in ("json", "dotenv", "docker", "gitlab", "azure"):
        done = run(home, *args, form, "--no-secrets")
        assert (
            done.returncode == 0 and "from-the-file" not in done.stdout and "DB" not in done.stdout
        )
    active = state_of(home, run(home, *args, "sh", **env).stdout, **env)
    left = run(
        home,
        "export",
        "--format=sh",
        "--provider=none",
        "--no-secrets",
        **ours(active),
        SERVICE_URL=active["SERVICE_URL"],
    )
    assert (left.returncode, left.stdout) == (1, "")
    assert "from-elsewhere" not in left.stderr


def test_no_secrets_in_json(home: Home) -> None:
    home.providers()
    values = json.loads(
        run(home, "export", "--format=json", "--provider=openrouter", "--no-secrets").stdout
    )
    assert KEY not in values
    assert values["ANTHROPIC_BASE_URL"] == "https://openrouter.ai/api"
    assert values["ANTHROPIC_API_KEY"] is None
    active = ours(
        state_of(home, run(home, "export", "--format=sh", "--provider=openrouter").stdout)
    )
    result = run(home, "export", "--format=json", "--provider=openrouter", "--no-secrets", **active)
    assert result.returncode == 0
    assert active[KEY] not in result.stdout


def test_no_secrets_fetches_no_key(home: Home) -> None:
    home.providers(
        [
            {
                "name": "vaulted",
                "baseUrl": "https://x.example",
                "authTokenFrom": "cmd:sh -c 'touch ~/asked'",
            }
        ]
    )
    result = run(home, "export", "--format=json", "--provider=vaulted", "--no-secrets")
    assert result.returncode == 0
    assert not (home.path / "asked").exists()


def test_no_key_is_fetched_for_an_untrusted_pin(home: Home) -> None:
    home.providers(
        [
            {
                "name": "vaulted",
                "baseUrl": "https://x.example",
                "authTokenFrom": "cmd:sh -c 'touch ~/asked; echo key'",
            }
        ]
    )
    (home.state).mkdir(parents=True, mode=0o700)
    (home.state / "selection").write_text("vaulted\n")
    project = home.path / "project"
    home.pin(project, "vaulted\n", allow=False)
    assert run(home, "export", "--format=sh", cwd=project).returncode == 3
    assert run(home, "exec", "true", cwd=project).returncode == 3
    assert run(home, "token", cwd=project).returncode == 3
    assert not (home.path / "asked").exists()
    assert run(home, "export", "--format=sh").returncode == 0
    assert (home.path / "asked").exists()


def test_cloud_provider_has_neither_url_nor_key(home: Home) -> None:
    home.providers(
        [
            {
                "name": "bedrock",
                "env": {"CLAUDE_CODE_USE_BEDROCK": "1", "AWS_SECRET_ACCESS_KEY": "aws-key"},
            }
        ]
    )
    result = run(home, "export", "--format", "sh", "--provider", "bedrock", "--no-secrets")
    after = ours(state_of(home, result.stdout))
    assert after["CLAUDE_CODE_USE_BEDROCK"] == "1"
    assert "ANTHROPIC_BASE_URL" not in after
    assert "aws-key" not in result.stdout


def test_format_for_a_shell_without_statements_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The format is that of the detected shell, unless one is given."""
    used: list[str] = []
    monkeypatch.setattr(
        export, "export", lambda _inputs, format, *_, **_options: used.append(format)
    )
    for shell, expected in (("", "sh"), ("dash", "sh"), ("zsh", "zsh")):
        monkeypatch.setattr(inputs, "detect_shell", lambda shell=shell: shell)
        assert export.format_for_shell(shell) == expected
        fast_path.export()
        assert used.pop() == expected
    monkeypatch.setattr(inputs, "detect_shell", lambda: "cmd")
    with pytest.raises(CoworkEnvError, match="cmd"):
        fast_path.export()
    assert used == []
