"""What the tools say when something is wrong, and what users are told then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support.tools import KEY, REFERENCE, TOOLS, Tools, outcome

# What each tool says, from its sources, its documents and reports of its users.
OP = f"[ERROR] 2026/09/14 18:52:01 could not read secret 'op://Work/{REFERENCE}/credential': "
CLIENT = OP + "error initializing client: "
API = "Error making API request.\n\nURL: GET http://127.0.0.1:8200"
MOUNTS = f"{API}/v1/sys/internal/ui/mounts/secret/{REFERENCE}\nCode: "
DATA = f"Error reading secret/data/{REFERENCE}: {API}/v1/secret/data/{REFERENCE}\nCode: "
AWS = "\nAn error occurred ({}) when calling the GetSecretValue operation: "
SAID: list[tuple[str, int, str, str]] = [
    ("cmd", 1, "no", "not found: fetch-key ended with status 1."),
    ("pass", 1, f"Error: work/{REFERENCE} is not in the password store.", "not found: pass has no"),
    (
        "pass",
        1,
        "Error: You must run:\n    pass init your-gpg-id",
        "not found: the password store is",
    ),
    ("pass", 2, "gpg: decryption failed: No secret key", "locked: gpg-agent does not have"),
    ("pass", 2, "gpg: no valid OpenPGP data found.", "bad value: the entry's file is damaged."),
    (
        "pass",
        2,
        "gpg: [don't know]: length invalid\ngpg: decryption failed: Invalid packet",
        "bad value: the entry's file is damaged.",
    ),
    ("pass", 3, "other", "denied: pass ended with status 3."),
    (
        "op",
        1,
        CLIENT + "You are not currently signed in. Please run `op signin --help` for instructions",
        "locked: op is not signed in",
    ),
    (
        "op",
        1,
        "[ERROR] 2026/09/14 18:52:01 account is not signed in",
        "locked: op is not signed in",
    ),
    ("op", 1, "[ERROR] could not find session token for account my", "locked: op is not signed in"),
    (
        "op",
        1,
        "[ERROR] session expired, sign in to create a new session",
        "locked: op is not signed",
    ),
    (
        "op",
        1,
        CLIENT + "authorization prompt dismissed, please try again",
        "locked: op is not signed",
    ),
    ("op", 1, CLIENT + "authorization timeout", "locked: op is not signed in"),
    ("op", 1, "No accounts configured for use with 1Password CLI.\n" + CLIENT, "locked: op has no"),
    (
        "op",
        1,
        CLIENT + "connecting to desktop app: connecting to desktop app timed out",
        "tool missing: op cannot reach the 1Password app.",
    ),
    (
        "op",
        1,
        CLIENT + "RequestDelegatedSession: cannot setup session. Please check the logs of the "
        "1Password app.",
        "tool missing: op cannot reach the 1Password app.",
    ),
    (
        "op",
        1,
        OP + f'could not get item Work/{REFERENCE}: "{REFERENCE}" isn\'t an item in the "Work" '
        "vault. Specify the item with its UUID, name, or domain.",
        "not found: 1Password has no such",
    ),
    (
        "op",
        1,
        OP + '"Work" isn\'t a vault in this account. Specify the vault with its ID or name.',
        "not found: 1Password has no such",
    ),
    (
        "op",
        1,
        OP + f"item 'Work/{REFERENCE}' does not have a field 'credential'",
        "not found: 1Pass",
    ),
    (
        "op",
        1,
        f"[ERROR] could not resolve item UUID for item {REFERENCE}: More than one item matches "
        f'"{REFERENCE}". Try again and specify the item by its ID:',
        "bad reference: several things",
    ),
    (
        "op",
        1,
        "[ERROR] (403) Forbidden: You aren't authorized to access this resource.",
        "denied: 1P",
    ),
    ("op", 1, "[ERROR] (401) Unauthorized: invalid bearer token", "denied: 1Password refused."),
    (
        "op",
        1,
        CLIENT + "Validation: (failed to session.DecodeSACredentials), illegal base64 data",
        "denied: 1Password refused.",
    ),
    (
        "op",
        1,
        CLIENT + "read: context deadline exceeded",
        "timed out: 1Password did not answer op.",
    ),
    (
        "op",
        1,
        OP + "dial tcp: lookup my.1password.com: no such host",
        "tool missing: op cannot reach",
    ),
    ("op", 6, "other", "denied: op ended with status 6."),
    (
        "vault",
        2,
        f"No value found at secret/data/{REFERENCE}",
        "not found: there is no such secret",
    ),
    ("vault", 2, f"No data found at secret/data/{REFERENCE}", "not found: there is no such secret"),
    ("vault", 1, 'Field "key" not present in secret', "not found: there is no such secret"),
    ("vault", 2, MOUNTS + "503. Errors:\n\n* Vault is sealed", "locked: the server is sealed."),
    (
        "vault",
        2,
        MOUNTS + "403. Errors:\n\n* permission denied",
        "locked: there is no valid token.",
    ),
    (
        "vault",
        2,
        MOUNTS + "403. Errors:\n\n* 2 errors occurred:\n\t* permission denied\n\t* invalid token",
        "locked: there is no valid token.",
    ),
    (
        "vault",
        2,
        API + "/v1/x\nCode: 400. Errors:\n\n* missing client token",
        "locked: there is no",
    ),
    (
        "vault",
        2,
        MOUNTS + "403. Errors:\n\n* preflight capability check returned 403, please ensure "
        f'client\'s policies grant access to path "secret/{REFERENCE}/"',
        "denied: the server refused.",
    ),
    (
        "vault",
        2,
        DATA + "403. Errors:\n\n* 1 error occurred:\n\t* permission denied",
        "denied: the s",
    ),
    (
        "vault",
        2,
        'Get "https://127.0.0.1:8200/v1/sys/internal/ui/mounts/secret/x": dial tcp '
        "127.0.0.1:8200: connect: connection refused",
        "tool missing: no server answers.",
    ),
    (
        "vault",
        2,
        'Get "https://x/v1/sys/internal/ui/mounts/secret/x": context deadline exceeded '
        "(Client.Timeout exceeded while awaiting headers)",
        "timed out: the server did not answer.",
    ),
    (
        "vault",
        2,
        'Get "https://127.0.0.1:8200/v1/sys/internal/ui/mounts/a/b": http: server gave HTTP '
        "response to HTTPS client",
        "tool missing: no server answers.",
    ),
    ("vault", 9, "other", "denied: vault ended with status 9."),
    ("bao", 1, 'Field "key" not present in map', "not found: there is no such secret"),
    (
        "aws-sm",
        254,
        AWS.format("ResourceNotFoundException") + "Secrets Manager can't find the "
        "specified secret.",
        "not found: AWS has no such secret",
    ),
    (
        "aws-sm",
        254,
        AWS.format("InvalidRequestException") + "You can't perform this operation on the "
        "secret because it was marked for deletion.",
        "not found: AWS has no such secret",
    ),
    (
        "aws-sm",
        254,
        AWS.format("AccessDeniedException") + f"User: arn:aws:iam::1:user/x is not "
        f"authorized to perform: secretsmanager:GetSecretValue on resource: {REFERENCE}",
        "denied: AWS",
    ),
    (
        "aws-sm",
        254,
        AWS.format("UnrecognizedClientException") + "The security token included in the "
        "request is invalid.",
        "denied: AWS refused.",
    ),
    (
        "aws-sm",
        254,
        AWS.format("ExpiredTokenException") + "The security token included in the request "
        "is expired",
        "locked: aws is not logged in.",
    ),
    (
        "aws-sm",
        255,
        "\nError loading SSO Token: Token for s does not exist",
        "locked: aws is not log",
    ),
    (
        "aws-sm",
        255,
        "Error when retrieving token from sso: Token has expired and refresh failed",
        "locked: aws is not logged in.",
    ),
    (
        "aws-sm",
        255,
        "The SSO session associated with this profile has expired or is otherwise "
        "invalid. To refresh this SSO session run aws sso login with the corresponding profile.",
        "locked: aws is not logged in.",
    ),
    (
        "aws-sm",
        253,
        'Unable to locate credentials. You can configure credentials by running "aws configure".',
        "locked: aws has no credentials.",
    ),
    (
        "aws-sm",
        253,
        'You must specify a region. You can also configure your region by running "aws configure".',
        "not found: aws has no region.",
    ),
    (
        "aws-sm",
        255,
        "\nThe config profile (x) could not be found",
        "not found: aws has no such prof",
    ),
    (
        "aws-sm",
        255,
        '\nCould not connect to the endpoint URL: "http://127.0.0.1:1/"',
        "tool missing: aws cannot reach AWS.",
    ),
    (
        "aws-sm",
        255,
        '\nConnect timeout on endpoint URL: "https://x/"',
        "timed out: AWS did not answer",
    ),
    ("aws-sm", 252, "other", "denied: aws ended with status 252."),
    (
        "security",
        44,
        "security: SecKeychainSearchCopyNext: The specified item could not be found in "
        "the keychain.",
        "not found: the keychain has no item",
    ),
    (
        "security",
        36,
        "security: SecKeychainItemCopyContent: User interaction is not allowed.",
        "locked: the keychain is locked.",
    ),
    (
        "security",
        51,
        "The user name or passphrase you entered is not correct.",
        "denied: access to",
    ),
    (
        "security",
        128,
        "User canceled the operation.",
        "denied: access to the keychain was refused.",
    ),
    (
        "security",
        50,
        "The specified keychain could not be found.",
        "not found: there is no keychain.",
    ),
    ("security", 9, "other", "denied: security ended with status 9."),
]


@pytest.mark.parametrize(
    ("source", "status", "errors", "message"),
    SAID,
    ids=[f"{s} {m[:30]}-{i}" for i, (s, _, _, m) in enumerate(SAID)],
)
def test_what_tools_say(
    source: str,
    status: int,
    errors: str,
    message: str,
    tools: Tools,
    on_macos: Callable[[], None],
    tmp_path: Path,
) -> None:
    """The tool prints the key and the reference, too: neither is passed on."""
    name, reference = TOOLS[source]
    if source == "security":
        on_macos()
    (tmp_path / "said").write_text(errors + "\n")
    tools.make(name, f"echo {KEY}; cat {tmp_path}/said; cat {tmp_path}/said >&2; exit {status}")
    error = outcome(reference, tools.env)
    assert error.message.startswith(message)
    if source == "bao":
        assert "vault " not in error.hint and "bao kv list" in error.hint


def test_names_are_not_taken_for_messages(tools: Tools) -> None:
    """An item may have a name that op, vault or aws say when something is wrong."""
    for name, reference, said in (
        ("op", "op://a/not signed in/key", "could not read secret 'op://a/not signed in/key': no"),
        ("vault", "vault://kv/is sealed#x", "No value found at kv/is sealed"),
        ("aws", "aws-sm://AccessDenied", "ResourceNotFoundException"),
    ):
        tools.make(name, f'echo "{said}" >&2; exit 1')
        assert not outcome(reference, tools.env).message.startswith(("locked", "denied: AWS"))


# The answers
