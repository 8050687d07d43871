"""Which variables a provider from elsewhere may set: a list of what is allowed, as data.

A list or a catalogue that somebody shares is shown before it is used, but its names say little to
most users. So what cannot redirect a request, add a credential, run a program or loosen a check is
all that it can set.
"""

from __future__ import annotations

from .client_variables import CLOUD_SWITCHES
from .provider import MODEL_VARIABLE, TIER_VARIABLES

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
        MODEL_VARIABLE,
        *TIER_VARIABLES.values(),
        *CLOUD_SWITCHES,
        *HOST_PARTS,
        "ANTHROPIC_VERTEX_PROJECT_ID",
    )
)


def is_allowed(name: str, value: object, allowed: frozenset[str] = SHARED) -> bool:
    """Whether a provider that somebody shares may set a variable to this value.

    Not to an empty one: that leaves a variable alone that would be unset for the user's protection.
    """
    if name not in allowed or not isinstance(value, str) or not value:
        return False
    return name not in HOST_PARTS or (value.isascii() and value.replace("-", "a").isalnum())
