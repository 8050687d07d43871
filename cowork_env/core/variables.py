"""The names of the environment variables that say which provider applies.

The hooks compare those in :data:`CONTEXT` at each prompt. The variables that are set are in
``environment.py``.
"""

from __future__ import annotations

CHOICE = "COWORK_PROVIDER"  # a provider's name or id, before every pin
PROVIDERS_FILE = "COWORK_ENV_PROVIDERS_FILE"
PROVIDERS_JSON = "COWORK_ENV_PROVIDERS_JSON"  # the text itself
CATALOG = "COWORK_ENV_CATALOG"  # a file with providers that others share
QUIET = "COWORK_ENV_QUIET"  # "1": nothing is said about changes

FOLDERS = ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME")  # where our folders are
SOURCES = (PROVIDERS_FILE, PROVIDERS_JSON, CATALOG, *FOLDERS)  # where providers come from
CONTEXT = (CHOICE, *SOURCES)  # everything that a response depends on
