"""``aws-sm://ID[?region=REGION][#/json/pointer]``: the key is in AWS Secrets Manager.

ID is the name or the ARN of a secret. It is read by ``aws secretsmanager get-secret-value``, with
the profile and credentials that aws finds.
"""

from __future__ import annotations

from ..util import jsontext
from ..util.errors import CoworkEnvError
from . import ONE_LINE
from .from_file import pointed, split_pointer
from .tool import run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_FORM = "is not aws-sm://ID[?region=REGION][#/json/pointer]"
_WHERE = "the secret of authTokenFrom"
# Names: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html; with
# the ! of secrets that services make, and the colons of ARNs.
_IN_IDS = frozenset("/_+=.@-!:")
# It would wait for a key, or ask for the rest of the command.
_NEVER_ASK = {"AWS_PAGER": "", "AWS_CLI_AUTO_PROMPT": "off"}
_LOG_IN = "Log in: aws sso login; then run: cowork-env reload"
# What aws 1 and 2 say. The first match counts.
_KNOWN = (
    (
        ("ResourceNotFoundException", "marked deleted", "marked for deletion"),
        "not found: AWS has no such secret in that account and region.",
        "Look for it: aws secretsmanager list-secrets",
    ),
    (
        (
            *("SSO", "ExpiredToken", "token has expired", "token is expired", "refresh failed"),
            *("session has expired", "aws login", "MFA"),
        ),
        "locked: aws is not logged in.",
        _LOG_IN,
    ),
    (
        (
            "Unable to locate credentials",
            "Partial credentials",
            "Error when retrieving credentials",
        ),
        "locked: aws has no credentials.",
        "Run aws configure, or log in: aws sso login; then run: cowork-env reload",
    ),
    (
        (
            *("AccessDenied", "not authorized", "InvalidClientTokenId", "UnrecognizedClient"),
            *("InvalidSignature", "SignatureDoesNotMatch", "security token", "DecryptionFailure"),
        ),
        "denied: AWS refused.",
        "A policy must allow GetSecretValue to the one that you are: aws sts get-caller-identity",
    ),
    (
        ("specify a region", "region was not"),
        "not found: aws has no region.",
        "Add ?region=REGION to the reference, or run: aws configure",
    ),
    (
        ("config profile",),
        "not found: aws has no such profile.",
        "Look at AWS_PROFILE: aws configure list",
    ),
    (
        ("Connect timeout", "Read timeout"),
        "timed out: AWS did not answer.",
        "Check the region and the network.",
    ),
    (
        ("Could not connect", "Connection was closed", "endpoint", "SSL validation failed"),
        "tool missing: aws cannot reach AWS.",
        "Check the region and the network.",
    ),
)


def check(rest: str) -> None:
    """Check that there is an ID, and that nothing but a region follows."""
    name, mark, query = split_pointer(rest)[0].partition("?")
    region = query.removeprefix("region=") if query.startswith("region=") else ""
    for text, others in ((name, _IN_IDS), (region if mark else "none", "-")):
        known = text.isascii() and all(char.isalnum() or char in others for char in text)
        if not text or not known or text.startswith("-"):
            raise CoworkEnvError(_FORM)


def fetch(rest: str, env: Mapping[str, str]) -> str:
    """The secret's text, or the string in it that the JSON pointer leads to."""
    name, region, pointer = _split(rest)
    command = ["aws", "secretsmanager", "get-secret-value", "--output", "json", "--secret-id", name]
    ended = run([*command, *(["--region", region] if region else [])], {**env, **_NEVER_ASK})
    if ended.status:
        ended.errors = ended.errors.replace(name.encode(), b"")  # it could be taken for a message
        raise ended.failure(*_KNOWN)
    text = _secret(ended.text())
    return pointed(text, pointer, _WHERE) if pointer else text


def waits_for(rest: str) -> str:
    """The service."""
    return "AWS Secrets Manager"


def _split(rest: str) -> tuple[str, str, str]:
    """The ID, the region (empty: the one that aws is set to), and the JSON pointer."""
    rest, pointer = split_pointer(rest)
    name, mark, query = rest.partition("?")
    arn = name.split(":")
    own = arn[3] if arn[0] == "arn" and len(arn) > 3 else ""
    return name, query.removeprefix("region=") if mark else own, pointer


def _secret(answer: str) -> str:
    """The text in what aws prints."""
    try:
        document = jsontext.parse(answer, "what aws printed")
    except CoworkEnvError:
        document = None  # Not raised in here: the error may hold what was printed.
    if not isinstance(document, dict):
        raise CoworkEnvError("bad value: aws printed something that is not JSON.", ONE_LINE)
    secret = document.get("SecretString")
    if not isinstance(secret, str):
        raise CoworkEnvError("bad value: the secret is binary.", "Store the key as text.")
    return secret
