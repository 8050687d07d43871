"""Changes of pins, trust, providers and the selection are seen at the next prompt."""

from __future__ import annotations

import json
import os
from pathlib import Path

from support.home import GUIDE, Home
from support.home import GUIDE_MANAGED as MANAGED
from support.terminal import Open


def test_untrusted_pin_does_nothing_and_is_reported_once(
    shell: str, home: Home, open_terminal: Open
) -> None:
    home.providers()
    project = home.path / "new"
    pin = home.pin(project, "OpenRouter\n", allow=False)
    terminal = open_terminal(shell)
    said = terminal.run(f"cd {project}")
    assert said.count("\n") == 1 and "~/new/.cowork-provider" in said and "cowork-env allow" in said
    assert terminal.managed() == {}
    assert terminal.run("true") == ""
    assert terminal.run("cd ~") == ""
    assert terminal.run(f"cd {project}") == ""
    home.pin(project, "OpenRouter\n")
    assert terminal.run("true") == "cowork-env: OpenRouter (~/new/.cowork-provider)\n"
    assert terminal.managed() == MANAGED["OpenRouter"]
    pin.write_text("LiteLLM Local\n")
    said = terminal.run("true")
    assert "cowork-env: left OpenRouter\n" in said and "cowork-env allow" in said
    assert terminal.managed() == {}


def test_deny_unloads_at_the_next_prompt(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    from cowork_env.core.trust import TrustStore

    terminal = open_terminal(shell)
    path = projects["OpenRouter"]
    terminal.run(f"cd {path}")
    TrustStore(str(home.state)).deny(str(path / ".cowork-provider"))
    assert terminal.run("true") == "cowork-env: left OpenRouter\n"
    assert terminal.managed() == {}


def test_every_change_is_seen_at_the_next_prompt(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """The provider file (replaced, or edited), pins above, the selection, and COWORK_PROVIDER."""
    terminal = open_terminal(shell)
    path = projects["OpenRouter"]
    terminal.run(f"cd {path}/deep/er")
    changed = json.loads(json.dumps(GUIDE))
    for round_ in range(3):  # several edits within one second
        changed[1]["authToken"] = f"sk-or-new-{round_}"
        home.providers(changed)
        assert terminal.managed()["ANTHROPIC_AUTH_TOKEN"] == f"sk-or-new-{round_}"
    changed[1]["authToken"] = "sk-or-renamed"
    other = home.file.with_suffix(".tmp")
    other.write_text(json.dumps(changed))
    other.rename(home.file)
    assert terminal.managed()["ANTHROPIC_AUTH_TOKEN"] == "sk-or-renamed"
    home.pin(path / "deep", "LiteLLM Local\n")
    assert terminal.managed() == MANAGED["LiteLLM Local"]
    (path / "deep/.cowork-provider").unlink()
    assert terminal.managed()["COWORK_ENV_ACTIVE"] == "OpenRouter"
    home.pin(path, "OpenRouter\nmodel = other\n")
    assert terminal.managed()["ANTHROPIC_MODEL"] == "other"
    export = "set -gx COWORK_PROVIDER {}" if shell == "fish" else "export COWORK_PROVIDER={}"
    terminal.run(export.format("litellm-local"))
    assert terminal.managed() == MANAGED["LiteLLM Local"]
    terminal.run(export.format("none"))
    assert terminal.managed() == {}
    terminal.run("set -e COWORK_PROVIDER" if shell == "fish" else "unset COWORK_PROVIDER")
    assert terminal.managed()["COWORK_ENV_ACTIVE"] == "OpenRouter"
    terminal.run("cd ~")
    (home.state / "selection").write_text(GUIDE[3]["id"] + "\n")
    assert terminal.managed() == MANAGED["AWS Bedrock"]
    (home.state / "selection").write_text("none\n")
    assert terminal.managed() == {}
    home.file.unlink()
    terminal.run(f"cd {path}")
    assert terminal.managed() == {}


def test_a_symlinked_pin_whose_target_changes(shell: str, home: Home, open_terminal: Open) -> None:
    """Also when both targets have the same timestamp, as two files of one checkout may."""
    home.providers()
    project = home.path / "linked"
    project.mkdir()
    for name, provider in (("a", "OpenRouter"), ("b", "LiteLLM Local")):
        (project / name).write_text(provider + "\n")
        os.utime(project / name, ns=(10**18, 10**18))
    from cowork_env.core.trust import TrustStore

    for name in "ab":
        TrustStore(str(home.state)).allow(
            str(project / ".cowork-provider"), (project / name).read_bytes()
        )
    (project / ".cowork-provider").symlink_to("a")
    terminal = open_terminal(shell, cwd=project)
    assert terminal.managed() == MANAGED["OpenRouter"]
    (project / "new").symlink_to("b")
    (project / "new").rename(project / ".cowork-provider")
    assert terminal.managed() == MANAGED["LiteLLM Local"]


def test_a_selection_made_in_another_terminal(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """A selection applies in every shell."""
    one, two = open_terminal(shell), open_terminal(shell)
    (home.state / "selection").write_text("openrouter\n")
    assert one.managed() == MANAGED["OpenRouter"]
    assert two.managed() == MANAGED["OpenRouter"]


def test_a_mistyped_provider_file_is_reported_once(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    terminal = open_terminal(shell)
    terminal.run(f"cd {projects['OpenRouter']}")
    said = terminal.set("COWORK_ENV_PROVIDERS_FILE", "/mistyped.json")
    assert said == [
        "COWORK_ENV_PROVIDERS_FILE names /mistyped.json, which does not exist. Correct the "
        "variable or unset it. 'cowork-env add' makes a new file there."
    ]
    assert terminal.managed() == {} and terminal.messages("true") == []
    assert terminal.unset("COWORK_ENV_PROVIDERS_FILE") == [
        "OpenRouter (~/work/openrouter/.cowork-provider)"
    ]
