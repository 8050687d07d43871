"""Completion: what is offered, and that a real Tab in a real shell inserts it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cowork_env.cli import completion
from cowork_env.util import nearest

from support.home import Home, executable, need
from support.program import Program, execute
from support.shells import SHELLS
from support.terminal import Terminal

# What a file may hold: blanks, quotes, what bash cuts words at, what a shell would run.
HOSTILE = """a:b $(touch ~/pwned) 'q' "d" !x"""
NAMES = ["My Anthropic API", "OpenRouter", HOSTILE, "統一 中文", "x\ny", "\x1b[2Jescape"]
ENTRIES = [
    {"name": "My Anthropic API", "authToken": "sk-never-shown", "models": {"opus": "o:1"}},
    *({"name": name, "baseUrl": "https://a.example"} for name in NAMES[1:]),
    7,
]
Offer = Callable[..., list[str]]


@pytest.fixture
def offer(home: Home, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Offer:
    """The lines of a response for words, of which the last is unfinished; the flags first."""
    for name, value in home.env.items():
        monkeypatch.setenv(name, value)

    def ask(*words: str, kind: str = "fish", **variables: str) -> list[str]:
        monkeypatch.setenv("_COWORK_ENV_COMPLETE", kind)
        monkeypatch.setenv("_COWORK_ENV_WORDS", "\x1f".join(words))
        for name, value in variables.items():
            monkeypatch.setenv(f"_COWORK_ENV_{name}", value)
        completion.respond()
        out, err = capfd.readouterr()
        assert err == ""
        return out.splitlines()

    return ask


def words(lines: list[str]) -> list[str]:
    return [line.partition("\t")[0] for line in lines[1:]]


def test_commands_and_their_other_names(offer: Offer) -> None:
    assert offer("ex") == [
        "  ",
        "exec\tRun a command with this directory's provider.",
        "export\tPrint the environment for a shell, or for CI.",
    ]
    assert words(offer("l")) == ["list", "ls"]
    assert words(offer("he")) == ["help"]
    assert words(offer("help", "ex")) == ["exec", "export"]


def test_options_with_whole_descriptions(offer: Offer) -> None:
    lines = offer("add", "--token-f")
    assert lines[1].startswith("--token-from\tFetch the key instead: env:NAME")
    assert lines[1].endswith("cmd:ARGV.") and "..." not in lines[1]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (["use", ""], [*NAMES[:4], "x-y", "2jescape", "none"]),
        (["pin", "oPEN"], ["OpenRouter"]),
        (["pin", "NO"], ["none"]),
        (["rename", ""], [*NAMES[:4], "x-y", "2jescape"]),
        (["rm", "my"], ["My Anthropic API"]),
        (["edit", "my-an"], ["my-anthropic-api"]),
        (["rename", "open"], ["OpenRouter"]),
        (["doctor", "open"], ["OpenRouter"]),
        (["export", "--provider", "n"], ["none"]),
        (["export", "--provider=n"], ["--provider=none"]),
        (["export", "--format", "docke"], ["docker"]),
        (["add", "open"], ["openrouter", "openai"]),
        (["hook", "E"], ["elvish"]),
        (["init", "f"], ["fish"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["pin", "my anthropic api", "--opus", ""], ["o:1"]),
        (["edit", "openrouter", "--opus", ""], []),
        (["edit", "My Anthropic API", "--default-model", "O"], ["o:1"]),
        (["add", "--auth", "b"], ["bearer"]),
        (["bogus", ""], []),
        (["use", "x", "y", ""], []),
    ],
)
def test_what_is_offered(home: Home, offer: Offer, line: list[str], expected: list[str]) -> None:
    home.providers(ENTRIES)
    assert words(offer(*line)) == expected


def test_flags(home: Home, offer: Offer) -> None:
    assert offer("add", "--token-from", "o") == [" nospace ", "op://\t"]
    assert offer("import", "c")[0] == " files "
    assert words(offer("import", "c")) == [
        *("claude-settings", "cc-switch", "claude-code-router", "ccs", "claude-acc"),
    ]
    assert offer("add", "--config-dir", "") == [" directories "]
    assert offer("exec", "--provider", "x", "git", "a") == [" command=4 "]
    assert offer("exec", "--", "-") == [" command=3 "]
    assert offer("exec", "") == [" command=2 "]
    assert words(offer("exec", "-"))[:2] == ["--provider", "--trust"]
    assert offer("exec", "--provider", "")[0] != " command=3 "


def test_a_provider_file_that_cannot_be_read_is_no_error(home: Home, offer: Offer) -> None:
    home.file.parent.mkdir(parents=True, exist_ok=True)
    home.file.write_text("not JSON")
    assert words(offer("pin", "")) == ["none"]
    assert words(offer("show", "")) == []


@pytest.mark.parametrize(
    ("line", "text", "expected"),
    [
        ("cowork-env use o", "o", ["OpenRouter"]),
        ("A=1 cowork-env use my", "my", ["My\\ Anthropic\\ API"]),
        ("cowork-env use My\\ a", "My\\ a", ["My\\ Anthropic\\ API"]),
        ("cowork-env use 'a", "a", ["""a:b $(touch ~/pwned) '\\''q'\\'' "d" !x'"""]),
        ('cowork-env use "a:', "", ['b \\$(touch ~/pwned) \'q\' \\"d\\" "\\!"x"']),
        ("cowork-env use a:", "", ["b\\ \\$\\(touch\\ \\~/pwned\\)\\ \\'q\\'\\ \\\"d\\\"\\ \\!x"]),
        ("cowork-env export --provider=o", "o", ["OpenRouter"]),
        ("cowork-env add open", "open", ["openrouter", "openai"]),
    ],
)
def test_how_bash_gets_words(
    home: Home, offer: Offer, line: str, text: str, expected: list[str]
) -> None:
    home.providers(ENTRIES)
    assert offer(kind="bash", LINE=line, TEXT=text)[1:] == expected


def test_bash_inserts_no_less_than_was_typed(home: Home, offer: Offer) -> None:
    home.providers([{"name": "OPen"}, {"name": "Open Two"}])
    lines = offer(kind="bash", LINE="cowork-env use op", TEXT="op")
    assert lines[1:] == ["open", "open\\ Two"]


# In shells

KINDS = ["bash", "zsh", "zsh after compinit", "zsh before compinit", "fish"]
COMPINIT = "autoload -Uz compinit; compinit -D"


def terminal(home: Home, kind: str, before: str = "", after: str = "", **options: bool) -> Terminal:
    """A shell in which ``cowork-env`` prints its arguments, unless it is the hook or a Tab."""
    folder = home.path / "programs"
    folder.mkdir(exist_ok=True)
    program = folder / "cowork-env"
    program.write_text(
        '#!/bin/sh\n[ -z "$_COWORK_ENV_COMPLETE" ] || '
        f"{{ echo Tab >>~/tabs; exec {executable()}; }}\n"
        f'case $1 in hook | completion) exec {executable()} "$@" ;; esac\n'
        'printf "<%s>" "$@"; echo\n'
    )
    program.chmod(0o755)
    home.env["PATH"] = f"{folder}:{home.env['PATH']}"
    shell = kind.split()[0]
    if shell == "zsh":
        before = f"{COMPINIT}; {before}" if "after" in kind else before
        after = f"setopt zle; {after}; {COMPINIT if 'before' in kind else ''}"
    return Terminal(shell, home, before=before, after=after, **options)


@pytest.mark.parametrize("kind", KINDS)
def test_a_tab(home: Home, kind: str) -> None:
    home.providers(ENTRIES)
    with terminal(home, kind) as shell:
        assert shell.started == ""
        for typed, arguments in (
            ("rel", "<reload>"),
            ("use open", "<use><OpenRouter>"),
            ("use my", "<use><My Anthropic API>"),
            ('use "my', "<use><My Anthropic API>"),
            ("use a", f"<use><{HOSTILE}>"),
            ("use 'a", f"<use><{HOSTILE}>"),
            ("use 統", "<use><統一 中文>"),
            ("rm x", "<rm><x-y>"),  # by its slug
            ("exec --provider open", "<exec><--provider><OpenRouter>"),
            ("pin --opus o", "<pin><--opus><o:1>"),
            ("add --token-from op", "<add><--token-from><op://>"),
            ("import ./prog", "<import><./programs"),
            ("add --config-dir ./prog", "<add><--config-dir><./programs"),
            ("exec -- getco", "<exec><--><getconf>"),
            ("bogus x", "<bogus><x>"),
        ):
            assert shell.run(f"cowork-env {typed}\t").startswith(arguments), typed
    assert not (home.path / "pwned").exists()


@pytest.mark.parametrize("kind", ["bash", "zsh after compinit", "fish"])
def test_exec_completes_the_commands_own_arguments(home: Home, kind: str) -> None:
    own = {
        "bash": "_command_offset() { COMPREPLY=(${COMP_WORDS[$1]}-own); }",
        "zsh": "_own() { compadd mine-own }; compdef _own mine",
        "fish": "complete -c mine -f -a mine-own",
    }[kind.split()[0]]
    with terminal(home, kind, after=own) as shell:
        for line, before in (
            ("exec mine m", ""),
            ("exec --provider=x -- mine m", "<--provider=x><-->"),
        ):
            assert shell.run(f"cowork-env {line}\t") == f"<exec>{before}<mine><mine-own>\n"


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["bash", "zsh after compinit", "fish"])
def test_a_users_own_completion_stays(home: Home, kind: str, when: str) -> None:
    own = {
        "bash": "complete -W users-own cowork-env",
        "zsh": "_own() { compadd users-own }; compdef _own cowork-env",
        "fish": "complete -c cowork-env -f -a users-own",
    }[kind.split()[0]]
    with terminal(home, kind, **{when: own}) as shell:  # type: ignore[arg-type]
        assert shell.run("cowork-env users\t") == "<users-own>\n"
        assert shell.run("cowork-env rel\t") == "<rel>\n"


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (
            "bash",
            "set -u -o noclobber; IFS=eo; shopt -s nocasematch; alias local=false while=false",
        ),
        ("bash", "set -o posix; set -a; GLOBIGNORE=x; shopt -s nullglob"),
        ("zsh", "setopt ksh_arrays sh_word_split no_unset no_clobber; IFS=eo; alias local=false"),
        ("zsh after compinit", "setopt ksh_arrays no_unset no_clobber; IFS=eo; alias -g if=x"),
        ("fish", "set -g IFS eo; alias string false"),
    ],
)
def test_options_and_aliases_of_the_user(home: Home, kind: str, options: str) -> None:
    home.providers(ENTRIES)
    with terminal(home, kind, after=options) as shell:
        for _ in range(2):
            assert shell.run("cowork-env use my\t") == "<use><My Anthropic API>\n"


@pytest.mark.parametrize("kind", ["bash", "zsh", "zsh after compinit", "fish"])
def test_nothing_of_a_failure_reaches_the_command_line(home: Home, kind: str) -> None:
    with terminal(home, kind) as shell:
        (home.path / "programs/cowork-env").write_text(
            '#!/bin/sh\n[ -z "$_COWORK_ENV_COMPLETE" ] || { echo bad; echo worse >&2; exit 1; }\n'
            'printf "<%s>" "$@"; echo\n'
        )
        shown = shell.show("cowork-env rel\t")
        assert "<rel>" in shown and "bad" not in shown and "worse" not in shown


@pytest.mark.parametrize("kind", ["bash", "zsh", "zsh after compinit", "fish"])
def test_a_script_that_an_update_has_moved_is_no_error(home: Home, kind: str) -> None:
    shell = kind.split()[0]
    equals = " " if shell == "fish" else "="
    moved = f"{'set -g ' * (shell == 'fish')}__cowork_env_file{equals}/moved/hook.{shell}"
    with terminal(home, kind, after=moved) as session:
        for _ in range(2):
            shown = session.show("cowork-env rel\t")
            assert "<rel>" in shown and "moved" not in shown and "not found" not in shown


@pytest.mark.parametrize("shell", SHELLS)
def test_no_tab_no_process(home: Home, shell: str) -> None:
    """Loading the hook reads no completion script, and runs nothing for it."""
    with terminal(home, shell) as session:
        listing = {"fish": "functions -a", "zsh": "print -l ${(k)functions}"}
        shown = session.run(listing.get(shell, "declare -F"))
    assert "__cowork_env_complete" in shown
    assert "__cowork_env_complete_files" not in shown and "_complete_ask" not in shown
    assert not (home.path / "tabs").exists()


def test_the_completion_of_bash_completion_s_folder_stays(home: Home) -> None:
    folder = home.path / ".local/share/bash-completion/completions"
    folder.mkdir(parents=True)
    (folder / "cowork-env").write_text("complete -W users-own cowork-env\n")
    with terminal(home, "bash") as shell:
        assert shell.run("cowork-env users\t") == "<users-own>\n"


def test_bash_before_4(home: Home) -> None:
    """Without compopt, "local -" and bash-completion."""
    home.providers(ENTRIES)
    old = "enable -n compopt"
    with terminal(home, "bash", after=old) as shell:
        assert shell.run("cowork-env use my\t") == "<use><My Anthropic API>\n"
        assert shell.run("cowork-env import ./prog\t") == "<import><./programs>\n"
        assert shell.run("cowork-env exec -- getco\t") == "<exec><--><getconf>\n"


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_valid(program: Program, home: Home, shell: str) -> None:
    result = program.run("completion", shell).check()
    check = execute([need(shell), "-n"], env=home.env, cwd=home.path, input=result.stdout)
    assert (check.returncode, check.stderr) == (0, "")


@pytest.mark.parametrize("kind", ["bash", "zsh after compinit", "fish"])
def test_the_script_without_the_hook(home: Home, kind: str) -> None:
    shell = kind.split()[0]
    load = f'eval "$(cowork-env completion {shell})"'
    if shell == "fish":
        load = "cowork-env completion fish | source"
    with terminal(home, kind, after=load, hook=False) as session:
        assert session.run("cowork-env rel\t") == "<reload>\n"


def test_suggestions() -> None:
    assert nearest.did_you_mean("zhs", SHELLS, "none") == "Did you mean 'zsh'?"
    assert nearest.did_you_mean("LITS", ["list"], "none") == "Did you mean 'list'?"
    assert nearest.did_you_mean("q", ["list"], "none") == "none"
