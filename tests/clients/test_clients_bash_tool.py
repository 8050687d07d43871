"""In the shell that Claude Code rebuilds for its Bash tool, all works, and the hook is off."""

from __future__ import annotations

import pytest

from support.clients.recorder import Recorder
from support.clients.user import SHELLS, User


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
    (result,) = recorder.messages[-1].json["messages"][-1]["content"][:1]
    assert (result["type"], result.get("is_error", False)) == ("tool_result", False), result
    output = (
        result["content"] if isinstance(result["content"], str) else result["content"][0]["text"]
    )
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
