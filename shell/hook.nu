# cowork-env's hook for nushell: save what "cowork-env hook nu" prints, and source that file in config.nu
#
# At a prompt where nothing changed it starts no process: it compares the directory, the pins on the way up, a few
# variables, and the time stamps of a few files with what the last answer was about. For anything else it asks the
# program. What it keeps is a record, which nushell never exports.

$env.__cowork_env = {
    # The question that the last answer was about, the files to watch (see ask.py), how to take it back, what was said.
    question: null, watches: [], undo: "", fresh: "f", error: "", said: [],
    # A state that was inherited names its provider until the first answer.
    name: (if ($env.COWORK_ENV_STATE? | default "") != "" { $env.COWORK_ENV_ACTIVE? | default "" } else { "" }),
    told: [$env.HOME?, $env.XDG_CONFIG_HOME?, $env.XDG_STATE_HOME?]
}

# What an answer depends on, beside the watched files: a few variables, and the pins with their contents.
def __cowork_env_look [] {
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
    [$here, $pins, $env.COWORK_ENV_STATE?, $env.COWORK_PROVIDER?, $env.COWORK_ENV_PROVIDERS_FILE?,
        $env.COWORK_ENV_PROVIDERS_JSON?, $env.HOME?, $env.XDG_CONFIG_HOME?, $env.XDG_STATE_HOME?]
}

# Whether a watched file is as it was: the name of its reference is the time stamp that it had.
def __cowork_env_holds [file: string, reference: string] {
    if $reference == "" { return (not ($file | path exists)) }
    try {
        if ($reference | str starts-with "=") {
            ($file | path expand) == ($reference | str substring 1..)
        } else {
            (ls --directory ($file | path expand) | first | get modified | into int) == ($reference | path basename | into int)
        }
    } catch { false }
}

# The program's answer as a list, empty for none.
def __cowork_env_run [flags: string] {
    let ask = [@ASK@]
    let known = if [$env.HOME?, $env.XDG_CONFIG_HOME?, $env.XDG_STATE_HOME?] == $env.__cowork_env.told { [@STATE_DIR@, @CONFIG_DIR@] } else { ["", ""] }
    try {
        let done = ("" | run-external ($ask | first) ...($ask | skip 1) "nu" $flags ...$known "" @PACKAGE@ | complete)
        $done.stdout | from json | default []
    } catch { [] }
}

# Code that comes at run time cannot be evaluated: changes are records, from names to values, null for none.
def --env __cowork_env_change [changes: string] {
    for change in ($changes | from json | default {} | transpose name value) {
        if $change.value == null { hide-env --ignore-errors $change.name } else { load-env {($change.name): $change.value} }
    }
}

# Take back what the last answer did, where it still is as it was made.
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
    let question = (__cowork_env_look)
    let now = $env.__cowork_env
    if $now.fresh == "" and $question == $now.question and ($now.watches | all {|it| __cowork_env_holds $it.0 $it.1 }) { return }
    mut slow = false
    mut reply = (__cowork_env_run $now.fresh)
    if ($reply | length) >= 14 and "m" in $reply.2 {
        # A slow look-up follows. What was active is left by now, if the provider is another.
        if $reply.8 != "" {
            __cowork_env_change $reply.8
            $env.__cowork_env.undo = ""
        }
        $slow = true
        $reply = (__cowork_env_run ($now.fresh + "p"))
    }
    if ($reply | length) < 14 {
        # Interrupted, or gone: no provider then, until something changes. Nothing is looked at again, as reading fails
        # as long as nushell has the interrupt in mind.
        if $env.__cowork_env.undo != "" { __cowork_env_leave }
        $env.__cowork_env.question = ($question | update 2 $env.COWORK_ENV_STATE?)
        let error = if $slow { "" } else { "the program cannot be run any more; install it again, or take its line out of your start-up file" }
        __cowork_env_settle "" "" $error
        return
    }
    __cowork_env_change $reply.8
    let count = 14 + 2 * ($reply.13 | into int)
    let after = (__cowork_env_look)
    $env.__cowork_env.undo = $reply.11
    $env.__cowork_env.watches = ($reply | skip $count | chunks 2)
    # If a pin was written meanwhile, there is no telling which one it was about.
    $env.__cowork_env.question = if ($after | first 2) == ($question | first 2) { $after } else { null }
    __cowork_env_settle $reply.4 (if $now.fresh != "" and "c" in $reply.2 { "" } else { $reply.5 }) $reply.6
    for notice in ($reply | skip 14 | first ($count - 14) | chunks 2) {
        if $nu.is-interactive and $notice.0 not-in $env.__cowork_env.said {
            $env.__cowork_env.said = ($env.__cowork_env.said | append $notice.0)
            print --stderr $"cowork-env: ($notice.1)"
        }
    }
}

# Note the answer, and say what is new.
def --env __cowork_env_settle [name: string, label: string, error: string] {
    let before = $env.__cowork_env
    $env.__cowork_env.name = $name
    $env.__cowork_env.error = $error
    if $error != "" and $error != $before.error {
        print --stderr $"cowork-env: ($error)"
    } else if $name != $before.name and $nu.is-interactive and $env.COWORK_ENV_QUIET? != "1" {
        if $name == "" {
            print --stderr $"cowork-env: left ($before.name)"
        } else if $label != "" {
            print --stderr $"cowork-env: ($label)"
        }
    }
}

def --env __cowork_env_prompt [] {
    __cowork_env_update
    $env.__cowork_env.fresh = ""
}

# A change of directory with a provider in its wake; nushell itself tells of one only at the next prompt.
alias __cowork_env_cd = cd
def --env cd [--physical (-P), path?: directory] {
    if $path == null { __cowork_env_cd } else if $physical { __cowork_env_cd --physical $path } else { __cowork_env_cd $path }
    __cowork_env_update
}

$env.config.hooks.pre_prompt = (
    $env.config.hooks.pre_prompt | where {|it| ($it | describe) == "closure" or ($it.__cowork_env? == null) }
    | append {__cowork_env: true, code: {|| __cowork_env_prompt }}
)
