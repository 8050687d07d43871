"""In the shell that Claude Code rebuilds for its Bash tool, all works, and the hook is off."""

from __future__ import annotations

import pytest

from support.clients.recorder import Recorder
from support.clients.user import SHELLS, User
from support.home import executable
from support.program import Program


@pytest.mark.parametrize("shell", SHELLS)
def test_bash_tool(shell: str, user: User, recorder: Recorder, other: Recorder) -> None:
    project, neighbour = user.project("OpenRouter"), user.project("Keyed")
    recorder.bash = (
        f"type cd | head -n 1; cd ../{neighbour.name} && env && cd - && pushd .. && popd "
        "&& echo status $?; pwd"
    )
    with user.by(shell) as starter:
        done = starter.run(project, ["claude", "-p", "--allowedTools", "Bash", "--", "hi"])
    assert done.returncode == 0, done
    output = recorder.output
    lines = output.splitlines()
    assert f"PWD={neighbour}" in lines
    assert "status 0" in lines
    assert lines[lines.index("status 0") + 1] == str(project)
    # The snapshot was taken of a shell with the hook, which in bash shows by a public function.
    if shell == "bash":
        assert "cd is a function" in lines
    # The hook is off: no provider is entered, and the one of Claude Code is not left.
    assert "COWORK_ENV_ACTIVE=OpenRouter" in lines
    assert "cowork-env:" not in output
    assert "not found" not in output
    assert "__cowork_env" not in output
    # The output goes to the provider in use, so it must not contain another provider's key.
    for provider in user.providers.values():
        assert provider["authToken"] not in output


@pytest.mark.parametrize("shell", SHELLS)
def test_a_nested_claude_is_the_launcher(
    shell: str, user: User, recorder: Recorder, other: Recorder
) -> None:
    """The hook's PATH reaches the Bash tool, so that what it starts is protected, too."""
    project = user.project("OpenRouter")
    recorder.bash = "command -v claude"
    with user.by(shell) as starter:
        Program(user.home).run("shim", "claude").check()
        done = starter.run(project, ["claude", "-p", "--allowedTools", "Bash", "--", "hi"])
    assert done.returncode == 0, done
    launchers = user.home.path / ".local/share/cowork-env/shims"
    assert recorder.output.split()[0] == str(launchers / "claude")


def test_the_key_is_put_back(user: User, recorder: Recorder, other: Recorder) -> None:
    """Claude Code keeps the key from its Bash tool; what we start there has it again."""
    project, provider = user.project("OpenRouter"), user.providers["OpenRouter"]
    Program(user.home).run("shim", "env").check()
    program, show = executable(), user.home.path / "show"
    show.write_text("#!/bin/sh\nenv | grep -E '^ANTHROPIC_(BASE_URL|AUTH_TOKEN)=' | sort\n")
    show.chmod(0o755)
    ways = {
        "exec": f"{program} exec -- {show}",
        "export": f'(eval "$({program} export --format sh)"; {show})',
        "launcher": f"~/.local/share/cowork-env/shims/env {show}",
        **{shell: f"{shell} -ic 'cd / && cd {project} && {show}'" for shell in SHELLS},
    }
    recorder.bash = "; ".join(
        [f"echo bare; {show}"] + [f"echo {name}; {way} 2>/dev/null" for name, way in ways.items()]
    )
    with user.by("exec") as starter:
        done = starter.run(project, ["claude", "-p", "--allowedTools", "Bash", "--", "hi"])
    assert done.returncode == 0, done
    parts: dict[str, list[str]] = {}
    for line in recorder.output.splitlines():
        if line in ("bare", *ways):
            part = parts[line] = []
        elif line.startswith(("ANTHROPIC_BASE_URL=", "ANTHROPIC_AUTH_TOKEN=")):
            part.append(line)
    url = f"ANTHROPIC_BASE_URL={recorder.url}/api"
    assert parts.pop("bare") == [url]
    both = [f"ANTHROPIC_AUTH_TOKEN={provider['authToken']}", url]
    assert parts == dict.fromkeys(ways, both)
