# cowork-env's hook for nushell: save what "cowork-env hook nu" prints, and source that file in config.nu
#
# At a prompt where nothing changed it starts no process: it compares the directory, the pins on the
# way up, a few variables, and the timestamps of a few files with what the active response was about.
# For anything else it requests a response from the program (its fields are described in
# cowork_env/hook/protocol.py). What it keeps is a record, which nushell never exports.

$env.__cowork_env = {
    # What the active response is about, the files to watch, how to undo it, its error; the notices
    # that were shown; whether no prompt has been reached yet.
    key: null, watches: [], undo: "", error: "", shown: [], starting: "starting",
    # The error of a slow lookup that was interrupted, until it is shown.
    interrupted: null,
    provider: "",
    # The variables that our folders follow from, when the hook was rendered.
    folders: [@FOLDERS@]
}

# A snapshot of what a response depends on, beside the watched files: the pins with their contents,
# and a few variables.
def __cowork_env_snapshot [] {
    let here = try { pwd --physical } catch { "" }
    mut directory = $here
    mut pins = []
    while $directory != "" {
        let pin = ($directory | path join ".cowork-provider")
        if ($pin | path exists) {
            # A FIFO is not opened here.
            let seen = try {
                let real = ($pin | path expand)
                if ($real | path type) == "file" {
                    let found = (ls --directory $real | first)
                    [$found.modified, (open --raw $pin | into binary | first 4097)]
                } else { "!" }
            } catch { "!" }
            $pins = ($pins | append [[$pin, $seen]])
        }
        let above = ($directory | path dirname)
        $directory = if $above == $directory { "" } else { $above }
    }
    {here: $here, pins: $pins, state: $env.COWORK_ENV_STATE?, context: [@CONTEXT@]}
}

# Whether a watched file is as it was: the name of its reference is the timestamp that it had.
def __cowork_env_unchanged [watch: record] {
    if $watch.reference == "" and $watch.same_as == "" { return (not ($watch.path | path exists)) }
    try {
        let real = ($watch.path | path expand)
        if $watch.same_as != "" {
            $real == $watch.same_as
        } else {
            (ls --directory $real | first | get modified | into int) == ($watch.reference | path basename | into int)
        }
    } catch { false }
}

# The program's response as a record, null for none.
def __cowork_env_request [flags: string] {
    let request = [@REQUEST@]
    let folders = if [@FOLDERS@] == $env.__cowork_env.folders {
        [("state_dir=" + @STATE_DIR@), ("config_dir=" + @CONFIG_DIR@)]
    } else { [] }
    try {
        let done = ("" | run-external ($request | first) ...($request | skip 1) $"flags=($flags)" ...$folders | complete)
        $done.stdout | from json
    } catch { null }
}

# Code that comes at run time cannot be evaluated: changes are records, from names to values, null for none.
def --env __cowork_env_change [changes: string] {
    for change in ($changes | from json | default {} | transpose name value) {
        if $change.value == null { hide-env --ignore-errors $change.name } else { load-env {($change.name): $change.value} }
    }
}

# Undo the active response, except for what the user has changed since.
def --env __cowork_env_leave [] {
    for line in ($env.__cowork_env.undo | lines | where $it != "") {
        let row = ($line | from json)
        if "then" not-in $row {
            __cowork_env_change $line
        } else if ($env | get --optional $row.name) == $row.is {
            __cowork_env_change ($row.then | to json)
        }
    }
    $env.__cowork_env.undo = ""
}

def --env __cowork_env_update [] {
    let key = (__cowork_env_snapshot)
    let now = $env.__cowork_env
    if $now.starting == "" and $key == $now.key and ($now.watches | all {|it| __cowork_env_unchanged $it }) { return }
    mut response = (__cowork_env_request $now.starting)
    if $response != null and "pending" in $response.flags {
        # A slow lookup follows. What this response asked for stays in force if that is interrupted.
        __cowork_env_change $response.now
        $env.__cowork_env.undo = $response.undo
        # An interrupt may end this function anywhere: then it is not tried again until something
        # changes, and the next prompt says why. No new snapshot is taken, as reading fails as long
        # as nushell handles the interrupt.
        $env.__cowork_env.key = ($key | update state $env.COWORK_ENV_STATE?)
        $env.__cowork_env.interrupted = $response.error
        # nushell takes the terminal back a moment after a process has ended. One that is started
        # before that is in no group that Ctrl-C reaches.
        sleep 100ms
        let terminal = (if $nu.is-interactive { " terminal" } else { "" })
        $response = (__cowork_env_request ($now.starting + " allow-slow" + $terminal))
        if $response == null { return }
        $env.__cowork_env.interrupted = null
    }
    if $response == null {
        # Not tried again until something changes.
        if $env.__cowork_env.undo != "" { __cowork_env_leave }
        $env.__cowork_env.key = ($key | update state $env.COWORK_ENV_STATE?)
        __cowork_env_finish "" "" @CANNOT_RUN@
        return
    }
    __cowork_env_change $response.now
    let after = (__cowork_env_snapshot)
    $env.__cowork_env.undo = $response.undo
    $env.__cowork_env.watches = $response.watches
    # If a pin was written meanwhile, it is unknown which one the response is about.
    $env.__cowork_env.key = if $after.here == $key.here and $after.pins == $key.pins { $after } else { null }
    let label = if $now.starting != "" and "quiet" in $response.flags { "" } else { $response.label }
    __cowork_env_finish $response.provider $label $response.error
    for notice in $response.notices {
        if $nu.is-interactive and $notice.id not-in $env.__cowork_env.shown {
            $env.__cowork_env.shown = ($env.__cowork_env.shown | append $notice.id)
            __cowork_env_say $notice.text
        }
    }
}

# A message. That fails as long as nushell handles an interrupt, and an error would undo what the
# functions that are under way have changed.
def __cowork_env_say [text: string] {
    try { print --stderr $"cowork-env: ($text)" }
}

# The response is applied: note that, and tell the user what is new.
def --env __cowork_env_finish [provider: string, label: string, error: string] {
    let before = $env.__cowork_env
    $env.__cowork_env.provider = $provider
    $env.__cowork_env.error = $error
    if $error != "" and $error != $before.error {
        __cowork_env_say $error
    } else if $provider != $before.provider and $nu.is-interactive and $env.COWORK_ENV_QUIET? != "1" {
        if $provider == "" {
            __cowork_env_say $"left ($before.provider)"
        } else if $label != "" {
            __cowork_env_say $label
        }
    }
}

def --env __cowork_env_prompt [] {
    __cowork_env_update
    if $env.__cowork_env.interrupted != null {
        let error = $env.__cowork_env.interrupted
        $env.__cowork_env.interrupted = null
        __cowork_env_finish "" "" $error
    }
    $env.__cowork_env.starting = ""
}

# cd, with an update behind it; nushell itself tells of a change only at the next prompt.
alias __cowork_env_cd = cd
def --env cd [--physical (-P), path?: directory] {
    if $path == null { __cowork_env_cd } else if $physical { __cowork_env_cd --physical $path } else { __cowork_env_cd $path }
    __cowork_env_update
}

$env.config.hooks.pre_prompt = (
    $env.config.hooks.pre_prompt | where {|it| ($it | describe) == "closure" or ($it.__cowork_env? == null) }
    | append {__cowork_env: true, code: {|| __cowork_env_prompt }}
)
