"""Which variables an imported provider may set: a list of what is allowed, as data.

A list that somebody shares is shown before it is added, but its names say little to most users. So
what cannot redirect a request, add a credential, run a program or loosen a check is all that it can
set, and other names are left out and reported. The user can add them with ``cowork-env edit``.
"""

from __future__ import annotations

from ..core.client_variables import CLOUD_SWITCHES
from ..core.environment import MODEL, TIER_MODELS

# Parts of a host's name. Anything but a plain word in them would be another host, which gets the
# user's own cloud credentials.
HOST_PARTS = (
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "CLOUD_ML_REGION",
    "ANTHROPIC_FOUNDRY_RESOURCE",
)
# From anywhere: time and token limits, models, and clouds with the user's own credentials there.
SHARED = frozenset(
    (
        "API_TIMEOUT_MS",
        "CLAUDE_CODE_AUTO_COMPACT_WINDOW",
        "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
        "CLAUDE_CODE_EFFORT_LEVEL",
        "CLAUDE_CODE_MAX_CONTEXT_TOKENS",
        "CLAUDE_CODE_MAX_OUTPUT_TOKENS",
        "CLAUDE_CODE_MAX_RETRIES",
        "CLAUDE_CODE_SUBAGENT_MODEL",
        "DISABLE_PROMPT_CACHING",
        "ENABLE_TOOL_SEARCH",
        "MAX_THINKING_TOKENS",
        MODEL,
        *TIER_MODELS.values(),
        *CLOUD_SWITCHES,
        *HOST_PARTS,
        "ANTHROPIC_VERTEX_PROJECT_ID",
    )
)
# From the user's own environment: headers may hold a second credential, and a profile chooses one.
OWN = SHARED | {"ANTHROPIC_CUSTOM_HEADERS", "AWS_PROFILE"}
# From the user's own settings file, which may be needed to reach the endpoint at all. A proxy sees
# the traffic of everything that is started in the shell, and with a certificate reads it; a cloud's
# address gets the user's cloud credentials.
OWN_SETTINGS = OWN | {
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "NODE_EXTRA_CA_CERTS",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "ANTHROPIC_BEDROCK_BASE_URL",
    "ANTHROPIC_VERTEX_BASE_URL",
    "ANTHROPIC_FOUNDRY_BASE_URL",
}


def is_allowed(name: str, value: object, allowed: frozenset[str]) -> bool:
    """Whether an imported provider may set a variable to this value.

    Not to an empty one: that leaves a variable alone that would be unset for the user's protection.
    """
    if name not in allowed or not isinstance(value, str) or not value:
        return False
    return name not in HOST_PARTS or (value.isascii() and value.replace("-", "a").isalnum())
