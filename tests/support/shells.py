"""What the tests know about each shell: how it runs a script, and how it starts at a prompt."""

from __future__ import annotations

from pathlib import Path

from support.home import Home

PROMPT = "@prompt@"
COMMAND = "@command@"

# The shells with the full set of features, and those whose hooks hold as much as the shell allows.
SHELLS = ("bash", "zsh", "fish")
OTHER_SHELLS = ("nu", "xonsh", "elvish", "tcsh")

# A shell that runs a script without reading startup files. ``sh`` is dash, as on Debian.
PLAIN = {
    "sh": ["dash"],
    "bash": ["bash", "--norc", "--noprofile"],
    "zsh": ["zsh", "-f"],
    "fish": ["fish", "--no-config"],
    "nu": ["nu", "--no-config-file"],
    "xonsh": ["xonsh", "--no-rc"],
    "elvish": ["elvish", "-norc"],
    "tcsh": ["tcsh", "-f"],
    "pwsh": ["pwsh", "-NoProfile", "-File"],
}
# How a shell evaluates statements from a file, where a script of the same statements would not do.
EVALUATE = {
    "nu": "for it in (open --raw {file} | from json | default {{}} | transpose name value) "
    "{{ if $it.value == null {{ hide-env -i $it.name }} else {{ load-env {{($it.name): $it.value}}"
    " }} }}",
    "xonsh": "execx($(cat {file}))",
    "elvish": "eval (slurp < {file})",
    "tcsh": 'eval "`cat {file}`"',
}
# How a shell saves the environment that its children get.
SAVE = {"nu": "^{env} -0 o> {out}", "elvish": "(external {env}) -0 > {out}"}


class Dialect:
    """How a shell is driven at a prompt, and its forms of what the tests do there.

    ``startup`` is the file it reads, relative to the home; ``load`` loads the hook, as documented;
    ``quiet`` keeps it from drawing more than needed; ``ready`` prints ``PROMPT`` at each prompt.
    In the forms, ``{n}`` is a variable's name, ``{v}`` its value in plain letters, ``{home}`` the
    home and ``{out}`` a file.
    """

    arguments: tuple[str, ...] = ("-i",)
    ready = ""
    set = "export {n}={v}"
    unset = "unset {n}"
    cd = 'cd "${n}"'
    noop = "true"
    process = "env --version >/dev/null"  # starts one program and prints nothing
    save = "env -0 >{out}"
    joint = " && "  # between two commands of which the second needs the first
    enter = "\n"
    term = "dumb"
    columns = 4000
    echoes_once = True  # what is typed is shown as it is, on one line
    queries_cursor = False  # its line editor asks the terminal where the cursor is
    always_requests = False  # its hook starts the program at every prompt

    def __init__(self, startup: str, load: str, quiet: str, **forms: object) -> None:
        self.startup, self.load, self.quiet = startup, load, quiet
        for name, value in forms.items():
            if not hasattr(Dialect, name):
                raise TypeError(name)
            setattr(self, name, value)


OTHER = {"joint": "; ", "enter": "\r", "term": "xterm", "columns": 400, "echoes_once": False}

DIALECTS = {
    "bash": Dialect(
        ".bashrc",
        'eval "$(cowork-env hook bash)"',
        f"PS1='{PROMPT}'; PS2=; bind 'set enable-bracketed-paste off' 2>/dev/null; "
        "HISTFILE={home}/history",
    ),
    "zsh": Dialect(
        ".zshrc",
        'eval "$(cowork-env hook zsh)"',
        f"PS1='{PROMPT}'; PS2=; unsetopt prompt_cr prompt_sp zle; "
        "HISTFILE={home}/history; HISTSIZE=100; SAVEHIST=100",
    ),
    # fish draws a prompt more than once, so events say where a command's output begins and ends.
    "fish": Dialect(
        ".config/fish/config.fish",
        "cowork-env hook fish | source",
        "function fish_prompt; end; function fish_title; end; set -g fish_greeting; "
        "set -g fish_autosuggestion_enabled 0; "
        f"function started --on-event fish_preexec; printf '{COMMAND}'; end",
        ready=f"function ended --on-event fish_prompt; printf '{PROMPT}'; end",
        set="set -gx {n} {v}",
        unset="set -e {n}",
    ),
    "nu": Dialect(
        ".config/nushell/config.nu",
        "source {home}/hook.nu",
        '$env.PROMPT_COMMAND = {{|| ""}}; $env.PROMPT_COMMAND_RIGHT = {{|| ""}}; '
        '$env.PROMPT_INDICATOR = ""; '
        "$env.config.show_banner = false; $env.config.bracketed_paste = false",
        ready="$env.config.hooks.pre_prompt = "
        f"($env.config.hooks.pre_prompt | append {{{{|| print -n '{PROMPT}' }}}})",
        arguments=(),
        set='$env.{n} = "{v}"',
        unset="hide-env {n}",
        cd="cd $env.{n}",
        noop="null",
        process="^env --version | ignore",
        save="^env -0 o> {out}",
        queries_cursor=True,
        **OTHER,
    ),
    "xonsh": Dialect(
        ".xonshrc",
        "execx($(cowork-env hook xonsh))",
        "$PROMPT = ''; $XONSH_STORE_STDOUT = False; $COLOR_RESULTS = False; "
        "$XONSH_SHOW_TRACEBACK = True",
        ready=f"@events.on_pre_prompt\ndef _ready(**_):\n    print('{PROMPT}', flush=True)",
        arguments=("--shell-type", "readline", "-i"),
        set='${n} = "{v}"',
        unset="del ${n}",
        cd="cd ${n}",
        noop="pass",
        process="env --version > /dev/null",
        **OTHER,
    ),
    "elvish": Dialect(
        ".config/elvish/rc.elv",
        "eval (cowork-env hook elvish | slurp)",
        "set edit:prompt = {{ }}; set edit:rprompt = {{ }}",
        ready=f"set edit:before-readline = [$@edit:before-readline {{{{ print {PROMPT} }}}}]",
        arguments=(),
        set="set-env {n} '{v}'",
        unset="unset-env {n}",
        cd="cd $E:{n}",
        noop="nop",
        process="env --version > /dev/null",
        **OTHER,
    ),
    "tcsh": Dialect(
        ".tcshrc",
        'eval "`cowork-env hook tcsh`"',
        "set savehist = 0; unset autologout",
        ready=f"set prompt = '{PROMPT}'",
        arguments=(),
        set="setenv {n} '{v}'",
        unset="unsetenv {n}",
        cd="cd ${n}:q",
        noop=":",
        process="env --version > /dev/null",
        always_requests=True,
        **OTHER,
    ),
}
HOOK = {shell: DIALECTS[shell].load for shell in SHELLS}


def startup_file(shell: str, home: Home) -> Path:
    """The file that the shell reads when it starts at a prompt."""
    return home.path / DIALECTS[shell].startup
