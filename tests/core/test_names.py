"""Which variables a provider may set: what clients read, and nothing that steers a shell."""

from __future__ import annotations

import os
from typing import Any

import pytest

from cowork_env.core import resolve
from cowork_env.core.environment import MANAGED
from cowork_env.core.provider import is_free_name
from cowork_env.core.resolve import Inputs
from cowork_env.core.shared_names import SHARED
from cowork_env.importers.names import OWN_SETTINGS
from cowork_env.presets import all_presets

from support.home import GUIDE, Home, need
from support.program import execute

# How each shell lists the variables that it knows when it starts, with all of its modules.
LISTS = {
    "bash": ["--norc", "--noprofile", "-ic", "compgen -v"],
    "zsh": [
        "-fic",
        "zmodload zsh/parameter zsh/mapfile zsh/termcap zsh/terminfo zsh/zleparameter zsh/datetime"
        " zsh/system zsh/sched zsh/watch 2>/dev/null; print -rl -- ${(k)parameters}",
    ],
    "fish": ["--no-config", "-ic", "set --names"],
    "dash": ["-c", "set"],
    "tcsh": ["-fc", "set; setenv"],
    "nu": ["-n", "-c", "$env | columns | str join (char nl)"],
    "xonsh": ["--no-rc", "-c", "print(*map(str, __xonsh__.env._vars), *__xonsh__.env, sep='\\n')"],
}
# Of their manuals: bash(1), zshparam(1), fish, tcsh(1), and what our folders depend on.
STEERING = """
    BASH_ENV BASH_FUNC_ls BASH_XTRACEFD ENV MAILPATH MAIL MAILCHECK PROMPT_COMMAND PS0 PS4 INPUTRC
    HISTFILE GLOBIGNORE EXECIGNORE TIMEFORMAT LC_ALL RPROMPT RPS1 RPROMPT2 PROMPT2 SPROMPT POSTEDIT
    NULLCMD READNULLCMD PSVAR TIMEFMT WATCHFMT KEYTIMEOUT TMPPREFIX FCEDIT STTY ZDOTDIR ZLE_LINE
    path prompt psvar precmd_functions fish_function_path fish_greeting cwdcmd histchars
    XDG_CONFIG_HOME XDG_STATE_HOME XDG_ANYTHING HOME TMPDIR TEMP APPDATA ANDROID_DATA
    EDITOR VISUAL PAGER MANPAGER LESSOPEN LESS BROWSER GIT_SSH_COMMAND GIT_EXTERNAL_DIFF SSH_ASKPASS
    LD_PRELOAD DYLD_INSERT_LIBRARIES GCONV_PATH LOCPATH NLSPATH OPENSSL_CONF NODE_OPTIONS NODE_PATH
    NPM_CONFIG_SCRIPT_SHELL PYTHONSTARTUP PERL5OPT RUBYOPT LUA_INIT JAVA_TOOL_OPTIONS _JAVA_OPTIONS
    DOTNET_STARTUP_HOOKS BUN_INSPECT_PRELOAD PSModulePath STARSHIP_CONFIG _ZO_DATA_DIR MISE_SHELL
    DIRENV_DIFF XONSHRC XONTRIBS_AUTOLOAD_DISABLED NU_LIB_DIRS ELVISH_RC TERMINFO TERMCAP
    COWORK_PROVIDER COWORK_ENV_STATE
    EXINIT AWS_PAGER GH_PAGER SVN_EDITOR EMACSLOADPATH CLAUDE_CODE_SHELL CLAUDE_CODE_SHELL_PREFIX
    CLAUDE_ENV_FILE JULIA_LOAD_PATH ERL_AFLAGS GOFLAGS GTK_MODULES QT_PLUGIN_PATH MAVEN_OPTS
    RSYNC_RSH SVN_SSH
"""
FOR_CLIENTS = """
    ANTHROPIC_BASE_URL ANTHROPIC_CUSTOM_HEADERS CLAUDE_CODE_MAX_OUTPUT_TOKENS CLAUDE_CONFIG_DIR
    API_TIMEOUT_MS HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY http_proxy https_proxy no_proxy
    all_proxy NODE_EXTRA_CA_CERTS SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE
    AWS_REGION AWS_PROFILE AWS_BEARER_TOKEN_BEDROCK GOOGLE_APPLICATION_CREDENTIALS CLOUD_ML_REGION
    VERTEX_REGION_CLAUDE_4_0_OPUS AZURE_CLIENT_ID OPENAI_API_KEY OPENROUTER_API_KEY LITELLM_LOG
    BASH_DEFAULT_TIMEOUT_MS BASH_MAX_TIMEOUT_MS BASH_MAX_OUTPUT_LENGTH MCP_TIMEOUT
    MAX_THINKING_TOKENS MAX_MCP_OUTPUT_TOKENS DISABLE_TELEMETRY ENABLE_TOOL_SEARCH
    OTEL_EXPORTER_OTLP_ENDPOINT USE_BUILTIN_RIPGREP
"""


@pytest.mark.parametrize("shell", LISTS)
def test_no_variable_that_a_shell_knows_is_free(shell: str, home: Home) -> None:
    env = {"HOME": str(home.path), "PATH": os.environ["PATH"], "TERM": "xterm"}
    listed = execute([need(shell), *LISTS[shell]], env=env, cwd=home.path).stdout.splitlines()
    names = {line.replace("=", "\t").split("\t")[0].strip() for line in listed}
    assert len(names) > 3, listed
    assert sorted(filter(is_free_name, filter(None, names))) == []


@pytest.mark.parametrize("name", STEERING.split())
def test_what_steers_a_shell_or_a_program_is_not_free(name: str) -> None:
    assert not is_free_name(name)


def test_what_clients_read_is_free() -> None:
    presets = [name for preset in all_presets() for name in preset.env]
    managed = [name for name in MANAGED if not name.startswith("_")]  # unset, and never set
    names = {*managed, *OWN_SETTINGS, *presets, *FOR_CLIENTS.split()}
    assert [name for name in names if not is_free_name(name)] == []
    assert set(presets) <= SHARED


@pytest.mark.parametrize("name", ["XDG_STATE_HOME", "XDG_CONFIG_HOME", "HOME"])
def test_a_provider_cannot_move_our_folders(home: Home, name: str) -> None:
    """It would be another provider's turn at the next prompt, and then this one's again."""
    bad: dict[str, Any] = {**GUIDE[1], "env": {name: "/elsewhere"}}
    home.providers([bad, GUIDE[2]])
    home.state.mkdir(parents=True)
    (home.state / "selection").write_text(bad["id"])
    inputs = Inputs(home.env, str(home.path), str(home.config), str(home.state))
    outcome = resolve.outcome(inputs, resolve.resolve(inputs))
    assert not outcome.target and outcome.error is not None
    assert f"[0].env.{name} is not for a provider to set" in outcome.error.message
    (home.state / "selection").write_text(GUIDE[2]["id"])
    assert resolve.outcome(inputs, resolve.resolve(inputs)).error is None
