"""``op://`` with a stand-in that signs in."""

from __future__ import annotations

from support.home import Home
from support.program import Program
from support.terminal import Dialog
from support.tools import KEY, Tools

# It signs in only on a terminal, and then reads. By hand, as it does without the app, it prints
# a session's name for the shell to set, and signs nothing in.
OP = f"""
case "$1 $OP_BY_HAND" in
  "signin ") test -t 0 || exit 1; printf 'Password? ' >&2; read -r answer; touch ~/signed-in ;;
  signin*) echo 'export OP_SESSION_my="{KEY}"' ;;
  *) test -e ~/signed-in || {{ echo '[ERROR] account is not signed in' >&2; exit 1; }}
     printf {KEY} ;;
esac
"""


def test_reload_signs_in(home: Home, tools: Tools) -> None:
    tools.make("op", OP)
    entry = {"name": "P", "baseUrl": "https://p.example", "authTokenFrom": "op://W/llm/key"}
    home.providers([entry])
    home.pin(home.path / "p", "P\n")
    env = {"PATH": f"{tools.folder}:{home.env['PATH']}"}
    program = Program(home, cwd=home.path / "p", env=env)
    refused = program.run("token")
    assert "P: locked: op is not signed in to 1Password." in refused.stderr
    assert 'Sign in: eval "$(op signin)"' in refused.stderr
    options = {"cwd": home.path / "p", "env": {**env, "OP_BY_HAND": "1"}}
    with Dialog.with_program(home, "reload", **options) as dialog:
        shown = dialog.finish()
    assert dialog.status == 1 and "locked" in shown and KEY not in shown
    with Dialog.with_program(home, "reload", cwd=home.path / "p", env=env) as dialog:
        dialog.answer("Password? ", "secret")
        assert KEY not in dialog.finish()
    assert dialog.status == 0
    assert program.run("token").check().stdout == KEY + "\n"
    assert tools.runs.count("op signin") == 2
