"""The command ``doctor``: output, JSON, fixes and Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from cowork_env import __version__
from cowork_env.cli.doctor import check_after_add

from support.doctor import entry, inputs, listed, run, run_in_bash
from support.home import Home
from support.processes import wait_for
from support.server import (
    KEY,
    MESSAGE,
    MODEL,
    Request,
    Response,
    Serve,
    api,
    free_port,
    silent_port,
)
from support.terminal import Dialog


def test_check_after_add(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    def healthy(url: str, **more: Any) -> bool:
        return check_after_add(listed(name="New", baseUrl=url, **more), 0, inputs())

    assert healthy(serve(api()).url)
    assert not healthy(f"http://127.0.0.1:{free_port()}")
    assert healthy("", authToken="", env={"CLAUDE_CODE_USE_BEDROCK": "1"})
    out, err = capsys.readouterr()
    assert out == "" and KEY not in err and "New: not asked\n" in err
    assert "New: works\n  ok      It works: " in err, "of what is fine, the last finding alone"
    assert "New: does not work yet\n" in err
    assert "refused the connection" in err


def test_command_on_a_working_provider(home: Home, serve: Serve) -> None:
    home.providers([entry("Good", serve(api()).url)])
    done = run(home, "good")
    assert done.status == 0 and "Healthy." in done.out and done.err == ""
    assert "ok      It works: 127.0.0.1 accepts the key, its model answers in " in done.out


def test_the_first_line_has_the_versions_and_the_platform(home: Home, tmp_path: Path) -> None:
    claude = tmp_path / "versions/2.1.332"
    claude.parent.mkdir()
    claude.write_text("#!/bin/sh\n")
    claude.chmod(0o755)
    (tmp_path / "claude").symlink_to(claude)
    path = f"{tmp_path}:{home.env['PATH']}"
    first = run_in_bash(home, "--offline", PATH=path).out.splitlines()[0]
    python = ".".join(map(str, sys.version_info[:3]))
    assert first.startswith(f"cowork-env {__version__}, Python {python}, bash ")
    assert re.search(r", bash \d+\.\d+[\d.]*, Claude Code 2\.1\.332, ", first)
    assert first.endswith(f", {os.uname().sysname} {os.uname().release} {os.uname().machine}")


def test_what_was_not_asked_is_said(home: Home, serve: Serve) -> None:
    server = serve(api())
    home.providers([entry("Good", server.url), entry("Keyless", server.url, authToken="")])
    rows = run(home, "--all", "--offline").out
    assert "Good: result not asked; base URL http" in rows
    assert "No request was sent, and no key was fetched: --offline was given." in (
        run(home, "good", "--offline").out
    )
    out = run(home, "keyless").out
    assert "it has no key" in out.casefold()
    assert "No request was sent, because of the errors above." in out
    assert "No provider applies here, so none was asked." in run(home).out
    assert server.requests == []


def test_command_on_a_broken_provider(home: Home) -> None:
    home.providers([entry("Bad", f"http://127.0.0.1:{free_port()}")])
    done = run(home, "Bad")
    assert done.status == 1 and "refused" in done.out


def test_json_shape(home: Home, serve: Serve) -> None:
    home.providers(
        [entry("Good", serve(api()).url + "/v1"), entry("Bad", f"http://127.0.0.1:{free_port()}")]
    )
    done = run(home, "--all", "--json")
    assert done.status == 1
    document = done.json
    assert document.keys() == {
        "version",
        "healthy",
        "repaired",
        "versions",
        "findings",
        "providers",
    }
    assert document["versions"].keys() == {
        "cowork_env",
        "python",
        "shell",
        "shell_version",
        "claude",
        "platform",
    }
    assert document["version"] == 1 and document["healthy"] is False
    good, bad = document["providers"]
    assert good.keys() == {
        "name",
        "id",
        "base_url",
        "auth",
        "account",
        "healthy",
        "checked_online",
        "latency_ms",
        "models",
        "offered_models",
        "findings",
    }
    assert (
        good["healthy"]
        and isinstance(good["latency_ms"], int)
        and good["offered_models"] == [MODEL]
    )
    assert good["models"][0].keys() == {"model", "uses", "result", "latency_ms"}
    assert good["findings"][0].keys() == {"level", "code", "message", "hint", "where", "fixable"}
    assert not bad["healthy"] and bad["latency_ms"] is None


def test_all_runs_in_parallel_and_prints_a_table(home: Home, serve: Serve) -> None:
    together = threading.Barrier(3)

    def post(_request: Request) -> Response:
        together.wait(20)
        return 200, MESSAGE

    home.providers(
        [entry(f"P{n}", serve(api(post=post)).url) for n in range(3)]
        + [entry("Bad", "http://127.0.0.1:1")]
    )
    done = run(home, "--all")
    assert done.status == 1
    rows = [line for line in done.out.splitlines() if ": result " in line]
    assert [row.partition(";")[0] for row in rows] == [
        *(f"P{n}: result works" for n in range(3)),
        "Bad: result refused",
    ]
    assert rows[0].split("; ")[1].endswith(" ms") and "models 1/1" in rows[0]


def test_offline_sends_no_request_and_fetches_no_key(
    home: Home, serve: Serve, tmp_path: Path
) -> None:
    server, trace = serve(api()), tmp_path / "ran"
    home.providers([entry("Good", server.url, authToken=None, authTokenFrom=f"cmd:touch {trace}")])
    done = run(home, "--all", "--offline")
    assert done.status == 0 and server.requests == [] and not trace.exists()


def test_invalid_entry_does_not_make_another_provider_unhealthy(home: Home, serve: Serve) -> None:
    home.providers([entry("Good", serve(api()).url), entry("Bad", "ftp://x")])
    assert run(home, "Good").status == 0
    assert run(home, "--offline").status == 1


def test_offline_does_not_import_httpx(home: Home) -> None:
    code = (
        "import sys, cowork_env.cli.doctor, cowork_env.doctor.local\n"
        "sys.exit('httpx' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], env=home.env, timeout=60).returncode == 0


def test_unknown_name_and_name_with_all(home: Home) -> None:
    home.providers()
    assert run(home, "openruter", "--offline").status == 1
    assert run(home, "openrouter", "--all").status == 2


def test_permissions_are_shown_and_fixed(home: Home) -> None:
    path = home.providers()
    path.chmod(0o644)
    home.state.mkdir(parents=True)
    home.state.chmod(0o755)
    done = run(home, "--offline", "--json")
    assert done.status == 1 and done.codes().count("permissions") == 2
    assert path.stat().st_mode & 0o777 == 0o644
    done = run(home, "--offline", "--json", "--fix")
    assert "chmod 600" in done.err and done.codes() == [] and done.status == 0
    assert path.stat().st_mode & 0o777 == 0o600 and home.state.stat().st_mode & 0o777 == 0o700


def test_url_is_fixed(home: Home, serve: Serve) -> None:
    path = home.providers(
        [entry("Good", serve(api()).url + "/v1", verbatimBaseUrl=True, ours={"kept": 1})]
    )
    done = run(home, "Good", "--fix")
    assert done.status == 0 and "To fix:" in done.err and "verbatimBaseUrl" in done.err
    (written,) = json.loads(path.read_text())
    assert "verbatimBaseUrl" not in written and written["ours"] == {"kept": 1}


def test_key_style_is_fixed(home: Home, serve: Serve) -> None:
    path = home.providers([entry("So Good", serve(api(style="x-api-key")).url)])
    done = run(home, "So Good")
    assert done.status == 1 and "cowork-env doctor --fix 'So Good'" in done.out
    assert run(home, "So Good", "--fix").status == 0
    assert json.loads(path.read_text())[0]["auth"] == "api-key"


@pytest.mark.parametrize("attempt", range(5))  # the signal may reach any thread
def test_ctrl_c_ends_the_command_at_once(home: Home, attempt: int) -> None:
    with silent_port() as port:
        home.providers([entry("Hole", f"http://127.0.0.1:{port}")])
        with Dialog.with_program(home, "doctor", "hole", "--timeout", "60", timeout=20) as dialog:
            dialog.expect("connection")
            dialog.child.sendintr()
            dialog.finish()
        assert dialog.status == 130


def test_keys_that_a_command_fetches(home: Home, serve: Serve) -> None:
    """The commands are started by the main thread, the one that gets signals."""
    url = serve(api()).url
    entries = [
        entry(name, url, authTokenFrom=f"cmd:{tool}")
        for name, tool in (("Good", f"echo {KEY}"), ("Bad", "false"))
    ]
    home.providers([{k: v for k, v in e.items() if k != "authToken"} for e in entries])
    done = run(home, "--all", "--json")
    good, bad = done.json["providers"]
    assert good["healthy"] and good["checked_online"]
    assert [f["code"] for f in bad["findings"] if f["level"] == "error"] == ["secret"]


def test_ctrl_c_ends_a_command_that_fetches_a_key(home: Home) -> None:
    home.providers(
        [
            {
                "name": "Slow",
                "baseUrl": "http://127.0.0.1:1",
                "authTokenFrom": "cmd:sh -c 'echo $$ >~/asked; exec sleep 99'",
            }
        ]
    )
    asked = home.path / "asked"
    with Dialog.with_program(home, "doctor", "slow", timeout=20) as dialog:
        wait_for(lambda: asked.exists() and bool(asked.read_text().strip()))
        dialog.child.sendintr()
        dialog.finish()
    assert dialog.status == 130
    running = Path(f"/proc/{asked.read_text().strip()}/cmdline")
    assert not running.exists() or b"sleep" not in running.read_bytes()
