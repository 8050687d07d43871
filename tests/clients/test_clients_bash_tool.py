"""Inside Claude Code: the shell that it rebuilds from a snapshot of the person's works, and hears nothing from us."""

from __future__ import annotations

import pytest

from .person import SHELLS, Person
from .recorder import Recorder


@pytest.mark.parametrize("shell", SHELLS)
def test_bash_tool(shell: str, person: Person, recorder: Recorder, other: Recorder) -> None:
    project, neighbour = person.project("OpenRouter"), person.project("Keyed")
    recorder.bash = f"type cd | head -n 1; cd ../{neighbour.name} && env && cd - && pushd .. && popd && echo status $?; pwd"
    with person.way(shell) as here:
        done = here.run(project, ["claude", "-p", "--allowedTools", "Bash", "--", "hi"])
    assert done.status == 0, done
    (result,) = recorder.messages[-1].json["messages"][-1]["content"][:1]
    assert (result["type"], result.get("is_error", False)) == ("tool_result", False), result
    said = result["content"] if isinstance(result["content"], str) else result["content"][0]["text"]
    lines = said.splitlines()
    assert f"PWD={neighbour}" in lines
    assert "status 0" in lines
    assert lines[lines.index("status 0") + 1] == str(project)
    # The hook was in the shell that the snapshot was taken of: in bash it has a public function to show for it.
    if shell == "bash":
        assert "cd is a function" in lines
    # Nothing of ours is at work there: no provider is entered, and Claude Code's own is not left.
    assert "COWORK_ENV_ACTIVE=OpenRouter" in lines
    assert "cowork-env:" not in said
    assert "not found" not in said
    assert "__cowork_env" not in said
    # What a tool says goes to the provider in use, so another's key must not be in it.
    for provider in person.providers.values():
        assert provider["authToken"] not in said
