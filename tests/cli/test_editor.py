"""``edit --editor``: the whole entry as text, its keys left out, and nothing left behind."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from support.home import GUIDE, Home
from support.providers import KEY, dialog, file, ok, run, saved

EDIT = ["edit", "openrouter", "--editor", "--no-check"]
SECRETS = {"env": {"A": "1", "MY_TOKEN": KEY}, "theirs": {"z": 1, "a": [2]}, "theirKey": KEY}


@pytest.fixture
def runtime(home: Home) -> Path:
    """The folder of the user's session."""
    folder = home.path / "run"
    folder.mkdir(mode=0o700)
    home.env["XDG_RUNTIME_DIR"] = str(folder)
    return folder


def editor(home: Home, code: str, name: str = "ed") -> str:
    """An editor: Python code with ``path``, ``text``, and ``write(text)``; its command line."""
    script = home.path / name
    script.write_text(
        "import json, os, sys\n"
        "path = sys.argv[-1]\n"
        "text = open(path).read()\n"
        "def write(text): open(path, 'w').write(text)\n" + code
    )
    import sys

    return f"{sys.executable} '{script}' --wait"


def test_the_entry_is_edited_as_text(home: Home, runtime: Path) -> None:
    home.providers([GUIDE[0], GUIDE[1] | SECRETS])
    seen = home.path / "seen"
    code = (
        f"open({str(seen)!r}, 'w').write(text)\n"
        "assert os.stat(path).st_mode & 0o777 == 0o600\n"
        "assert os.stat(os.path.dirname(path)).st_mode & 0o777 == 0o700\n"
        f"assert path.startswith({str(runtime)!r}) and path.endswith('openrouter.json')\n"
        "open(path + '~', 'w').write(text)\n"  # as editors do
        'write(text.replace(\'"A": "1"\', \'"A": "2"\'))\n'
    )
    ok(home, *EDIT, EDITOR=editor(home, code))
    text = seen.read_text()
    assert KEY not in text and GUIDE[1]["authToken"] not in text
    shown = json.loads(text)
    assert shown["authToken"] == shown["env"]["MY_TOKEN"] == shown["theirKey"] == "(unchanged)"
    assert list(shown) == list(GUIDE[1] | SECRETS)
    expected = GUIDE[1] | SECRETS | {"env": {"A": "2", "MY_TOKEN": KEY}}
    assert json.dumps(saved(home)) == json.dumps([GUIDE[0], expected])
    assert list(runtime.iterdir()) == []


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        (f"write(text.replace('(unchanged)', '{KEY}'))", {"authToken": KEY}),
        ("d = json.loads(text); d['new'] = [1]; write(json.dumps(d))", {"new": [1]}),
        ("d = json.loads(text); d['name'] = ' Router '; write(json.dumps(d))", {"name": "Router"}),
        ("d = json.loads(text); del d['id']; d['new'] = 1; write(json.dumps(d))", {"new": 1}),
    ],
)
def test_what_is_written_is_saved(home: Home, code: str, changes: dict[str, Any]) -> None:
    home.providers()
    ok(home, *EDIT, VISUAL=editor(home, code), TERM="xterm", EDITOR="false")
    assert saved(home)[1] == GUIDE[1] | changes


@pytest.mark.parametrize(
    ("code", "status", "says"),
    [
        ("pass", 0, "Nothing was changed."),
        ("write(text.replace(' ', ''))", 0, "Nothing was changed."),
        ("sys.exit(3)", 1, "failed (exit status 3)"),
        ("write('{')", 1, "What you wrote is not valid JSON: line 1, column 2"),
        ("write('[]')", 1, "line 1, column 1: the provider is not an object"),
        ("write(text.replace('https://openrouter.ai/api/v1', 'x'))", 1, "line 4, column 14: baseU"),
        ('write(text.replace(\'"opus"\', \'"fable": "(unchanged)", "opus"\'))', 0, ""),
        ("d = json.loads(text); d['env'] = {'A': '(unchanged)'}; write(json.dumps(d))", 1, "env.A"),
        ("d = json.loads(text); d['authTokenFrom'] = 'env:A'; write(json.dumps(d))", 1, "beside"),
        ("d = json.loads(text); d['name'] = 'LiteLLM Local'; write(json.dumps(d))", 1, "already"),
        ("os.remove(path)", 1, "cannot be read"),
        ("open(path, 'wb').write(b'\\xff')", 1, "What you wrote is not UTF-8"),
    ],
)
def test_what_cannot_be_saved_changes_nothing(
    home: Home, runtime: Path, code: str, status: int, says: str
) -> None:
    home.providers()
    before = file(home).read_bytes()
    ran = run(home, *EDIT, EDITOR=editor(home, code))
    assert (ran.returncode, says in ran.stderr) == (status, True), ran.stderr
    if says:
        assert file(home).read_bytes() == before
    assert list(runtime.iterdir()) == []


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({}, "No editor is set."),
        ({"EDITOR": "/no/such"}, "The editor '/no/such' cannot be started."),
    ],
)
def test_an_editor_that_is_not_there(home: Home, env: dict[str, str], says: str) -> None:
    home.providers()
    ran = run(home, *EDIT, **{"EDITOR": "", "VISUAL": "", **env})
    assert ran.returncode == 1 and says in ran.stderr
    assert saved(home) == GUIDE


def test_editor_goes_with_no_other_change(home: Home) -> None:
    home.providers()
    assert run(home, *EDIT, "--haiku", "x", EDITOR="true").returncode == 2


def test_a_fault_is_shown_and_what_was_typed_is_there_again(home: Home, runtime: Path) -> None:
    home.providers()
    code = (
        "if 'opus-2' not in text: write(text.replace('claude-opus-4', 'opus-2') + '}')\n"
        "else: write(text[:-1])\n"
    )
    with dialog(home, *EDIT, EDITOR=editor(home, code)) as child:
        assert "line 13, column 1: Extra data" in child.answer("Edit again? [Y/n]", "")
        child.finish()
        assert child.status == 0
    assert "opus-2" in saved(home)[1]["models"]["opus"]
    before = file(home).read_bytes()
    for answer in ("n", "\x03"):
        with dialog(home, *EDIT, EDITOR=editor(home, "write('{')")) as child:
            child.expect("Edit again? [Y/n]")
            child.send("n\n") if answer == "n" else child.interrupt()
            if answer == "n":
                assert "OpenRouter was not changed." in child.finish()
            assert child.status == (1 if answer == "n" else 130)
        assert file(home).read_bytes() == before
        assert list(runtime.iterdir()) == []


def test_what_is_no_text_can_be_edited_again(home: Home) -> None:
    home.providers()
    code = (
        "if 'opus-2' in text: write(text.replace('opus-2', 'opus-3'))\n"
        "else: open(path, 'wb').write(text.replace('claude-opus-4', 'opus-2').encode('utf-16'))\n"
    )
    script = editor(home, code)
    source = home.path / "ed"
    source.write_text(
        source.read_text().replace(
            "text = open(path).read()",
            "text = open(path, 'rb').read().decode('utf-16-le' if "
            "open(path, 'rb').read(2) == b'\\xff\\xfe' else 'utf-8').lstrip('\\ufeff')",
        )
    )
    with dialog(home, *EDIT, EDITOR=script) as child:
        assert "is not UTF-8" in child.answer("Edit again? [Y/n]", "")
        child.finish()
        assert child.status == 0
    assert "opus-3" in saved(home)[1]["models"]["opus"]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_during_the_editor_leaves_nothing_behind(
    home: Home, runtime: Path, number: signal.Signals
) -> None:
    home.providers()
    code = "import time\nwrite('{')\nprint('waiting', flush=True)\ntime.sleep(60)\n"
    with dialog(home, *EDIT, EDITOR=editor(home, code)) as child:
        child.expect("waiting")
        child.child.kill(number)
        child.finish()
        assert child.status == 128 + number
    assert saved(home) == GUIDE
    assert list(runtime.iterdir()) == []


def test_ctrl_c_in_the_editor_leaves_nothing_behind(home: Home, runtime: Path) -> None:
    home.providers()
    code = "import time\nwrite('{')\nprint('waiting', flush=True)\ntime.sleep(60)\n"
    with dialog(home, *EDIT, EDITOR=editor(home, code)) as child:
        child.expect("waiting")
        child.interrupt()
        assert child.status == 130
    assert saved(home) == GUIDE
    assert list(runtime.iterdir()) == []


def test_an_editor_that_does_not_wait_is_noticed(home: Home) -> None:
    home.providers()
    with dialog(home, *EDIT, EDITOR="true") as child:
        assert "EDITOR='code --wait'" in child.finish()


def test_a_provider_that_was_changed_meanwhile(home: Home, runtime: Path) -> None:
    home.providers()
    changed = [GUIDE[0], GUIDE[1] | {"baseUrl": "https://other.example"}]
    (home.path / "new").write_text(json.dumps(changed))
    code = (
        f"open({str(home.file)!r}, 'w').write(open({str(home.path / 'new')!r}).read())\n"
        "write(text.replace('claude-opus-4', 'opus-2'))\n"
    )
    ran = run(home, *EDIT, EDITOR=editor(home, code))
    assert ran.returncode == 1
    assert "OpenRouter was changed by another program." in ran.stderr
    assert saved(home)[1]["baseUrl"] == "https://other.example"
    kept = Path(ran.stderr.strip().rpartition("What you wrote is in ")[2].rstrip("."))
    assert "opus-2" in kept.read_text() and kept.stat().st_mode & 0o777 == 0o600
    assert kept.is_relative_to(runtime)


def test_a_key_that_the_app_encrypts_meanwhile_stays(home: Home) -> None:
    home.providers()
    encrypted = [GUIDE[0], GUIDE[1] | {"authToken": "ENC:v1:djExAAAA"}]
    (home.path / "new").write_text(json.dumps(encrypted))
    code = (
        f"open({str(home.file)!r}, 'w').write(open({str(home.path / 'new')!r}).read())\n"
        "write(text.replace('claude-opus-4', 'opus-2'))\n"
    )
    ok(home, *EDIT, EDITOR=editor(home, code))
    assert saved(home)[1]["authToken"] == "ENC:v1:djExAAAA"
    assert "opus-2" in saved(home)[1]["models"]["opus"]


@pytest.mark.parametrize("options", [[], ["--yes"]])
def test_a_reference_that_gives_no_key_is_asked_about_here_too(
    home: Home, options: list[str]
) -> None:
    home.providers()
    code = (
        "d = json.loads(text); del d['authToken']; d['authTokenFrom'] = 'env:NO_SUCH'\n"
        "write(json.dumps(d))\n"
    )
    ran = run(home, "edit", "openrouter", "--editor", *options, EDITOR=editor(home, code))
    assert ran.returncode == (0 if options else 1)
    assert ("env:NO_SUCH gives no key" in ran.stderr) != bool(options)
    assert ("authToken" in saved(home)[1]) != bool(options)
