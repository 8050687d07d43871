"""``pin unpin allow deny prune reload token init completion`` through the installed program."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from pathlib import Path

import pexpect
import pytest

from cowork_env.core.trust import ALLOWED, DENIED, UNTRUSTED, TrustStore, location

from support.home import GUIDE, Home, executable, need

PIN = ".cowork-provider"
KEYS = [str(entry["authToken"]) for entry in GUIDE]


def run(
    home: Home, *args: str, cwd: Path | None = None, **env: str
) -> subprocess.CompletedProcess[str]:
    """The installed program, in its own process; no key may be in what it says, the token command's output aside."""
    result = subprocess.run(
        [executable(), *args],
        env={**home.env, **env},
        cwd=cwd or home.path,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    assert not [key for key in KEYS if key in result.stderr]
    assert "Traceback" not in result.stderr
    return result


def state(home: Home, pin: Path) -> str:
    """What the trust store says about a pin as it is."""
    return TrustStore(str(home.state)).check(location(str(pin)), pin.read_bytes())


@pytest.fixture
def project(home: Home) -> Path:
    """A directory to pin, with the guide's providers known."""
    home.providers()
    path = home.path / "work/app"
    path.mkdir(parents=True)
    return path


def active(home: Home, cwd: Path) -> str:
    """The provider that applies in a directory."""
    result = run(home, "exec", "sh", "-c", 'echo "${COWORK_ENV_ACTIVE-none}"', cwd=cwd)
    return result.stdout.strip() if result.returncode == 0 else f"exit {result.returncode}"


# pin and unpin


def test_pin_writes_and_allows(home: Home, project: Path) -> None:
    result = run(
        home, "pin", "openrouter", "--opus", "big", "--model", "usual", "--required", cwd=project
    )
    assert (result.returncode, result.stdout) == (0, "")
    assert (
        result.stderr
        == "cowork-env: ~/work/app/.cowork-provider: provider OpenRouter (model usual, opus big, required)\n"
    )
    pin = project / PIN
    assert pin.read_text() == "OpenRouter\nmodel = usual\nopus = big\nrequired = true\n"
    assert pin.stat().st_mode & 0o7777 == 0o644
    assert state(home, pin) == ALLOWED
    assert active(home, project) == "OpenRouter"
    assert os.listdir(project) == [PIN]


def test_pin_replaces_a_pin(home: Home, project: Path) -> None:
    run(home, "pin", "openrouter", "--required", cwd=project)
    assert run(home, "pin", "33333333-3333-4333-8333-333333333333", cwd=project).returncode == 0
    assert (project / PIN).read_text() == "LiteLLM Local\n"
    assert run(home, "pin", "none", cwd=project, COWORK_PROVIDER="openrouter").stderr.endswith(
        "COWORK_PROVIDER is set to 'openrouter' in this shell: it takes precedence.\n"
    )
    assert (project / PIN).read_text() == "none\n"
    assert active(home, project) == "none"


def test_pin_without_a_name_takes_what_applies(home: Home, project: Path) -> None:
    result = run(home, "pin", cwd=project)
    assert (result.returncode, (project / PIN).exists()) == (2, False)
    home.pin(project.parent, "LITELLM-LOCAL\n")
    assert run(home, "pin", cwd=project).returncode == 0
    assert (project / PIN).read_text() == "LiteLLM Local\n"


def test_pin_lets_the_person_choose_on_a_terminal(home: Home, project: Path) -> None:
    process, terminal = pty.fork()
    if process == 0:  # pragma: no cover
        os.chdir(project)
        os.execve(executable(), ["cowork-env", "pin"], {**home.env, "TERM": "xterm"})  # noqa: S606
    said, steps, deadline = b"", [(b"AWS Bedrock", b"ope"), (b"ope", b"\r")], time.monotonic() + 60
    try:
        while time.monotonic() < deadline:
            if not select.select([terminal], [], [], 1)[0]:
                continue
            try:
                data = os.read(terminal, 4096)
            except OSError:
                break
            if not data:
                break
            said += data
            if b"\x1b[6n" in data:  # where the cursor is
                os.write(terminal, b"\x1b[1;1R")
            if steps and steps[0][0] in said:
                os.write(terminal, steps.pop(0)[1])
                said = b""
    finally:
        os.close(terminal)
        _, status = os.waitpid(process, 0)
    assert status == 0, said
    assert (project / PIN).read_text() == "OpenRouter\n"


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (["openruter"], 1, "There is no provider 'openruter'"),
        (["broken"], 1, "baseUrl"),
        (["twin"], 1, "could be any of"),
        (["openrouter", "--opus", "https://evil.example"], 2, "--opus is a URL"),
        (["openrouter", "--opus", "a b"], 2, "--opus has white space"),
        (["openrouter", "--opus", ""], 2, "--opus is empty"),
        (["openrouter", "--model", "'x'"], 2, "--model is quoted"),
        (["openrouter", "--model", "x" * 5000], 1, "does not fit"),
    ],
)
def test_pin_writes_nothing_that_is_wrong(
    home: Home, project: Path, args: list[str], status: int, message: str
) -> None:
    twins = [
        {"id": str(n), "name": "Twin", "baseUrl": "https://x.example", "authToken": "k"}
        for n in (1, 2)
    ]
    home.providers([*GUIDE, {"name": "broken", "baseUrl": "ftp://x"}, *twins])
    result = run(home, "pin", *args, cwd=project)
    assert result.returncode == status
    assert message in result.stderr
    assert not (project / PIN).exists()
    assert not (home.state / "trust").exists()


def test_of_two_providers_with_one_name_the_id_is_pinned(home: Home, project: Path) -> None:
    home.providers(
        [
            {"id": f"id-{n}", "name": "Twin", "baseUrl": f"https://{n}.example", "authToken": "k"}
            for n in (1, 2)
        ]
    )
    assert run(home, "pin", "id-2", cwd=project).returncode == 0
    assert (project / PIN).read_text() == "id-2\n"


@pytest.mark.parametrize(
    "content", [b"OpenRouter\nurl = https://x\n", b"\xff", b"# nothing\n", b"x" * 5000]
)
def test_pin_keeps_what_it_does_not_understand(home: Home, project: Path, content: bytes) -> None:
    pin = project / PIN
    pin.write_bytes(content)
    result = run(home, "pin", "openrouter", cwd=project)
    assert result.returncode == 1
    assert "--force" in result.stderr
    assert pin.read_bytes() == content
    assert run(home, "pin", "openrouter", "--force", cwd=project).returncode == 0
    assert pin.read_text() == "OpenRouter\n"


def test_pin_does_not_write_through_a_link_to_elsewhere(home: Home, project: Path) -> None:
    other = home.path / "shared-pin"
    other.write_text("none\n")
    (project / PIN).symlink_to(other)
    result = run(home, "pin", "openrouter", cwd=project)
    assert result.returncode == 1
    assert "is a link to ~/shared-pin." in result.stderr
    assert other.read_text() == "none\n"
    assert run(home, "pin", "openrouter", "--force", cwd=project).returncode == 0
    assert other.read_text() == "none\n"
    assert not (project / PIN).is_symlink()
    assert active(home, project) == "OpenRouter"


def test_pin_writes_through_a_link_within_the_directory(home: Home, project: Path) -> None:
    (project / "pins").write_text("none\n")
    (project / PIN).symlink_to("pins")
    assert run(home, "pin", "openrouter", cwd=project).returncode == 0
    assert (project / "pins").read_text() == "OpenRouter\n"
    assert active(home, project) == "OpenRouter"


@pytest.mark.parametrize("kind", ["fifo", "directory"])
def test_pin_does_not_hang_on_something_else(home: Home, project: Path, kind: str) -> None:
    if kind == "fifo":
        os.mkfifo(project / PIN)
    else:
        (project / PIN).mkdir()
    result = run(home, "pin", "openrouter", cwd=project)
    assert result.returncode == 1
    assert "is not a regular file" in result.stderr
    assert run(home, "allow", cwd=project).returncode == 1
    assert run(home, "deny", cwd=project).returncode == 0


def test_unpin(home: Home, project: Path) -> None:
    run(home, "pin", "openrouter", cwd=project)
    below = project / "below"
    below.mkdir()
    result = run(home, "unpin", cwd=below)
    assert result.returncode == 1
    assert "The pin that applies is ~/work/app/.cowork-provider." in result.stderr
    assert (
        run(home, "unpin", cwd=project).stderr
        == "cowork-env: removed ~/work/app/.cowork-provider\n"
    )
    assert not (project / PIN).exists()
    assert run(home, "unpin", cwd=project).returncode == 1


# allow, deny, prune


def test_allow_shows_what_the_pin_does(home: Home, project: Path) -> None:
    pin = home.pin(project, "openrouter\nmodel = m1\nopus = o1\nrequired = true\n", allow=False)
    assert active(home, project) == "exit 3"
    result = run(home, "allow", cwd=project)
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == (
        "~/work/app/.cowork-provider\n"
        "  provider  OpenRouter\n"
        "  base URL  https://openrouter.ai/api\n"
        "  model     m1  (ANTHROPIC_MODEL)\n"
        "  opus      o1  (ANTHROPIC_DEFAULT_OPUS_MODEL)\n"
        "  required  clients fail when it cannot be used\n"
        "cowork-env: allowed\n"
    )
    assert state(home, pin) == ALLOWED
    assert active(home, project) == "OpenRouter"
    pin.write_text("litellm-local\n")
    assert active(home, project) == "exit 3"


def test_allow_tells_that_a_provider_is_unknown(home: Home, project: Path) -> None:
    home.pin(project, "nobody\n", allow=False)
    result = run(home, "allow", cwd=project)
    assert result.returncode == 0
    assert "but       There is no provider 'nobody'" in result.stderr


@pytest.mark.parametrize(
    "text", ["OpenRouter\nurl = x\n", "Open\x1b[2JRouter\n", "# nothing\n", "x" * 5000, ""]
)
def test_allow_refuses_what_cannot_be_honoured(home: Home, project: Path, text: str) -> None:
    pin = home.pin(project, text, allow=False)
    result = run(home, "allow", cwd=project)
    assert result.returncode == 1
    assert "\x1b" not in result.stderr
    assert state(home, pin) == UNTRUSTED


@pytest.mark.parametrize("how", ["directory", "file", "relative", "trailing", "link"])
def test_allow_takes_a_pin_or_its_directory(home: Home, project: Path, how: str) -> None:
    pin = home.pin(project, "openrouter\n", allow=False)
    (home.path / "link").symlink_to(project)
    path = {
        "directory": project,
        "file": pin,
        "relative": "work/app",
        "trailing": f"{project}/",
        "link": "link",
    }[how]
    assert run(home, "allow", str(path)).returncode == 0
    assert state(home, pin) == ALLOWED


def test_allow_and_deny_say_what_they_cannot_find(home: Home, project: Path) -> None:
    for command in ("allow", "deny"):
        assert run(home, command, cwd=project).stderr.startswith(
            "cowork-env: There is no pin here or above."
        )
        assert run(home, command, str(project)).returncode == 1
        assert run(home, command, str(project / PIN)).returncode == 1
        assert run(home, command, str(home.file)).returncode == 2
        assert run(home, command, "no\x1bwhere").returncode == 2


def test_without_a_path_it_is_the_pin_that_the_notice_was_about(home: Home, project: Path) -> None:
    """A denied pin is passed over in silence, so the notice, and "allow", is about the next one."""
    outer = home.pin(home.path / "work", "openrouter\n", allow=False)
    inner = home.pin(project, "litellm-local\n", allow=False)
    run(home, "deny", cwd=project)
    assert (state(home, inner), state(home, outer)) == (DENIED, UNTRUSTED)
    run(home, "allow", cwd=project)
    assert (state(home, inner), state(home, outer)) == (DENIED, ALLOWED)
    # With nothing left to ask about, the nearest is meant: a denial can be taken back where one stands.
    run(home, "allow", cwd=project)
    assert (state(home, inner), state(home, outer)) == (ALLOWED, ALLOWED)
    run(home, "deny", cwd=project)
    assert (state(home, inner), state(home, outer)) == (DENIED, ALLOWED)


def test_without_a_path_it_is_no_pin_that_another_one_hides(home: Home, project: Path) -> None:
    outer = home.pin(home.path / "work", "openrouter\n", allow=False)
    inner = home.pin(project, "litellm-local\n")
    run(home, "allow", cwd=project)
    assert (state(home, inner), state(home, outer)) == (ALLOWED, UNTRUSTED)


def test_deny_wins_over_below_and_is_taken_back_by_allow(home: Home, project: Path) -> None:
    pin = home.pin(project, "openrouter\n", allow=False)
    result = run(home, "allow", "--below", str(home.path / "work"))
    assert result.stderr == "cowork-env: every pin in and below ~/work is allowed\n"
    assert active(home, project) == "OpenRouter"
    assert (
        run(home, "deny", str(project)).stderr
        == "cowork-env: ~/work/app/.cowork-provider is denied\n"
    )
    assert active(home, project) == "none"
    assert run(home, "allow", str(pin)).returncode == 0
    assert active(home, project) == "OpenRouter"


def test_deny_takes_below_back(home: Home, project: Path) -> None:
    pin = home.pin(project, "openrouter\n", allow=False)
    (home.path / "workshop").mkdir()
    sibling = home.pin(home.path / "workshop", "openrouter\n", allow=False)
    run(home, "allow", "--below", cwd=home.path / "work")
    assert (state(home, pin), state(home, sibling)) == (ALLOWED, UNTRUSTED)
    assert run(home, "deny", str(home.path / "work")).returncode == 0
    assert state(home, pin) == UNTRUSTED
    assert run(home, "deny", str(home.path / "work")).returncode == 1


def test_allow_below_needs_a_directory_that_is_not_everything(home: Home) -> None:
    assert run(home, "allow", "--below", "/").returncode == 2
    assert run(home, "allow", "--below", str(home.path / "nowhere")).returncode == 2
    assert not (home.state / "trust").exists()


def test_prune(home: Home, project: Path) -> None:
    home.pin(project, "openrouter\n")
    (home.path / "gone").mkdir()
    gone = home.pin(home.path / "gone", "openrouter\n")
    gone.unlink()
    result = run(home, "prune")
    assert result.stderr == "allow ~/gone/.cowork-provider\ncowork-env: 1 record removed\n"
    assert active(home, project) == "OpenRouter"
    assert run(home, "prune").stderr == "cowork-env: 0 records removed\n"


# reload, token


def test_reload_is_seen(home: Home) -> None:
    stamps = set()
    for _ in range(2):
        assert run(home, "reload").returncode == 0
        stamps.add((home.state / "reload").stat().st_mtime_ns)
        time.sleep(0.02)  # longer than a tick of the file system's clock
    assert len(stamps) == 2
    assert home.state.stat().st_mode & 0o777 == 0o700


def test_token_prints_the_key_alone(home: Home, project: Path) -> None:
    assert run(home, "token", "openrouter").stdout == "sk-or-invented-0002\n"
    assert run(home, "token").returncode == 1
    home.pin(project, "my-anthropic-api\n")
    result = run(home, "token", cwd=project)
    assert (result.stdout, result.stderr) == ("sk-ant-api03-invented-0001\n", "")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nobody", "There is no provider 'nobody'"),
        ("keyless", "keyless: it has no key."),
        ("direct", "direct has no key, and needs none."),
        ("encrypted", "encrypted: "),
        ("none", "No provider applies here."),
    ],
)
def test_token_fails_with_nothing_on_stdout(home: Home, name: str, message: str) -> None:
    home.providers(
        [
            {"name": "keyless", "baseUrl": "https://x.example"},
            {"name": "direct", "env": {"CLAUDE_CODE_USE_BEDROCK": "1"}},
            {"name": "encrypted", "baseUrl": "https://x.example", "authToken": "ENC:v1:djEwAAAA"},
        ]
    )
    result = run(home, "token", name)
    assert (result.returncode, result.stdout) == (1, "")
    assert message in result.stderr


def test_token_of_a_pin_that_is_not_allowed(home: Home, project: Path) -> None:
    home.pin(project, "openrouter\n", allow=False)
    result = run(home, "token", cwd=project)
    assert (result.returncode, result.stdout) == (3, "")


# init, completion

RC = {"bash": ".bashrc", "zsh": ".zshrc", "fish": ".config/fish/config.fish"}


@pytest.mark.parametrize("shell", RC)
def test_init_adds_the_line_once_and_takes_it_out(home: Home, shell: str) -> None:
    rc = home.path / RC[shell]
    rc.parent.mkdir(parents=True, exist_ok=True)
    before = b"# mine \xff\nalias x=y"
    rc.write_bytes(before)
    rc.chmod(0o600)
    result = run(home, "init", shell)
    assert result.returncode == 0
    assert f"added to ~/{RC[shell]}" in result.stderr
    text = rc.read_bytes()
    assert text.startswith(before + b"\n")
    assert text.count(b"\n") == 3
    assert rc.stat().st_mode & 0o777 == 0o600
    assert "already" in run(home, "init", shell).stderr
    assert rc.read_bytes() == text
    assert run(home, "init", shell, "--remove").returncode == 0
    assert rc.read_bytes() == before + b"\n"
    assert "has no hook line" in run(home, "init", shell, "--remove").stderr


@pytest.mark.parametrize("shell", RC)
def test_the_line_that_init_adds_loads_the_hook(home: Home, shell: str) -> None:
    need(shell)
    assert run(home, "init", shell).returncode == 0
    probe = {
        "bash": "declare -F __cowork_env_prompt",
        "zsh": "functions __cowork_env_prompt",
        "fish": "functions -n -a",
    }[shell]
    result = subprocess.run(
        [shell, "-i", "-c", probe],
        env=home.env,
        cwd=home.path,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert "cowork_env" in result.stdout, result.stderr


def test_init_goes_through_links_and_to_zdotdir(home: Home) -> None:
    dotfiles = home.path / "dotfiles"
    dotfiles.mkdir()
    (dotfiles / "rc").write_text("# mine\n")
    (dotfiles / ".zshrc").symlink_to("rc")
    assert run(home, "init", "zsh", ZDOTDIR=str(dotfiles)).returncode == 0
    assert (dotfiles / ".zshrc").is_symlink()
    assert (dotfiles / "rc").read_text() == '# mine\neval "$(cowork-env hook zsh)"\n'
    assert not (home.path / ".zshrc").exists()


def test_init_leaves_a_line_of_the_persons_own(home: Home) -> None:
    rc = home.path / ".bashrc"
    rc.write_text(
        '# eval "$(cowork-env hook bash)" is off\nif true; then\n  eval "$(cowork-env hook)"; fi\n'
    )
    before = rc.read_text()
    for args in (["init", "bash"], ["init", "bash", "--remove"]):
        assert "~/.bashrc, line 3, has a hook line of its own" in run(home, *args).stderr
        assert rc.read_text() == before


def test_init_of_a_shell_that_is_none(home: Home) -> None:
    assert run(home, "init", "tclsh").returncode == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_code_of_that_shell(home: Home, shell: str) -> None:
    result = run(home, "completion", shell)
    assert result.returncode == 0
    assert "_COWORK_ENV_COMPLETE" in result.stdout
    check = subprocess.run(
        [need(shell), "-n"],
        input=result.stdout,
        capture_output=True,
        text=True,
        timeout=60,
        env=home.env,
    )
    assert (check.returncode, check.stderr) == (0, "")


@pytest.mark.parametrize(
    ("shell", "option", "load"),
    [
        ("bash", "--norc", 'eval "$(cowork-env completion bash)"'),
        ("zsh", "-f", 'autoload -Uz compinit; compinit -D; eval "$(cowork-env completion zsh)"'),
        ("fish", "-N", "cowork-env completion fish | source"),
    ],
)
def test_a_shell_completes_commands_options_and_providers(
    home: Home, shell: str, option: str, load: str
) -> None:
    home.providers()
    child = pexpect.spawn(
        need(shell),
        [option, "-i"],
        cwd=str(home.path),
        env={**home.env, "TERM": "xterm"},  # type: ignore[arg-type]
        timeout=30,
        dimensions=(50, 200),
        encoding="utf-8",
    )
    try:
        child.sendline(f"{load}; echo rea''dy")
        child.expect_exact("ready")
        for typed, rest in (
            ("rel", "oad"),
            ("show my-", "anthropic-api"),
            ("exec --prov", "ider"),
            ("exec --provider lit", "ellm-local"),
        ):
            child.send(f"cowork-env {typed}\t")
            child.expect_exact(rest)
            child.send("\x15")  # the line away
    finally:
        child.close(force=True)
