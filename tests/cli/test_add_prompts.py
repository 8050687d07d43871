"""``add`` on a terminal: what it asks, what it never shows, and what it leaves behind."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path
from typing import Any

import pytest

from support.home import GUIDE, Home
from support.program import Program
from support.providers import CTRL_C, ENTER, KEY, dialog, file, saved, selection
from support.server import Behavior, Request, Response, Server, always, api, error, silent_port
from support.terminal import Dialog, plain

CTRL_D = "\x04"
PLAIN = {"COWORK_ENV_PLAIN": "1", "NO_PROXY": "*"}
EVERYWHERE = "Use it everywhere? [Y/n]: "
NAMED = ("add", "--name", "A", "--default-model", "m", "--no-check")


def add(home: Home, *args: str, size: tuple[int, int] = (40, 160), **env: str) -> Dialog:
    """``add`` on a terminal, without color, and with no proxy."""
    env = {"NO_COLOR": "1", "NO_PROXY": "*", **env}
    return Dialog.with_program(home, "add", *args, env=env, size=size)


def finish(child: Dialog) -> str:
    """The rest of what a dialog that succeeds shows."""
    shown = child.finish()
    assert child.status == 0, shown
    return plain(shown)


def test_add_preset_asks_only_for_the_key_and_hides_it(home: Home) -> None:
    with dialog(home, "add", "openrouter", "--no-check") as child:
        shown = child.answer("Key (hidden)", f"export OPENROUTER_API_KEY='{KEY}'", hidden=True)
        assert child.child.pid is not None
        if Path("/proc/self").exists():
            assert KEY.encode() not in Path(f"/proc/{child.child.pid}/cmdline").read_bytes()
        shown += child.answer(EVERYWHERE, "n")
        shown += finish(child)
    assert KEY not in shown
    assert "OpenRouter, https://openrouter.ai/api" in plain(shown)
    assert "Keys are made at https://openrouter.ai/settings/keys" in plain(shown)
    assert "cowork-env: added OpenRouter" in shown
    assert "Next: cowork-env init" in shown
    assert saved(home)[0]["authToken"] == KEY and not selection(home)


def test_add_asks_until_answers_are_valid(home: Home) -> None:
    home.providers([GUIDE[0]])
    with add(home, "--no-check", **PLAIN) as child:
        child.answer("Number or name: ", "another")
        child.answer("Name: ", "none")
        child.answer("That is 'none'", "")
        child.answer("Name: ", GUIDE[0]["name"].upper())
        child.expect("already")
        child.answer("Name: ", "Büro")
        child.answer("Base URL: ", "example.com")
        child.expect("That has no scheme")
        child.answer("Base URL: ", "https://api.openai.com/v1")
        child.expect("That belongs to OpenAI")
        child.answer("Base URL: ", "https://example.com/v1")
        child.answer("Key (hidden)", "  ", hidden=True)
        child.answer("Key (hidden)", KEY, hidden=True)
        child.answer("Default model, Enter for none: ", "m-1")
        child.answer(EVERYWHERE, "y")
        assert KEY not in finish(child)
    entry = saved(home)[1]
    assert selection(home) == entry.pop("id")
    assert entry == {
        "name": "Büro",
        "baseUrl": "https://example.com/v1",
        "authToken": KEY,
        "defaultModel": "m-1",
    }


def test_bare_add_offers_the_presets(home: Home) -> None:
    with add(home, "--no-check") as child:
        child.expect("another endpoint")
        child.send("deepseek.com")
        child.expect("deepseek.com")
        child.send(ENTER)
        child.answer("Key (hidden)", KEY, hidden=True)
        child.answer(EVERYWHERE, "")
        finish(child)
    assert saved(home)[0]["name"] == "DeepSeek"


def test_one_in_openais_format_says_the_two_commands(home: Home) -> None:
    with add(home, **PLAIN) as child:
        child.expect("claude-account")
        child.expect("Groq, https://api.groq.com/openai/v1 (needs a gateway)")
        child.answer("Number or name: ", "groq")
        shown = plain(child.finish())
        assert child.status == 2
    assert "\n  litellm --host 127.0.0.1 --model groq/MODEL\n" in shown
    assert "\n  cowork-env add litellm --name Groq --default-model groq/MODEL\n" in shown
    assert not file(home).exists()


# Where it is


@pytest.mark.parametrize(
    ("answer", "url"),
    [
        ("", "http://localhost:4000"),
        ("4001", "http://localhost:4001"),
        ("127.0.0.1:4001", "http://127.0.0.1:4001"),
        ("localhost", "http://localhost:4000"),
        ("llm.example", "https://llm.example"),
        ("llm.example:8443/v1", "https://llm.example:8443/v1"),
        ("https://llm.example/x", "https://llm.example/x"),
    ],
)
def test_a_preset_that_depends_on_a_place_asks_where(home: Home, answer: str, url: str) -> None:
    args = ("litellm", "--token-from", "env:K", "--default-model", "m", "--no-check")
    with add(home, *args, **PLAIN) as child:
        child.answer("Where is it? [http://localhost:4000]: ", answer)
        child.answer(EVERYWHERE, "n")
        finish(child)
    (entry,) = saved(home)
    assert entry["baseUrl"] == url and "allowInsecure" not in entry


@pytest.mark.parametrize("args", [("ollama",), ("ollama", "--base-url", "http://10.0.0.7:11434")])
def test_plain_http_to_another_machine_needs_consent(home: Home, args: tuple[str, ...]) -> None:
    with add(home, *args, "--default-model", "m", "--no-check", **PLAIN) as child:
        if len(args) == 1:
            child.answer("Where is it? [http://localhost:11434]: ", "10.0.0.7")
            child.expect("is plain http to another machine")
            child.answer("[y/N]: ", "n")
            child.answer("Where is it? [http://localhost:11434]: ", "10.0.0.7:11434")
        child.expect("http://10.0.0.7:11434 is plain http to another machine")
        child.answer("[y/N]: ", "y")
        child.answer(EVERYWHERE, "n")
        finish(child)
    (entry,) = saved(home)
    assert (entry["baseUrl"], entry["allowInsecure"]) == ("http://10.0.0.7:11434", True)


def test_add_asks_for_what_fills_a_preset(home: Home) -> None:
    with dialog(home, "add", "foundry", "--token-from", "env:K", "--no-check") as child:
        child.answer("Name of the Azure resource: ", "my.resource")
        child.expect("only letters, digits and hyphens")
        child.answer("Name of the Azure resource: ", "my-resource")
        child.answer("Enter for none: ", "")
        child.answer(EVERYWHERE, "n")
        finish(child)
    assert saved(home)[0]["baseUrl"] == "https://my-resource.services.ai.azure.com/api/anthropic"


# Keys


def test_what_is_no_key_is_asked_for_again(home: Home) -> None:
    with add(home, *NAMED[1:], "--base-url", "https://a.example", **PLAIN) as child:
        for wrong, why in (
            (f"two {KEY}", "has blanks in it"),
            (f'{{"env": "{KEY}"}}', "is JSON"),
            (f"{KEY[:9]}\n{KEY[9:]}", "has several lines"),
            ("x" * 4200, "longer than a terminal passes on"),
        ):
            child.answer("Key (hidden)", wrong, hidden=True)
            shown = child.expect(why)
            assert KEY[9:] not in shown
        child.answer("Key (hidden)", f"\x1b[200~Bearer {KEY}\x1b[201~", hidden=True)
        child.answer(EVERYWHERE, "n")
        finish(child)
    assert saved(home)[0]["authToken"] == KEY


def test_a_key_at_another_question_is_not_taken(home: Home) -> None:
    looks = "That looks like a key"
    with add(home, "--no-check", **PLAIN) as child:
        for question in ("Number or name: ", "Name: ", "Base URL: "):
            child.answer(question, KEY)
            child.expect(looks)
            shown = child.answer(question, {"Nu": "another", "Na": "A"}.get(question[:2], ""))
            assert "the screen" in " ".join(shown.split()) and KEY not in shown
        child.answer("Base URL: ", f"https://user:{KEY}@a.example")
        child.expect(looks)
        child.answer("Base URL: ", "https://a.example")
        child.answer("Key (hidden)", KEY, hidden=True)
        child.answer("Default model, Enter for none: ", KEY)
        child.expect(looks)
        child.answer("Default model, Enter for none: ", "")
        child.answer(EVERYWHERE, KEY)
        child.expect(looks)
        child.answer(EVERYWHERE, "n")
        assert KEY not in finish(child)


def test_the_second_line_of_what_is_pasted_answers_no_question(home: Home) -> None:
    with add(home, *NAMED[1:], **PLAIN) as child:
        child.answer("Number or name: ", "another")
        child.answer("Base URL: ", "http://b.example\ny")
        child.expect("several lines")
        child.answer("Base URL: ", f"https://a.example\n{KEY}")
        child.expect("looks like a key")
        child.answer("Base URL: ", "https://a.example")
        child.answer("Key (hidden)", KEY, hidden=True)
        child.answer(EVERYWHERE, "n")
        finish(child)
    assert saved(home)[0]["baseUrl"] == "https://a.example"


@pytest.mark.parametrize("pasted", [KEY, f"\x1b[200~{KEY}\x1b[201~"])
def test_a_key_in_a_pickers_filter_is_not_taken(home: Home, pasted: str) -> None:
    with add(home, "--no-check") as child:
        child.expect("another endpoint")
        child.send(pasted)
        child.expect("looks like a key")
        child.expect("another endpoint")
        child.send("another")
        child.expect("another")
        child.send(ENTER)
        child.answer("Name: ", "A")
        child.expect("Base URL: ")
        child.send(CTRL_C)
        child.finish()


# Models


@pytest.mark.parametrize("env", [{}, PLAIN], ids=["picker", "plain"])
def test_add_offers_the_models_that_the_endpoint_lists(home: Home, env: dict[str, str]) -> None:
    rejected = always(401, error("authentication_error", "no"))
    with (
        Server(api(("small-1", "large-2"), key=KEY, post=rejected)) as server,
        add(home, "--name", "A", "--base-url", server.url, **env) as child,
    ):
        child.answer("Key (hidden)", KEY, hidden=True)
        child.expect("large-2")
        if env:
            child.answer("Number or name: ", "large")
        else:
            child.send("large")
            child.expect("large")
            child.send(ENTER)
        shown = finish(child)
    assert KEY not in shown
    assert "A: does not work yet" in shown and "cowork-env pin a" in shown
    assert saved(home)[0]["defaultModel"] == "large-2"


def test_a_listed_model_that_no_provider_can_have_is_not_offered(home: Home) -> None:
    names = ("a model", "https://m.example", "good")
    rejected = always(401, error("authentication_error", "no"))
    with (
        Server(api(names, key=KEY, post=rejected)) as server,
        add(home, "--name", "A", "--base-url", server.url, **PLAIN) as child,
    ):
        child.answer("Key (hidden)", KEY, hidden=True)
        child.answer("Number or name: ", "1")
        finish(child)
    assert saved(home)[0]["defaultModel"] == "good"


def no_list(request: Request) -> Response:
    """A server without a list of models."""
    return (404, error("not_found_error", "no")) if request.path == "/v1/models" else (200, {})


@pytest.mark.parametrize(
    ("behavior", "why"),
    [
        (no_list, "It lists no models (HTTP status 404)."),
        (always(403, error("permission_error", "no")), "The server denies access with this key"),
        (None, "nothing listens there"),
    ],
    ids=["no list", "403", "nobody"],
)
def test_add_says_why_no_models_are_offered(
    home: Home, behavior: Behavior | None, why: str
) -> None:
    with Server(behavior or no_list) as server:
        url = server.url
        if behavior is None:
            server.close()
        with add(home, "ollama", "--base-url", url, **PLAIN) as child:
            child.expect(why)
            child.answer("Model, Enter for none: ", "typed")
            finish(child)
            child.close()
        assert saved(home)[0]["defaultModel"] == "typed"


def test_a_rejected_key_is_asked_for_again(home: Home) -> None:
    with (
        Server(api(("m-1",), key=KEY)) as server,
        add(home, "--name", "A", "--base-url", server.url, **PLAIN) as child,
    ):
        child.answer("Key (hidden)", "sk-wrong", hidden=True)
        child.expect("The server rejects the key (401)")
        child.answer("Key, Enter keeps it (hidden)", "sk-wrong-2", hidden=True)
        child.expect("The server rejects the key (401)")
        child.answer("Key, Enter keeps it (hidden)", KEY, hidden=True)
        child.answer("Number or name: ", "1")
        child.answer(EVERYWHERE, "")
        finish(child)
    assert saved(home)[0]["authToken"] == KEY


def test_a_rejected_key_can_be_kept(home: Home) -> None:
    with (
        Server(api(key="sk-other")) as server,
        add(home, *NAMED[1:5], "--base-url", server.url, **PLAIN) as child,
    ):
        child.answer("Key (hidden)", KEY, hidden=True)
        child.answer("Enter keeps it (hidden)", "", hidden=True)
        assert "does not work yet" in finish(child)
    assert saved(home)[0]["authToken"] == KEY


def test_the_style_of_the_key_is_found(home: Home) -> None:
    with (
        Server(api(("m-1",), key=KEY, style="x-api-key")) as server,
        add(home, "--name", "A", "--base-url", server.url, **PLAIN) as child,
    ):
        child.answer("Key (hidden)", KEY, hidden=True)
        child.expect("accepts this key as x-api-key")
        child.answer("Number or name: ", "m-1")
        child.answer(EVERYWHERE, "n")
        finish(child)
    assert saved(home)[0]["auth"] == "api-key"


@pytest.mark.parametrize("answer", ["", "n"])
def test_obvious_tiers_are_proposed_in_one_question(home: Home, answer: str) -> None:
    names = ("claude-sonnet-4-5", "claude-opus-4.1", "claude-opus-5", "claude-haiku", "other")
    with (
        Server(api(names, key=KEY)) as server,
        add(home, "--name", "A", "--base-url", server.url, **PLAIN) as child,
    ):
        child.answer("Key (hidden)", KEY, hidden=True)
        child.answer("Use claude-opus-5 for opus, claude-sonnet-4-5 for sonnet, ", answer)
        if answer:
            child.answer("Number or name: ", "other")
        child.answer(EVERYWHERE, "n")
        finish(child)
    (entry,) = saved(home)
    if answer:
        assert entry["defaultModel"] == "other" and "models" not in entry
    else:
        assert entry["defaultModel"] == "claude-sonnet-4-5"
        assert entry["models"]["opus"] == "claude-opus-5"


def test_a_presets_model_that_is_not_listed_is_replaced(home: Home) -> None:
    with (
        Server(api(("deepseek-v9", "deepseek-v4-flash"), key=KEY)) as server,
        add(home, "deepseek", "--base-url", server.url, **PLAIN) as child,
    ):
        child.answer("Key (hidden)", KEY, hidden=True)
        child.expect("does not list deepseek-v4-pro")
        child.answer("Number or name: ", "v9")
        child.answer(EVERYWHERE, "n")
        finish(child)
    (entry,) = saved(home)
    assert (entry["defaultModel"], entry["models"]) == (
        "deepseek-v9",
        {"haiku": "deepseek-v4-flash"},
    )


# Once it is saved


def test_add_checks_the_provider_and_keeps_it_if_that_fails(home: Home) -> None:
    with socket.socket() as taken:  # bound and not listening: nobody else answers there
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with dialog(home, "add", "--name", "A", "--base-url", url, "--default-model", "m") as child:
            child.answer("Key (hidden)", KEY, hidden=True)
            shown = finish(child)
    assert "A: does not work yet" in shown
    assert "everywhere" not in shown and "cowork-env use a" in shown
    assert KEY not in shown
    assert saved(home)[0]["name"] == "A"


@pytest.mark.parametrize("repository", [True, False])
def test_it_can_be_pinned_here_and_used_everywhere(home: Home, repository: bool) -> None:
    home.providers([GUIDE[0]])
    here = home.path / "app" / "src"
    here.mkdir(parents=True)
    if repository:
        (home.path / "app/.git").mkdir()
    env = {**PLAIN, "NO_COLOR": "1"}
    args = (*NAMED, "--base-url", "https://a.example", "--token-from", "env:K")
    for name in ("A", "B"):
        args = ("add", "--name", name, *args[3:])
        with Dialog.with_program(home, *args, env=env, cwd=here) as child:
            if name == "A":
                child.answer(
                    f"Pin it here, for ~/app/src and below? [{'Y/n' if repository else 'y/N'}]: ",
                    "y",
                )
                child.answer("Use it everywhere else? [Y/n]: ", "")
            else:  # There is a pin already.
                child.answer("Use it everywhere, in the place of A? [y/N]: ", "")
            finish(child)
    assert (here / ".cowork-provider").read_text() == "A\n"
    assert selection(home) == saved(home)[1]["id"]


@pytest.mark.parametrize(
    ("hook", "answer", "says"),
    [
        ("", "y", "Next: cowork-env init"),
        ("old", "y", "Next: claude"),
        ("old", "n", "Next: cowork-env exec --provider a -- claude"),
        ("new", "y", "Next: cowork-env exec -- claude"),
        ("new", "y", "Or open a new shell, and run: claude"),
        ("launcher", "y", "Next: claude"),
    ],
)
def test_the_next_command(home: Home, hook: str, answer: str, says: str) -> None:
    if hook:
        startup = home.path / ".bashrc"
        startup.write_text('eval "$(cowork-env hook bash)"\n')
        if hook == "launcher":
            client = home.path / "bin/claude"
            client.parent.mkdir()
            client.write_text("#!/bin/sh\n")
            client.chmod(0o755)
            path = f"{home.path / '.local/share/cowork-env/shims'}:{home.env['PATH']}"
            home.env["PATH"] = f"{path}:{client.parent}"
            Program(home).run("shim", "claude").check()
        age = -3600 if hook == "old" else 3600
        when = startup.stat().st_mtime + age
        os.utime(startup, (when, when))
    command = " ".join(("cowork-env", *NAMED, "--base-url https://a.example --token-from env:K"))
    env = {**home.env, **PLAIN, "TERM": "xterm"}
    with Dialog(["bash", "--norc", "-c", f"{command}; :"], env=env, cwd=home.path) as child:
        child.answer(EVERYWHERE, answer)
        assert says in finish(child).splitlines()


# Ending it


def saving_nothing(home: Home) -> None:
    """Nothing was added."""
    assert not home.file.exists() and not file(home).exists()
    assert not list(home.path.rglob(".cowork-provider"))


# What is answered before the question at which it ends, and that question.
PLACES: dict[str, tuple[tuple[str, ...], list[tuple[str, str]], str]] = {
    "picker": ((), [], "another endpoint"),
    "name": ((), [("another endpoint", "another" + ENTER)], "Name: "),
    "url": (("--name", "A"), [("another endpoint", "another" + ENTER)], "Base URL: "),
    "where": (("ollama",), [], "Where is it?"),
    "consent": (("ollama",), [("Where is it?", "10.0.0.7\n")], "anyway? [y/N]: "),
    "resource": (("foundry",), [], "resource: "),
    "key": (("openrouter",), [], "Key (hidden): "),
    "model": (
        ("ollama", "--no-check"),
        [("Where is it?", "\n")],
        "Model, Enter for none: ",
    ),
    "directory": (("claude-account",), [], "default login: "),
}


@pytest.mark.parametrize("key", [CTRL_C, CTRL_D], ids=["ctrl-c", "ctrl-d"])
@pytest.mark.parametrize("place", PLACES)
def test_ending_it_at_a_question_leaves_nothing(home: Home, place: str, key: str) -> None:
    """Neither a provider nor a changed terminal; the prompt is on a line of its own."""
    args, answers, question = PLACES[place]
    command = f"cowork-env add {' '.join(args)}; echo STATUS $?; stty -a >after"
    command = f"trap : INT; stty -a >before; {command}"
    env = {**home.env, "TERM": "xterm", "NO_COLOR": "1", "NO_PROXY": "*"}
    with Dialog(["sh", "-c", command], env=env, cwd=home.path) as child:
        for asked, answer in answers:
            child.expect(asked)
            child.send(answer)
        child.expect(question)
        if place == "key":
            assert child.child.waitnoecho(timeout=20)
        child.send(key)
        shown = plain(child.expect("STATUS 130"))
        child.finish()
    assert shown.endswith("\n") and "Traceback" not in shown, shown
    assert (home.path / "before").read_text() == (home.path / "after").read_text()
    saving_nothing(home)


def test_ctrl_c_while_the_endpoint_is_asked_leaves_nothing(home: Home) -> None:
    with (
        silent_port() as port,
        add(home, "ollama", "--base-url", f"http://127.0.0.1:{port}", **PLAIN) as child,
    ):
        child.expect("Asking 127.0.0.1 for its models...")
        child.send(CTRL_C)
        shown = plain(child.finish())
        assert child.status == 130
    assert shown.endswith("\n") and "Traceback" not in shown
    saving_nothing(home)


def test_ctrl_c_once_it_is_saved_keeps_it(home: Home) -> None:
    with add(home, *NAMED[1:], "--base-url", "https://a.example", **PLAIN) as child:
        child.answer("Key (hidden)", KEY, hidden=True)
        shown = child.expect(EVERYWHERE)
        child.send(CTRL_D)
        shown += child.finish()
        assert child.status == 130
    assert "added A" in shown and "after it had changed" in shown
    assert saved(home)[0]["name"] == "A" and not selection(home)


def test_ctrl_c_during_the_check_keeps_it(home: Home) -> None:
    with silent_port() as port:
        args = (*NAMED[1:5], "--token-from", "env:K", "--base-url", f"http://127.0.0.1:{port}")
        with add(home, *args, K="k", **PLAIN) as child:
            child.expect("connection...")
            child.send(CTRL_C)
            shown = child.finish()
            assert child.status == 130
    assert "Not checked." in shown and "after it had changed" in shown
    assert saved(home)[0]["name"] == "A"


# Narrow and plain terminals


@pytest.mark.parametrize("columns", [40, 60])
def test_no_message_breaks_a_word(home: Home, columns: int) -> None:
    # pytest's workers have a COLUMNS, which would count.
    with add(home, *NAMED[1:], size=(40, columns), COLUMNS="", **PLAIN) as child:
        child.answer("Number or name: ", "another")
        shown = child.answer("Base URL: ", KEY)
        shown += child.answer("Base URL: ", "http://10.0.0.7:4000")
        shown += child.answer("[y/N]: ", "n")
        shown += child.answer("Base URL: ", "https://a.example")
        shown += child.answer("(hidden)", "not a key", hidden=True)
        shown += child.answer("(hidden)", KEY, hidden=True)
        shown += child.answer(EVERYWHERE, "n")
        shown += finish(child)
    assert "\033" not in shown
    own = [line for line in shown.replace("\r", "").splitlines() if KEY not in line]
    assert [line for line in own if len(line) > columns and " " in line.strip()] == []


def test_a_picker_on_a_narrow_terminal_shows_whole_words(home: Home) -> None:
    with add(home, "--no-check", size=(60, 40), COLUMNS="") as child:
        shown = plain(child.expect("another endpoint"))
        child.send("api.fireworks.ai/inference")  # is searched, too, where it is not shown
        child.expect("api.fireworks.ai/inference")
        child.send(ENTER)
        child.expect("https://app.fireworks.ai/settings")
        child.send(CTRL_C)
        child.finish()
    assert re.search(r"fireworks +Fireworks,…", shown)


def test_a_picker_takes_no_more_lines_than_it_has(home: Home) -> None:
    """Also where the terminal tells how many are left below the cursor."""
    home.providers()
    with dialog(home, "use") as child:
        child.expect("\x1b[6n")
        child.send("\x1b[1;1R")
        child.expect("AWS Bedrock")
        child.send("bedr")
        shown = child.expect("bedr")
        child.send(CTRL_C)
        child.finish()
    assert shown.count("\n") < 2 * len(GUIDE) + 4


def test_what_no_model_matches_is_asked_once_more(home: Home) -> None:
    """Enter pressed twice at a picker chooses nothing in the next one, and what is typed there and
    not listed need not be typed again."""
    with (
        Server(api(("gpt-5", "qwen-9"), key=KEY)) as server,
        add(home, size=(50, 100), NO_PROXY="*") as child,
    ):
        shown = child.expect("another endpoint")
        child.send("litellm" + ENTER + ENTER)
        child.answer("Where is it?", server.url)
        child.answer("virtual key, hidden)", KEY, hidden=True)
        child.expect("another model")
        child.send("mine-1")
        child.expect("(Enter: another model)")
        child.send(ENTER)
        child.answer("configuration) [mine-1]: ", "")
        finish(child)
    assert saved(home)[0]["defaultModel"] == "mine-1"
    assert "litellm         " in plain(shown)


def test_the_key_goes_to_the_endpoint_only(home: Home) -> None:
    behavior: Any = api(("m-1",), key=KEY)
    with (
        Server(behavior) as server,
        add(home, "vllm", "--base-url", server.url, **PLAIN) as child,
    ):
        child.expect("The server rejects the key (401)")  # the preset's, as any will do
        child.answer("Enter keeps it (hidden)", KEY, hidden=True)
        child.answer("Number or name: ", "m-1")
        child.answer(EVERYWHERE, "n")
        finish(child)
        assert {request.key for request in server.requests} == {"vllm", KEY}
