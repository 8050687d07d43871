"""``rename``: the selection and the pins follow, and what does not is named."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from support.home import GUIDE, Home, need
from support.providers import dialog, ok, run, saved, selection
from support.trust import state

RENAME = ["rename", "openrouter", "Router 2"]


def test_rename_keeps_the_selection(home: Home) -> None:
    home.providers([{k: v for k, v in GUIDE[1].items() if k != "id"}])
    ok(home, "use", "openrouter")
    assert selection(home) == "OpenRouter"
    ran = ok(home, *RENAME)
    assert "OpenRouter is now Router 2" in ran.stderr
    assert "scripts with the old name" in ran.stderr
    assert selection(home) == saved(home)[0]["id"]
    assert "selected" in ok(home, "list").stdout


@pytest.mark.parametrize(("new", "status"), [("none", 2), ("", 2), ("a\nb", 2), ("aws bedrock", 1)])
def test_rename_refuses_invalid_and_taken_names(home: Home, new: str, status: int) -> None:
    home.providers()
    pin = home.pin(home.path / "a", "OpenRouter\n")
    assert run(home, "rename", "openrouter", new, "--yes").returncode == status
    assert saved(home) == GUIDE
    assert pin.read_text() == "OpenRouter\n"


def test_rename_can_change_the_case(home: Home) -> None:
    home.providers()
    pin = home.pin(home.path / "a", "OpenRouter\n")
    ran = ok(home, "rename", "openrouter", "openROUTER", "--yes")
    assert saved(home)[1]["name"] == "openROUTER"
    assert pin.read_text() == "OpenRouter\n"  # It finds the provider as before.
    assert "scripts" not in ran.stderr


PIN = "\ufeff# ours\r\n openrouter \r\n\topus = big   \r\n# end"


def test_the_pins_follow_and_stay_allowed(home: Home) -> None:
    home.providers()
    pin = home.pin(home.path / "a b", PIN)
    pin.chmod(0o600)
    by_id = home.pin(home.path / "id", GUIDE[1]["id"] + "\n")
    other = home.pin(home.path / "other", "LiteLLM Local\n")
    with dialog(home, *RENAME) as child:
        shown = child.answer("Write the new name into this pin, too? [Y/n]", "")
        assert "~/a b/.cowork-provider" in shown
        assert "/id/" not in shown and "/other/" not in shown
        assert "~/a b/.cowork-provider: Router 2" in child.finish()
        assert child.status == 0
    assert pin.read_bytes() == PIN.replace(" openrouter ", "Router 2").encode()
    assert pin.stat().st_mode & 0o777 == 0o600
    assert state(home, pin) == "allowed"
    assert by_id.read_text() == GUIDE[1]["id"] + "\n"
    assert other.read_text() == "LiteLLM Local\n"
    assert saved(home)[1]["name"] == "Router 2"


@pytest.mark.parametrize(("options", "rewritten"), [([], False), (["--yes"], True), (["-y"], True)])
def test_without_a_terminal_pins_are_listed_and_rewritten_with_yes_alone(
    home: Home, options: list[str], rewritten: bool
) -> None:
    home.providers()
    pin = home.pin(home.path / "a", "OpenRouter\n")
    said = ok(home, *RENAME, *options).stderr
    assert "~/a/.cowork-provider" in said
    assert pin.read_text() == ("Router 2\n" if rewritten else "OpenRouter\n")
    assert ("No pin was rewritten" in said) != rewritten


def test_no_leaves_the_pins_and_ctrl_c_leaves_everything(home: Home) -> None:
    home.providers()
    pin = home.pin(home.path / "a", "OpenRouter\n")
    before = home.file.read_bytes()
    with dialog(home, *RENAME) as child:
        child.expect("[Y/n]")
        child.interrupt()
        assert child.status == 130
    assert home.file.read_bytes() == before
    with dialog(home, *RENAME) as child:
        child.answer("[Y/n]", "n")
        assert "No pin was rewritten: run 'cowork-env pin' there." in child.finish()
    assert saved(home)[1]["name"] == "Router 2"
    assert pin.read_text() == "OpenRouter\n"


def test_pins_that_are_not_rewritten_are_named(home: Home) -> None:
    home.providers()
    text = "OpenRouter\n"
    denied = home.pin(home.path / "denied", text)
    ok(home, "deny", str(denied.parent))
    changed = home.pin(home.path / "changed", "OpenRouter\nopus = a\n")
    changed.write_text(text)
    target = home.path / "target"
    target.write_text(text)
    linked = home.pin(home.path / "linked", text)
    linked.unlink()
    linked.symlink_to(target)
    unknown = home.pin(home.path / "unknown", text, allow=False)
    said = ok(home, *RENAME, "--yes").stderr
    for pin, why in (
        ("denied", "is denied"),
        ("changed", "has changed since you allowed it"),
        ("linked", "is a link"),
    ):
        assert f"Left as it is: ~/{pin}/.cowork-provider {why}." in said
    assert {p.read_text() for p in (denied, changed, target, unknown)} == {text}
    assert linked.is_symlink()
    assert [state(home, p) for p in (denied, changed, unknown)] == ["denied", *["untrusted"] * 2]


def test_a_pin_in_a_linked_worktree_is_left(home: Home) -> None:
    git = [need("git"), "-c", "user.name=T", "-c", "user.email=t@example.com"]
    home.providers()
    main, tree = home.path / "main", home.path / "tree"
    pin = home.pin(main, "OpenRouter\n")

    def run_git(*arguments: str) -> None:
        subprocess.run([*git, "-C", str(main), *arguments], env=home.env, check=True, stdout=-3)

    run_git("init", "-q")
    run_git("add", ".")
    run_git("commit", "-q", "-m", "x")
    run_git("worktree", "add", "-q", str(tree))
    home.pin(tree, "OpenRouter\n")
    said = ok(home, *RENAME, "--yes").stderr
    assert "~/main/.cowork-provider  (in git: commit the change)" in said
    assert "Left as it is: ~/tree/.cowork-provider is in a linked worktree." in said
    assert pin.read_text() == "Router 2\n"
    assert (tree / ".cowork-provider").read_text() == "OpenRouter\n"


def test_a_pin_that_cannot_be_written_is_named(home: Home) -> None:
    home.providers()
    pin = home.pin(home.path / "a", "OpenRouter\n" + "#" * 4080 + "\n")
    ran = run(home, "rename", "openrouter", "A much longer name than that", "--yes")
    assert ran.returncode == 1
    assert "~/a/.cowork-provider has the old name: That does not fit into a pin." in ran.stderr
    assert pin.read_text().startswith("OpenRouter\n")
    assert saved(home)[1]["name"] == "A much longer name than that"


def test_what_else_has_the_old_name_is_named(home: Home, tmp_path: Path) -> None:
    home.providers()
    said = ok(home, *RENAME, COWORK_PROVIDER="OpenRouter").stderr
    assert "COWORK_PROVIDER is set to 'OpenRouter' in this shell" in said
