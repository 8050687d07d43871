"""Which variables ``import`` takes from sources of the user's own, beside those of a shared list.

Other names are left out and reported. The user can add them with ``cowork-env edit``.
"""

from __future__ import annotations

from ..core.shared_names import SHARED

# From the user's own environment: headers may hold a second credential, and a profile chooses one.
OWN = SHARED | {"ANTHROPIC_CUSTOM_HEADERS", "AWS_PROFILE"}
# From the user's own settings file, which may be needed to reach the endpoint at all. A proxy sees
# the traffic of everything that is started in the shell, and with a certificate reads it; a cloud's
# address gets the user's cloud credentials.
_NETWORK = frozenset(
    (
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
    )
)
OWN_SETTINGS = (
    OWN
    | _NETWORK
    | {
        "ANTHROPIC_BEDROCK_BASE_URL",
        "ANTHROPIC_VERTEX_BASE_URL",
        "ANTHROPIC_FOUNDRY_BASE_URL",
    }
)


def is_network(name: str) -> bool:
    """Whether a variable is about reaching any endpoint, and not about one provider."""
    return name in _NETWORK
