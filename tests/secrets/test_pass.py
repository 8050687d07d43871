"""``pass:PATH`` with the real pass, GnuPG and its agent."""

from __future__ import annotations

from pathlib import Path

from support.home import Home
from support.password_store import PASSPHRASE, PasswordStore
from support.program import Program
from support.terminal import Dialog
from support.tools import KEY, fetch, outcome


def test_entries(home: Home) -> None:
    with PasswordStore(home) as store:
        store.insert("work/llm", f"{KEY}\nuser: me\n")
        assert fetch("pass:work/llm", store.env) == KEY
        assert outcome("pass:work", store.env).message.startswith("not found: pass has a folder")
        assert outcome("pass:work/x", store.env).message == "not found: pass has no such entry."
        (store.path / "bad.gpg").write_text(KEY)
        assert outcome("pass:bad", store.env).message.startswith("bad value: ")
        (store.gpg / "private-keys-v1.d").rename(store.gpg / "away")
        store.lock()
        assert outcome("pass:work/llm", store.env).message.startswith("locked: gpg-agent does not")
        nothing = {**store.env, "PASSWORD_STORE_DIR": str(home.path / "none")}
        assert outcome("pass:a", nothing).message.startswith("not found: ")
        assert not store.asked.exists()


def test_a_key_with_a_passphrase_is_unlocked_by_reload(home: Home, program: Program) -> None:
    """And by nothing else. The hook and other commands say that it is locked, and ask nothing."""
    home.providers([{"name": "P", "baseUrl": "https://p.example", "authTokenFrom": "pass:llm"}])
    home.pin(home.path / "p", "P\n")
    with PasswordStore(home, protected=True) as store:
        store.insert("llm", KEY + "\n")
        done = program.run("token", cwd=home.path / "p", env=store.env)
        assert done.returncode == 1
        assert "P: locked: gpg-agent does not have the passphrase" in done.stderr
        assert "Unlock it: cowork-env reload" in done.stderr
        program.run("reload", cwd=home.path / "p", env=store.env).check()  # not on a terminal
        assert not store.asked.exists()
        options = {"cwd": home.path / "p", "env": store.env}
        with Dialog.with_program(home, "reload", **options) as dialog:
            shown = dialog.finish()
        assert dialog.status == 0 and "every shell looks up its provider again" in shown
        assert KEY not in shown and PASSPHRASE not in shown
        assert store.asked.read_text() == "asked\n"
        assert program.run("token", cwd=home.path / "p", env=store.env).check().stdout == KEY + "\n"
        assert store.asked.read_text() == "asked\n"


def test_reload_tells_shells_also_when_the_store_stays_locked(home: Home) -> None:
    home.providers([{"name": "P", "baseUrl": "https://p.example", "authTokenFrom": "pass:no"}])
    home.pin(home.path / "p", "P\n")
    with PasswordStore(home) as store:
        options = {"cwd": home.path / "p", "env": store.env}
        with Dialog.with_program(home, "reload", **options) as dialog:
            shown = dialog.finish()
    assert dialog.status == 1 and "P: not found: pass has no such entry." in shown
    assert Path(home.state / "reload").exists()
