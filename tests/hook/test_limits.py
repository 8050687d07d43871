"""What would not fit into the environment is not set, and the shell goes on working."""

from __future__ import annotations

from support.home import GUIDE, Home
from support.home import GUIDE_MANAGED as MANAGED
from support.terminal import Open

KIB = 1 << 10


def test_a_provider_that_does_not_fit(shell: str, home: Home, open_terminal: Open) -> None:
    """One value of 200 KiB, and values of 2 MiB together: an error, and programs still start."""
    many = {f"A{i}": "x" * (100 * KIB) for i in range(20)}
    large = {**GUIDE[1], "name": "Large", "id": "large", "env": {"A": "x" * (200 * KIB)}}
    home.providers([large, {**GUIDE[2], "name": "Many", "env": many}, GUIDE[0]])
    for name in ("Large", "Many", "My Anthropic API"):
        home.pin(home.path / name.split()[0], name + "\n")
    terminal = open_terminal(shell)
    for name, says in (("Large", "sets A to more than the 128 KiB"), ("Many", "than 256 KiB")):
        (message,) = terminal.cd(home.path / name)
        assert says in message and "xxx" not in message
        assert terminal.managed() == {}
        assert terminal.messages() == []
    terminal.cd(home.path / "My")
    assert terminal.managed() == MANAGED["My Anthropic API"]
    terminal.run(f"cd {home.path} && cowork-env use none")
    assert terminal.managed() == {}


def test_values_of_the_users_own_that_cannot_be_kept(
    shell: str, home: Home, open_terminal: Open
) -> None:
    """100 KiB of headers would be 300 KiB in the state; a required pin still fails closed."""
    home.providers()
    home.pin(home.path / "p", "OpenRouter\n")
    home.pin(home.path / "required", "OpenRouter\nrequired = true\n")
    headers = "a: b\n" * (20 * KIB)
    terminal = open_terminal(shell, env={"ANTHROPIC_CUSTOM_HEADERS": headers})
    (message,) = terminal.cd(home.path / "p")
    assert "your own values of variables that it replaces are too large" in message
    assert terminal.managed() == {"ANTHROPIC_CUSTOM_HEADERS": headers}
    (message,) = terminal.cd(home.path / "required")
    managed = terminal.managed()
    assert managed["ANTHROPIC_BASE_URL"] == "http://unresolved.cowork-env.invalid"
    assert managed["ANTHROPIC_CUSTOM_HEADERS"] == headers
    terminal.cd(home.path)
    assert terminal.managed() == {"ANTHROPIC_CUSTOM_HEADERS": headers}
