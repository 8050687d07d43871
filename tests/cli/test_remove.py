"""``remove``: what is lost, which pins name it, and several at once."""

from __future__ import annotations

from support.home import GUIDE, Home
from support.providers import dialog, ok, run, saved, selection


def test_remove_clears_the_selection_only_of_that_provider(home: Home) -> None:
    home.providers()
    ok(home, "use", "openrouter")
    assert "selection" not in ok(home, "remove", "litellm-local").stderr
    assert selection(home) == GUIDE[1]["id"]
    assert "It was the selection" in ok(home, "remove", "openrouter", "--yes").stderr
    assert selection(home) == ""
    assert saved(home) == [GUIDE[0], GUIDE[3]]


def test_remove_says_what_is_lost_and_asks(home: Home) -> None:
    entry = GUIDE[1] | {"env": {"A": "1", "MY_KEY": "sk-secret"}, "theirs": 1}
    home.providers([GUIDE[0], entry])
    pin = home.pin(home.path / "a", "openrouter\n")
    by_id = home.pin(home.path / "b", GUIDE[1]["id"] + "\n")
    changed = home.pin(home.path / "c", "none\n")
    changed.write_text("OpenRouter\n")
    before = home.file.read_bytes()
    with dialog(home, "remove", "openrouter") as child:
        shown = child.answer("Remove OpenRouter? [y/N]", "")
        assert "Its key is not stored anywhere else by cowork-env." in shown
        assert "Lost with it: 4 models; variables A, MY_KEY; fields of other programs theirs." in (
            shown
        )
        assert "~/a/.cowork-provider" in shown and "~/b/.cowork-provider" in shown
        assert "~/c/" not in shown and "sk-secret" not in shown
        assert "OpenRouter was not removed." in child.finish()
        assert child.status == 1
    with dialog(home, "remove", "openrouter") as child:
        child.expect("Remove OpenRouter?")
        child.interrupt()
        assert child.status == 130
    assert home.file.read_bytes() == before
    with dialog(home, "remove", "openrouter") as child:
        child.answer("Remove OpenRouter?", "y")
        child.finish()
        assert child.status == 0
    assert saved(home) == [GUIDE[0]]
    assert pin.exists() and by_id.exists()


def test_several_at_once_or_none(home: Home) -> None:
    home.providers()
    before = home.file.read_bytes()
    ran = run(home, "remove", "openrouter", "openroutr", "--yes")
    assert "Did you mean 'OpenRouter'?" in ran.stderr
    assert home.file.read_bytes() == before
    with dialog(home, "remove", "openrouter", "LiteLLM Local", "OpenRouter") as child:
        shown = child.answer("Remove OpenRouter, LiteLLM Local?", "y")
        assert "LiteLLM Local: Its key is not stored anywhere else" in shown
        child.finish()
    assert saved(home) == [GUIDE[0], GUIDE[3]]


def test_a_reference_stays_where_it_is(home: Home) -> None:
    entry = {k: v for k, v in GUIDE[1].items() if k != "authToken"}
    home.providers([entry | {"authTokenFrom": "env:OR_KEY"}])
    said = ok(home, "remove", "openrouter").stderr
    assert "Its key stays where it is: env:OR_KEY." in said


def test_what_was_typed_before_the_question_does_not_answer_it(home: Home) -> None:
    home.providers()
    with dialog(home, "remove", "openrouter") as child:
        child.send("y\n")  # It is still starting.
        child.answer("Remove OpenRouter? [y/N]: ", "")
        assert "was not removed" in child.finish()
    assert saved(home) == GUIDE
