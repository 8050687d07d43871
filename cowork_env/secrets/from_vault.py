"""``vault://MOUNT/PATH#FIELD``: the key is a field of a secret in HashiCorp Vault or OpenBao.

Read by ``vault kv get``, or by ``bao`` where vault is not installed, from a KV store of either
version. See https://developer.hashicorp.com/vault/docs/commands/kv/get.
"""

from __future__ import annotations

from ..util.errors import CoworkEnvError
from .tool import Ended, run, which

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_FORM = "is not vault://MOUNT/PATH#FIELD"
_DENIED = (
    "denied: the server refused.",
    "A policy of your token must allow reading it; look at the token: vault token lookup",
)
_UNREACHABLE = (
    *("connection refused", "no such host", "dial tcp", "network is unreachable", "EOF"),
    *("gave http response", "tls:", "x509:", "unsupported protocol"),
)
_NO_TOKEN = (
    "locked: there is no valid token.",
    "Log in: vault login; then run: cowork-env reload",
)
# What vault and bao say. The first match counts.
_KNOWN = (
    (
        ("no value found", "no data found", "not present in", "no handler for route"),
        "not found: there is no such secret, or no such field in it.",
        "Look for it: vault kv list MOUNT",
    ),
    (
        ("is sealed",),
        "locked: the server is sealed.",
        "Somebody who holds its keys must run: vault operator unseal",
    ),
    (("preflight",), *_DENIED),
    (("missing client token", "invalid token", "bad token", "token expired"), *_NO_TOKEN),
    (("permission denied", "code: 403"), *_DENIED),
    (
        ("timeout", "deadline exceeded"),
        "timed out: the server did not answer.",
        "Check VAULT_ADDR and the network: vault status",
    ),
    (
        _UNREACHABLE,
        "tool missing: no server answers.",
        "Check VAULT_ADDR and the network: vault status",
    ),
)


def check(rest: str) -> None:
    """Check that there are a mount, a path in it, and a field."""
    path, _, field = rest.partition("#")
    parts = path.split("/")
    if len(parts) < 2 or not all(parts) or ".." in parts or path.startswith("-") or not field:
        raise CoworkEnvError(_FORM)


def fetch(rest: str, env: Mapping[str, str]) -> str:
    """The value of the field, in the newest version of the secret."""
    path, _, field = rest.partition("#")
    # In JSON, which VAULT_FORMAT may ask for, it would have quotes.
    ended = run([_tool(env), "kv", "get", "-format=table", f"-field={field}", path], env)
    if ended.status:
        raise _error(ended, path)
    return ended.text()


def waits_for(rest: str) -> str:
    """What is asked, whichever tool does so."""
    return "Vault"


def _tool(env: Mapping[str, str]) -> str:
    for tool in ("vault", "bao"):
        if which(tool, env):
            return tool
    raise CoworkEnvError(
        "tool missing: neither vault nor bao is installed.",
        "Install one; it is looked for in the absolute entries of PATH.",
    )


def _error(ended: Ended, path: str) -> CoworkEnvError:
    ended.errors = ended.errors.replace(path.encode(), b"")  # it could be taken for a message
    # To a token that is valid and may not read, a server says "preflight ..." here, and more.
    first = ended.says("/v1/sys/internal/ui/mounts/") and ended.says("* permission denied")
    error = CoworkEnvError(*_NO_TOKEN) if first else ended.failure(*_KNOWN)
    # Hints are about the tool that is there.
    hint = error.hint if ended.tool == "vault" else error.hint.replace(": vault ", ": bao ")
    return CoworkEnvError(error.message, hint)
