"""The variables by which clients choose an endpoint, a credential or a model, beside our own.

Each is unset while a provider is active, unless the provider's ``env`` sets it. This is data on the
fast path: ``docs/make_tables.py`` makes a table of it, and the tests with real clients compare
it with the names in the newest Claude Code.

Not listed, because other programs need them or because they change nothing beside a URL and a key:
what belongs to a cloud account (``AWS_*``, ``GOOGLE_*``, keys and project names of a cloud), and
where a login is kept (``LOGIN_VARIABLES`` in ``provider.py``), because no login is used then. An
account sets or unsets those, too.
"""

from __future__ import annotations

UNREAD = ""  # in the place of a client: no client that was tested reads the variable
_CLAUDE = "Claude Code "
_SDK = "anthropic SDK 2"
_CLOUD = "talks to a cloud directly"
_ADDRESS = "the address of a cloud"
_UNSIGNED = "sends no credential to a cloud"
_MODEL = "names a model"
_FILE = "reads a credential from a file descriptor"
_LOGIN = "logs in by federation or with a profile"

# Name, what it does, and a client with the first version in which that was seen; older ones may do
# the same. The state in COWORK_ENV_STATE counts on the order: new names go to the end, and none is
# removed.
CLIENT_VARIABLES = (
    ("ANTHROPIC_API_URL", "would redirect requests", UNREAD),
    ("ANTHROPIC_API_BASE_URL", "would redirect requests", UNREAD),
    # The whole request goes there, key included, whatever the base URL is.
    ("ANTHROPIC_UNIX_SOCKET", "redirects every request", _CLAUDE + "2.1.330"),
    ("ANTHROPIC_CUSTOM_HEADERS", "adds headers, a credential among them", _CLAUDE + "2.1.330"),
    ("ANTHROPIC_SMALL_FAST_MODEL", _MODEL, _CLAUDE + "2.1.330"),
    ("CLAUDE_CODE_SUBAGENT_MODEL", _MODEL, _CLAUDE + "2.1.330"),
    ("CLAUDE_CODE_OAUTH_TOKEN", "adds a credential", _CLAUDE + "2.1.330"),
    ("CLAUDE_CODE_USE_BEDROCK", _CLOUD, _CLAUDE + "2.1.330"),
    ("CLAUDE_CODE_USE_VERTEX", _CLOUD, _CLAUDE + "2.1.330"),
    ("CLAUDE_CODE_USE_FOUNDRY", _CLOUD, _CLAUDE + "2.1.330"),
    ("CLAUDE_CODE_USE_GATEWAY", _CLOUD, _CLAUDE + "2.1.330"),
    ("CLAUDE_CODE_USE_MANTLE", _CLOUD, _CLAUDE + "2.1.330"),
    ("CLAUDE_CODE_USE_ANTHROPIC_AWS", _CLOUD, _CLAUDE + "2.1.330"),
    # The thirteen above are those of version 1 of the state.
    ("CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD", _CLOUD, _CLAUDE + "2.1.223"),
    ("ANTHROPIC_API_BASE", "redirects requests", "LiteLLM 1.106"),
    ("CLAUDE_CODE_API_BASE_URL", "redirects uploaded files", _CLAUDE + "2.1.332"),
    ("ANTHROPIC_BEDROCK_BASE_URL", _ADDRESS, _CLAUDE + "2.1.332"),
    ("ANTHROPIC_BEDROCK_MANTLE_BASE_URL", _ADDRESS, _CLAUDE + "2.1.332"),
    ("ANTHROPIC_VERTEX_BASE_URL", _ADDRESS, _CLAUDE + "2.1.332"),
    ("ANTHROPIC_FOUNDRY_BASE_URL", _ADDRESS, _CLAUDE + "2.1.332"),
    ("ANTHROPIC_AWS_BASE_URL", _ADDRESS, _CLAUDE + "2.1.332"),
    ("ANTHROPIC_GOOGLE_CLOUD_BASE_URL", _ADDRESS, _CLAUDE + "2.1.223"),
    ("CLAUDE_CODE_SKIP_BEDROCK_AUTH", _UNSIGNED, _CLAUDE + "2.1.332"),
    ("CLAUDE_CODE_SKIP_MANTLE_AUTH", _UNSIGNED, _CLAUDE + "2.1.332"),
    ("CLAUDE_CODE_SKIP_VERTEX_AUTH", _UNSIGNED, _CLAUDE + "2.1.332"),
    ("CLAUDE_CODE_SKIP_FOUNDRY_AUTH", _UNSIGNED, _CLAUDE + "2.1.332"),
    ("CLAUDE_CODE_SKIP_ANTHROPIC_AWS_AUTH", _UNSIGNED, _CLAUDE + "2.1.332"),
    ("CLAUDE_CODE_SKIP_ANTHROPIC_GOOGLE_CLOUD_AUTH", _UNSIGNED, _CLAUDE + "2.1.223"),
    (
        "_CLAUDE_CODE_ASSUME_FIRST_PARTY_BASE_URL",
        "treats the endpoint as Anthropic's",
        _CLAUDE + "2.1.332",
    ),
    ("CLAUDE_CODE_CUSTOM_OAUTH_URL", "the address for a login's token", _CLAUDE + "2.1.332"),
    ("CLAUDE_CODE_OAUTH_REFRESH_TOKEN", "adds a credential", _CLAUDE + "2.1.332"),
    ("CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR", _FILE, _CLAUDE + "2.1.332"),
    ("CLAUDE_CODE_OAUTH_TOKEN_FILE_DESCRIPTOR", _FILE, _CLAUDE + "2.1.332"),
    ("CLAUDE_CODE_WEBSOCKET_AUTH_FILE_DESCRIPTOR", _FILE, _CLAUDE + "2.1.332"),
    ("CLAUDE_CODE_GATEWAY_TOKEN_FILE_DESCRIPTOR", _FILE, _CLAUDE + "2.1.332"),
    ("CLAUDE_CODE_HOST_AUTH_ENV_VAR", "names another credential", _CLAUDE + "2.1.332"),
    ("CLAUDE_CODE_HOST_CREDS_FILE", "names another credential", _CLAUDE + "2.1.332"),
    ("ANTHROPIC_PROFILE", _LOGIN, _SDK),
    ("ANTHROPIC_CONFIG_DIR", _LOGIN, _SDK),
    ("ANTHROPIC_FEDERATION_RULE_ID", _LOGIN, _SDK),
    ("ANTHROPIC_IDENTITY_TOKEN", _LOGIN, _SDK),
    ("ANTHROPIC_IDENTITY_TOKEN_FILE", _LOGIN, _SDK),
    ("ANTHROPIC_ORGANIZATION_ID", _LOGIN, _SDK),
    ("ANTHROPIC_SERVICE_ACCOUNT_ID", _LOGIN, _SDK),
    ("ANTHROPIC_WORKSPACE_ID", _LOGIN, _SDK),
    ("ANTHROPIC_DEFAULT_MODEL", _MODEL, _CLAUDE + "2.1.258"),
    ("CLAUDE_CODE_SUBAGENT_MODEL_FORCE", _MODEL, _CLAUDE + "2.1.332"),
    ("CLAUDE_CODE_WORKFLOW_SUBAGENT_MODEL", _MODEL, _CLAUDE + "2.1.307"),
    ("CLAUDE_CODE_AUTO_MODE_MODEL", _MODEL, _CLAUDE + "2.1.202"),
    ("CLAUDE_CODE_BG_CLASSIFIER_MODEL", _MODEL, _CLAUDE + "2.1.332"),
    ("CLAUDE_CODE_EXTRA_BODY", "changes requests, the model included", _CLAUDE + "2.1.332"),
    ("ANTHROPIC_BETAS", "adds beta headers", _CLAUDE + "2.1.332"),
)
CONFLICTING = tuple(name for name, _, _ in CLIENT_VARIABLES)
MODEL_NAMES = tuple(name for name, does, _ in CLIENT_VARIABLES if does == _MODEL)
# All but those that say which of an endpoint's models is used.
CHOOSE_NO_MODEL = tuple(name for name, does, _ in CLIENT_VARIABLES if does != _MODEL)
# Those that Claude Code reads beside a URL and a key. The address of a cloud is read only with the
# cloud's switch, and a profile only without a key.
READ_BESIDE_A_KEY = tuple(
    name
    for name, does, client in CLIENT_VARIABLES
    if client.startswith(_CLAUDE) and does not in (_ADDRESS, _UNSIGNED)
)
# Those by which the SDKs and Claude Code log in where there is no key.
READ_WITHOUT_A_KEY = tuple(name for name, does, _ in CLIENT_VARIABLES if does == _LOGIN)
CLOUD_SWITCHES = tuple(name for name in CONFLICTING if name.startswith("CLAUDE_CODE_USE_"))
IN_FIRST_STATE = 13  # the names of which version 1 of the state knew
