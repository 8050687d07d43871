"""A temporary home for tests, the provider guide's examples, and the tools that tests need."""

from __future__ import annotations

import base64
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]  # the checkout

# The four example configurations of the provider guide, verbatim; the keys are invented.
GUIDE: list[dict[str, Any]] = [
    {
        "id": "11111111-1111-4111-8111-111111111111",
        "name": "My Anthropic API",
        "baseUrl": "https://api.anthropic.com/v1",
        "authToken": "sk-ant-api03-invented-0001",
        "defaultModel": "claude-sonnet-4-20250514",
        "models": {
            "opus": "claude-opus-4-20250514",
            "sonnet": "claude-sonnet-4-20250514",
            "haiku": "claude-haiku-4-20250514",
        },
    },
    {
        "id": "22222222-2222-4222-8222-222222222222",
        "name": "OpenRouter",
        "baseUrl": "https://openrouter.ai/api/v1",
        "authToken": "sk-or-invented-0002",
        "defaultModel": "anthropic/claude-sonnet-4-20250514",
        "models": {
            "opus": "anthropic/claude-opus-4-20250514",
            "sonnet": "anthropic/claude-sonnet-4-20250514",
            "haiku": "anthropic/claude-haiku-4-20250514",
        },
    },
    {
        "id": "33333333-3333-4333-8333-333333333333",
        "name": "LiteLLM Local",
        "baseUrl": "http://localhost:4000/v1",
        "authToken": "sk-1234-invented-0003",
        "defaultModel": "claude-3-5-sonnet-20241022",
        "models": {
            "opus": "claude-3-opus-20240229",
            "sonnet": "claude-3-5-sonnet-20241022",
            "haiku": "claude-3-haiku-20240307",
        },
    },
    {
        "id": "44444444-4444-4444-8444-444444444444",
        "name": "AWS Bedrock",
        "baseUrl": "https://bedrock-runtime.us-west-2.amazonaws.com",
        "authToken": "YOUR_AWS_ACCESS_KEY",
        "defaultModel": "anthropic.claude-sonnet-4-20250514-v1:0",
    },
]

# What each of them sets: URL repaired, tiers filled in where the endpoint is not Anthropic's own.
GUIDE_MANAGED: dict[str, dict[str, str]] = {
    "My Anthropic API": {
        "ANTHROPIC_BASE_URL": "https://api.anthropic.com",
        "ANTHROPIC_AUTH_TOKEN": "sk-ant-api03-invented-0001",
        "ANTHROPIC_MODEL": "claude-sonnet-4-20250514",
        "ANTHROPIC_DEFAULT_OPUS_MODEL": "claude-opus-4-20250514",
        "ANTHROPIC_DEFAULT_SONNET_MODEL": "claude-sonnet-4-20250514",
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": "claude-haiku-4-20250514",
    },
    "OpenRouter": {
        "ANTHROPIC_BASE_URL": "https://openrouter.ai/api",
        "ANTHROPIC_AUTH_TOKEN": "sk-or-invented-0002",
        "ANTHROPIC_MODEL": "anthropic/claude-sonnet-4-20250514",
        "ANTHROPIC_DEFAULT_OPUS_MODEL": "anthropic/claude-opus-4-20250514",
        "ANTHROPIC_DEFAULT_SONNET_MODEL": "anthropic/claude-sonnet-4-20250514",
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": "anthropic/claude-haiku-4-20250514",
        "ANTHROPIC_DEFAULT_FABLE_MODEL": "anthropic/claude-sonnet-4-20250514",
    },
    "LiteLLM Local": {
        "ANTHROPIC_BASE_URL": "http://localhost:4000",
        "ANTHROPIC_AUTH_TOKEN": "sk-1234-invented-0003",
        "ANTHROPIC_MODEL": "claude-3-5-sonnet-20241022",
        "ANTHROPIC_DEFAULT_OPUS_MODEL": "claude-3-opus-20240229",
        "ANTHROPIC_DEFAULT_SONNET_MODEL": "claude-3-5-sonnet-20241022",
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": "claude-3-haiku-20240307",
        "ANTHROPIC_DEFAULT_FABLE_MODEL": "claude-3-5-sonnet-20241022",
    },
    "AWS Bedrock": {
        "ANTHROPIC_BASE_URL": "https://bedrock-runtime.us-west-2.amazonaws.com",
        "ANTHROPIC_AUTH_TOKEN": "YOUR_AWS_ACCESS_KEY",
        "ANTHROPIC_MODEL": "anthropic.claude-sonnet-4-20250514-v1:0",
        **{
            f"ANTHROPIC_DEFAULT_{tier}_MODEL": "anthropic.claude-sonnet-4-20250514-v1:0"
            for tier in ("OPUS", "SONNET", "HAIKU", "FABLE")
        },
    },
}
for _name, _values in GUIDE_MANAGED.items():
    _values |= {
        "COWORK_ENV_ACTIVE": _name,
        "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "1",
        "CLAUDE_CODE_DISABLE_AGENT_VIEW": "1",
    }

# Variables of the user who runs the tests that would change what the program does.
# CI is among them, because Claude Code takes it for a sign that there is no terminal. On the user's
# D-Bus session there would be their keyring.
FOREIGN = (
    "ANTHROPIC_",
    "CI",
    "CLAUDE",
    "COWORK_",
    "DBUS_",
    "GNOME_KEYRING_",
    "XDG_",
    "PYTHON",
    "DIRENV_",
    "MISE_",
    "__MISE",
    "BASH_",
    "PROMPT_COMMAND",
)


class Home:
    """A temporary home: its folders, the environment for subprocesses, and ways to fill it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / ".config"
        self.state = path / ".local/state/cowork-env"
        path.mkdir(exist_ok=True)
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)}
        self.env.update(
            HOME=str(path),
            XDG_CONFIG_HOME=str(self.config),
            XDG_STATE_HOME=str(path / ".local/state"),
            LC_ALL="C.UTF-8",
            PATH=f"{Path(executable()).parent}:{os.environ['PATH']}",
        )

    @property
    def file(self) -> Path:
        """The provider file."""
        return self.config / "agent-cowork/providers.json"

    def providers(self, entries: object = GUIDE) -> Path:
        """Write the provider file."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(json.dumps(entries, indent=2, ensure_ascii=False), encoding="utf-8")
        self.file.chmod(0o600)
        return self.file

    def pin(self, directory: Path, text: str, allow: bool = True) -> Path:
        """Write a pin and, unless told otherwise, allow it."""
        from cowork_env.core import trust

        directory.mkdir(parents=True, exist_ok=True)
        path = directory / ".cowork-provider"
        path.write_text(text, encoding="utf-8")
        if allow:
            trust.TrustStore(str(self.state)).allow(trust.location(str(path)), path.read_bytes())
        return path


def executable() -> str:
    """The installed program: beside the interpreter that runs the tests."""
    import sys

    return str(Path(sys.executable).parent / "cowork-env")


def need(tool: str) -> str:
    """The path of a tool; without it the test is skipped with a reason, and in CI fails."""
    path = shutil.which(tool)
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(f"{tool} is not installed, and in CI it must be")
        pytest.skip(f"{tool} is not installed")
    return path


def copies(key: str) -> list[bytes]:
    """A key as a file may hold it: plain, and in base64 at each of its three possible offsets."""
    shifted = (base64.b64encode(b" " * i + key.encode())[4 if i else 0 : -4] for i in range(3))
    return [key.encode(), *shifted]
