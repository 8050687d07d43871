"""The variables that the newest Claude Code counts as a matter of the provider, and ours."""

from __future__ import annotations

import json

from cowork_env.core.client_variables import CLIENT_VARIABLES, UNREAD
from cowork_env.core.environment import MANAGED
from cowork_env.overrides import NOT_HELD

from support.clients.installed import Clients
from support.clients.names import of_the_host_flag
from support.clients.recorder import Recorder
from support.clients.user import User, check

TIERS = ("FABLE", "HAIKU", "OPUS", "SONNET")
# Claude Code's list without ours: why each is left alone.
REVIEWED = {
    "belongs to a cloud account, which other programs use": """
        AWS_ACCESS_KEY_ID AWS_BEARER_TOKEN_BEDROCK AWS_CONFIG_FILE
        AWS_CONTAINER_AUTHORIZATION_TOKEN AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE
        AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_CONTAINER_CREDENTIALS_RELATIVE_URI
        AWS_DEFAULT_REGION AWS_EC2_METADATA_SERVICE_ENDPOINT
        AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE AWS_PROFILE AWS_REGION AWS_ROLE_ARN
        AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_SHARED_CREDENTIALS_FILE
        AWS_WEB_IDENTITY_TOKEN_FILE CLOUD_ML_REGION GCE_METADATA_HOST GCE_METADATA_IP
        GCE_METADATA_ROOT GCLOUD_PROJECT GOOGLE_APPLICATION_CREDENTIALS GOOGLE_CLOUD_PROJECT
        GOOGLE_CLOUD_QUOTA_PROJECT METADATA_SERVER_DETECTION""",
    "says which account of a cloud, and has no effect without the cloud's switch": """
        ANTHROPIC_AWS_API_KEY ANTHROPIC_AWS_WORKSPACE_ID ANTHROPIC_BEDROCK_REGION_PREFIX
        ANTHROPIC_BEDROCK_SERVICE_TIER ANTHROPIC_FOUNDRY_API_KEY ANTHROPIC_FOUNDRY_AUTH_TOKEN
        ANTHROPIC_FOUNDRY_RESOURCE ANTHROPIC_GOOGLE_CLOUD_LOCATION ANTHROPIC_GOOGLE_CLOUD_PROJECT
        ANTHROPIC_GOOGLE_CLOUD_WORKSPACE_ID ANTHROPIC_SMALL_FAST_MODEL_AWS_REGION
        ANTHROPIC_VERTEX_PROJECT_ID""",
    "describes a model, or offers one in the picker": " ".join(
        f"ANTHROPIC_{model}_{what}"
        for model in ("CUSTOM_MODEL_OPTION", *(f"DEFAULT_{tier}_MODEL" for tier in TIERS))
        for what in ("DESCRIPTION", "NAME", "SUPPORTED_CAPABILITIES")
    )
    + " ANTHROPIC_CUSTOM_MODEL_OPTION",
    "is a note of Claude Code's to itself": """
        CLAUDE_CODE_3P_PROBE_WROTE_HAIKU_DEFAULT CLAUDE_CODE_3P_PROBE_WROTE_OPUS_DEFAULT
        CLAUDE_CODE_3P_PROBE_WROTE_SONNET_DEFAULT CLAUDE_CODE_3P_SEEDED_OPUS_DEFAULT
        CLAUDE_CODE_3P_SEEDED_SONNET_DEFAULT""",
    "is about other services of claude.ai, which have credentials of their own": """
        CLAUDE_CODE_ARTIFACTS_API_BASE_URL CLAUDE_CODE_ARTIFACTS_API_TOKEN
        CLAUDE_CODE_ARTIFACT_ASSET_BASE_URL CLAUDE_CODE_ARTIFACT_LIVE_BASE_URL
        CLAUDE_CODE_ARTIFACT_SYNC_BASE_URL CLAUDE_CODE_ARTIFACT_VIEWER_BASE_URL
        CLAUDE_CODE_MEMORY_API_BASE_URL CLAUDE_CODE_MEMORY_API_TOKEN""",
    "neither redirects nor adds a credential or a model": """
        CLAUDE_CODE_CERT_STORE CLAUDE_CODE_DISABLE_FEATURE_FLAGS DISABLE_GROWTHBOOK
        CLAUDE_CODE_HOST_AUTH_ASK_AT_START CLAUDE_CODE_HOST_AUTH_REFRESH_TIMEOUT_MS
        CLAUDE_CODE_SDK_HAS_HOST_AUTH_REFRESH""",
}


def test_every_name_is_on_the_list_or_was_looked_at(clients: Clients) -> None:
    """One that matters is new every month or two. Decide about each name that this prints."""
    theirs = of_the_host_flag(clients.claude)
    assert {"ANTHROPIC_BASE_URL", "CLAUDE_CODE_USE_BEDROCK", "AWS_REGION"} < theirs
    reviewed = {name for names in REVIEWED.values() for name in names.split()}
    assert reviewed.isdisjoint(MANAGED)
    new = sorted(theirs - reviewed - {*MANAGED})
    assert not new, f"neither in core/client_variables.py nor reviewed here: {', '.join(new)}"


def test_what_settings_set_in_spite_of_the_host_flag(
    user: User, recorder: Recorder, other: Recorder
) -> None:
    """status and doctor say that these, and no others of the list, get through."""
    directory = user.project("OpenRouter")
    names = {name for name, _, client in CLIENT_VARIABLES if client != UNREAD}
    values = {
        name: other.url for name in (*MANAGED, *names) if not name.endswith("_FILE_DESCRIPTOR")
    }
    values |= {"CLAUDE_CODE_EXTRA_BODY": '{"evil": 1}', "CLAUDE_CODE_DISABLE_AGENT_VIEW": "0"}
    values |= {"ANTHROPIC_BETAS": "evil-2026-01-01"}
    (directory / ".claude").mkdir()
    (directory / ".claude/settings.json").write_text(json.dumps({"env": values}))
    recorder.bash = "env"
    with user.by("bash") as starter:
        done = starter.run(directory, ["claude", "-p", "--allowedTools", "Bash", "--", "hi"])
        shown = starter.run(directory, ["cowork-env", "status", "--json"]).json()
    assert done.returncode == 0, done
    for request in recorder.requests:
        check(request, user.providers["OpenRouter"])
    lines = recorder.output.splitlines()
    set_there = {name for name in names | {*MANAGED} if f"{name}={values.get(name)}" in lines}
    unread = {name for name, _, client in CLIENT_VARIABLES if client == UNREAD}
    assert set_there - unread == NOT_HELD
    assert {s["variable"] for s in shown["settings"] if s["effect"] == "wins"} == NOT_HELD
