# cowork-env's hook for fish 3.6 and later: cowork-env hook fish | source, which reads this file
#
# At a prompt where nothing changed it starts no process: it compares the directory, the pins on the
# way up, and the timestamps of a few files with what the active response was about. For something
# new it requests a response from the program once, and caches it. The fields of a response are
# described in cowork_env/hook/protocol.py. Nothing is exported.
#
# A variable of a function that runs the program, or that evaluates a condition of a response, has
# our prefix: it would hide an exported one of the user's.
#
# Ctrl-C may interrupt this anywhere. No arithmetic and few substitutions: in fish these take a pipe
# and a thread, and cost more than a loop.

# An inherited variable stays exported, and what is assigned to it may hold a key.
for __cowork_env_name in (builtin set -gnx | builtin string match '__cowork_env_*')
    builtin set -eg $__cowork_env_name
end
builtin set -e __cowork_env_name

# The line that reads this file has set the interpreter and the package that requests are made with,
# __cowork_env_python and __cowork_env_package, and the function __cowork_env_program: to fish 3.6, a
# variable as the name of a command is the end if it is interrupted there.

# The variables that say where providers come from, as text: now, and when the first cached response
# was requested. Our folders then, as the program gave them.
builtin set -gu __cowork_env_sources ''
builtin set -gu __cowork_env_cache_sources ''
builtin set -gu __cowork_env_state_dir ''
builtin set -gu __cowork_env_config_dir ''

# $PWD, the physical directory, whether it is gone; the directories where a pin could apply there,
# the root as ''.
builtin set -gu __cowork_env_pwd ''
builtin set -gu __cowork_env_dir ''
builtin set -gu __cowork_env_gone ''
builtin set -gu __cowork_env_pin_dirs
# A snapshot of what a response depends on: the pins that exist; those that can be read, and the
# same with their content; all of them in one text; and that with the variables, which is the key of
# a response. The types of the pins, as words of a test; and the paths where there is none.
builtin set -gu __cowork_env_pins_found
builtin set -gu __cowork_env_pins_read
builtin set -gu __cowork_env_pins_content
builtin set -gu __cowork_env_pins ''
builtin set -gu __cowork_env_key ''
builtin set -gu __cowork_env_pin_tests
builtin set -gu __cowork_env_pins_absent
# The pins that the program found safe to open.
builtin set -gu __cowork_env_safe

# The active response: its key, COWORK_ENV_STATE, the provider, how to undo it, its error; a
# condition that holds as long as the variables are as it made them; and the words of a test that
# holds as long as no watched file has changed. No key of ours is empty or \2: either means that a
# request has to be made.
builtin set -gu __cowork_env_active_key ''
builtin set -gu __cowork_env_active_state ''
builtin set -gu __cowork_env_active_provider ''
builtin set -gu __cowork_env_active_undo ''
builtin set -gu __cowork_env_active_error ''
builtin set -gu __cowork_env_active_intact ''
builtin set -gu __cowork_env_active_unchanged -n ''

# The fast path: the words of a test of every file that a prompt has to check, and the text to
# compare.
builtin set -gu __cowork_env_fast -n ''
builtin set -gu __cowork_env_fast_text ''

# Cached responses, as parallel lists; their indexes, and the same rotated so that the next one
# comes first.
for __cowork_env_list in keys watches expiries guards applies undos states providers labels errors
    builtin set -gu __cowork_env_cache_$__cowork_env_list
end
builtin set -e __cowork_env_list
builtin set -gu __cowork_env_indexes 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 \
    19 20 21 22 23 24 25 26 27 28 29 30 31 32
builtin set -gu __cowork_env_cache_next $__cowork_env_indexes

# A change that is under way: whether there is one, how to undo it, and COWORK_ENV_STATE before it.
builtin set -gu __cowork_env_change ''
builtin set -gu __cowork_env_change_undo ''
builtin set -gu __cowork_env_change_state ''
# The key of a request that waits for a slow secret store. If it is still there at an update, the
# user has interrupted that: the next request is about no more than that.
builtin set -gu __cowork_env_pending_key ''
# The names of variables that were set but not exported before they were exported here; their values
# are in __cowork_env_unexported_NAME.
builtin set -q __cowork_env_unexported; or builtin set -gu __cowork_env_unexported
# What is said when the program cannot be run, and COWORK_ENV_STATE then, for "cowork-env status".
builtin set -gu __cowork_env_cannot_run 'the program cannot be run. Open a new shell if it was updated; otherwise reinstall it, or remove the hook line from your startup file'
builtin set -gu __cowork_env_cannot_run_state '2:3416d1ecdf35:0,%01%2a%01the%20program%20cannot%20be%20run.%20Open%20a%20new%20shell%20if%20it%20was%20updated%3b%20otherwise%20reinstall%20it%2c%20or%20remove%20the%20hook%20line%20from%20your%20startup%20file,'
# The ids of the notices that were shown, and whether no prompt has been reached yet.
builtin set -gu __cowork_env_shown
builtin set -gu __cowork_env_starting starting
# The launchers' folder, or empty where it cannot be on PATH; what PATH was last right for: the
# variables that matter, and whether the folder was there; whether this is macOS.
builtin set -gu __cowork_env_launchers ''
builtin set -gu __cowork_env_path_checked
builtin set -gu __cowork_env_macos ''
builtin test -d /System/Library; and builtin set __cowork_env_macos 1

# fish restores $status and $pipestatus after an event.
function __cowork_env_prompt --on-event fish_prompt
    # A trace would show keys.
    builtin set -l fish_trace
    # The fast path.
    if builtin test $__cowork_env_fast; and not builtin path filter -q -- $__cowork_env_pins_absent
        and not builtin path filter -q -t link -- $__cowork_env_pin_dirs
        if builtin test "$PWD"\x02"$COWORK_ENV_STATE"\x02"$COWORK_PROVIDER"\x02"$COWORK_ENV_PROVIDERS_FILE"\x02"$COWORK_ENV_PROVIDERS_JSON"\x02"$COWORK_ENV_CATALOG"\x02"$HOME"\x02"$XDG_CONFIG_HOME"\x02"$XDG_STATE_HOME"\x02"$PATH[1]" = "$__cowork_env_fast_text"
            builtin set -q __cowork_env_pins_read[1]; or builtin return
            __cowork_env_pins_unchanged; and builtin return
        end
    end
    __cowork_env_update prompt
end

# Whether the pins that can be read still have their content.
function __cowork_env_pins_unchanged
    builtin set -l text
    for pin in $__cowork_env_pins_read
        builtin set text
        builtin read -z -n 4097 text 2>/dev/null <$pin
        builtin contains -- "$pin"\x01"$text" $__cowork_env_pins_content; or builtin return 1
    end
end

# The directory has changed, or something else may have: always an event, as fish traces none of it.
function __cowork_env_moved --on-variable PWD --on-event __cowork_env_moved
    builtin set -l fish_trace
    __cowork_env_update move
end

# A second Ctrl-C may have interrupted what the prompt would have rolled back.
function __cowork_env_before_command --on-event fish_preexec
    builtin test -n "$__cowork_env_change"; or builtin return
    builtin set -l fish_trace
    __cowork_env_update prompt
end

# A universal variable was set in another session: it would join the provider's own variables, above
# all as a second key. fish may be at a prompt then, so this does not wait for the next one.
function __cowork_env_intruded --on-variable ANTHROPIC_AUTH_TOKEN --on-variable ANTHROPIC_API_KEY \
    --on-variable ANTHROPIC_API_URL --on-variable ANTHROPIC_API_BASE_URL \
    --on-variable ANTHROPIC_UNIX_SOCKET --on-variable ANTHROPIC_CUSTOM_HEADERS \
    --on-variable ANTHROPIC_SMALL_FAST_MODEL --on-variable CLAUDE_CODE_SUBAGENT_MODEL \
    --on-variable CLAUDE_CODE_OAUTH_TOKEN --on-variable CLAUDE_CODE_USE_BEDROCK \
    --on-variable CLAUDE_CODE_USE_VERTEX --on-variable CLAUDE_CODE_USE_FOUNDRY \
    --on-variable CLAUDE_CODE_USE_GATEWAY --on-variable CLAUDE_CODE_USE_MANTLE \
    --on-variable CLAUDE_CODE_USE_ANTHROPIC_AWS \
    --on-variable CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD --on-variable ANTHROPIC_API_BASE \
    --on-variable CLAUDE_CODE_API_BASE_URL --on-variable ANTHROPIC_BEDROCK_BASE_URL \
    --on-variable ANTHROPIC_BEDROCK_MANTLE_BASE_URL --on-variable ANTHROPIC_VERTEX_BASE_URL \
    --on-variable ANTHROPIC_FOUNDRY_BASE_URL --on-variable ANTHROPIC_AWS_BASE_URL \
    --on-variable ANTHROPIC_GOOGLE_CLOUD_BASE_URL --on-variable CLAUDE_CODE_SKIP_BEDROCK_AUTH \
    --on-variable CLAUDE_CODE_SKIP_MANTLE_AUTH --on-variable CLAUDE_CODE_SKIP_VERTEX_AUTH \
    --on-variable CLAUDE_CODE_SKIP_FOUNDRY_AUTH --on-variable CLAUDE_CODE_SKIP_ANTHROPIC_AWS_AUTH \
    --on-variable CLAUDE_CODE_SKIP_ANTHROPIC_GOOGLE_CLOUD_AUTH \
    --on-variable _CLAUDE_CODE_ASSUME_FIRST_PARTY_BASE_URL \
    --on-variable CLAUDE_CODE_CUSTOM_OAUTH_URL --on-variable CLAUDE_CODE_OAUTH_REFRESH_TOKEN \
    --on-variable CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR \
    --on-variable CLAUDE_CODE_OAUTH_TOKEN_FILE_DESCRIPTOR \
    --on-variable CLAUDE_CODE_WEBSOCKET_AUTH_FILE_DESCRIPTOR \
    --on-variable CLAUDE_CODE_GATEWAY_TOKEN_FILE_DESCRIPTOR \
    --on-variable CLAUDE_CODE_HOST_AUTH_ENV_VAR --on-variable CLAUDE_CODE_HOST_CREDS_FILE \
    --on-variable ANTHROPIC_PROFILE --on-variable ANTHROPIC_CONFIG_DIR \
    --on-variable ANTHROPIC_FEDERATION_RULE_ID --on-variable ANTHROPIC_IDENTITY_TOKEN \
    --on-variable ANTHROPIC_IDENTITY_TOKEN_FILE --on-variable ANTHROPIC_ORGANIZATION_ID \
    --on-variable ANTHROPIC_SERVICE_ACCOUNT_ID --on-variable ANTHROPIC_WORKSPACE_ID \
    --on-variable ANTHROPIC_DEFAULT_MODEL --on-variable CLAUDE_CODE_SUBAGENT_MODEL_FORCE \
    --on-variable CLAUDE_CODE_WORKFLOW_SUBAGENT_MODEL --on-variable CLAUDE_CODE_AUTO_MODE_MODEL \
    --on-variable CLAUDE_CODE_BG_CLASSIFIER_MODEL --on-variable CLAUDE_CODE_EXTRA_BODY \
    --on-variable ANTHROPIC_BETAS
    builtin set -l fish_trace
    builtin test -n "$__cowork_env_active_state"
    and builtin set -qUx $argv[3]
    and not builtin set -qg $argv[3]
    or builtin return
    builtin set __cowork_env_active_key ''
    __cowork_env_forget # Only the program knows what to do.
    __cowork_env_update move
end

# Update the environment for this directory. Argument: prompt or move.
function __cowork_env_update
    builtin set __cowork_env_fast -n ''
    __cowork_env_put_launchers_first
    builtin test -n "$__cowork_env_change"; and __cowork_env_roll_back
    if builtin test x"$PWD" != x"$__cowork_env_pwd"
        __cowork_env_locate
    else if builtin test -z "$__cowork_env_gone" -a ! . -ef "$__cowork_env_dir"
        __cowork_env_locate
    else if builtin test -z "$__cowork_env_gone"
        # A directory on the way may have been moved away and linked back.
        builtin path filter -q -t link -- $__cowork_env_pin_dirs; and __cowork_env_locate
    end
    __cowork_env_snapshot
    builtin set -l changed
    builtin test $__cowork_env_active_unchanged 2>/dev/null; or builtin set changed 1
    if builtin test x"$COWORK_ENV_STATE" != x"$__cowork_env_active_state"
        # Something removed our state: undo what this shell knows of.
        builtin set __cowork_env_active_key ''
        __cowork_env_leave
        builtin set changed 1
    end
    if builtin test -n "$changed"
        __cowork_env_forget
        builtin set __cowork_env_pending_key ''
    else if builtin test x"$__cowork_env_key" != x"$__cowork_env_pending_key"
        builtin set __cowork_env_pending_key ''
    end
    if builtin test -z "$changed$__cowork_env_pending_key" \
            -a x"$__cowork_env_key" = x"$__cowork_env_active_key"
        # Behind the hook, a startup file may have changed what the hook had set.
        builtin test -n "$__cowork_env_starting" -a $argv[1] = prompt -a -n "$__cowork_env_active_intact"
        and not builtin eval "$__cowork_env_active_intact"
        or begin
            builtin test $argv[1] = prompt; and builtin set __cowork_env_starting ''
            __cowork_env_note_unchanged
            builtin return
        end
    end
    builtin set __cowork_env_active_key '' # An interrupt may leave the rest half done.
    builtin test -z "$__cowork_env_starting" -a -z "$__cowork_env_pending_key"
    and __cowork_env_recall
    or __cowork_env_find_none
    or __cowork_env_request
    builtin test $argv[1] = prompt; and builtin set __cowork_env_starting ''
    # A request may also have to be made again, or be interrupted.
    builtin test -z "$__cowork_env_starting" \
        -a x"$__cowork_env_key" = x"$__cowork_env_active_key" -a x"$__cowork_env_key" != x\x02
    and __cowork_env_note_unchanged
end

# Have the launchers' folder on PATH once, as its first entry, as long as it exists and is the user's
# own; else not at all. Every other entry stays as it is, and so does fish_user_paths.
function __cowork_env_put_launchers_first
    builtin set -l first
    builtin test -d "$__cowork_env_launchers" -a -O "$__cowork_env_launchers"; and builtin set first first
    builtin test "$first"\x02"$HOME"\x02"$XDG_DATA_HOME"\x02"$PATH" = "$__cowork_env_path_checked"; and builtin return
    builtin set -l folder "$HOME/.local/share"
    builtin test -n "$__cowork_env_macos"; and builtin set folder "$HOME/Library/Application Support"
    builtin string match -q '/*' -- "$XDG_DATA_HOME"
    and builtin set folder (builtin string replace -r '/$' '' -- "$XDG_DATA_HOME" | builtin string collect)
    builtin set __cowork_env_launchers ''
    # A PATH cannot hold a colon.
    builtin string match -q '/*' -- "$folder"
    and not builtin string match -q '*:*' -- "$folder"
    and builtin set -q PATH[1]
    or builtin return
    builtin set folder "$folder/cowork-env/shims"
    builtin set __cowork_env_launchers "$folder"
    builtin set first
    builtin test -d "$folder" -a -O "$folder"; and builtin set first "$folder"
    builtin set -l --path path
    for entry in $PATH
        builtin test x"$entry" = x"$folder"; or builtin set -a path "$entry"
    end
    # Of a PATH with nothing else, nothing would be left.
    if builtin set -q path[1]
        builtin set -p path $first
        builtin test x"$path" = x"$PATH"; or builtin set -g PATH $path
    end
    builtin set -q first[1]; and builtin set first first
    builtin set __cowork_env_path_checked "$first"\x02"$HOME"\x02"$XDG_DATA_HOME"\x02"$PATH"
end

# Find the physical directory and the directories of its pins.
function __cowork_env_locate
    builtin set __cowork_env_pwd '' # An interrupt may leave the rest half done.
    # All names at once: a substitution costs as much as all the rest, and a pipe in it twice that.
    __cowork_env_join (builtin string split -n / -- "$PWD")
    builtin path filter -q -t link -- $__cowork_env_pin_dirs
    and __cowork_env_join (builtin realpath . 2>/dev/null | builtin string split -n /)
    builtin set -l dir "$__cowork_env_pin_dirs[1]"
    builtin test -n "$dir"; or builtin set dir /
    builtin set __cowork_env_gone ''
    if not builtin test . -ef "$dir"
        # It is gone, or there is a line break in its name.
        builtin set dir (builtin realpath . 2>/dev/null | builtin string collect)
        if builtin test -z "$dir" -o ! . -ef "$dir"
            builtin set dir $PWD
            builtin set __cowork_env_gone gone
        end
        __cowork_env_list_pin_dirs "$dir"
    end
    builtin set __cowork_env_dir "$dir"
    builtin set __cowork_env_pwd "$PWD"
end

# List a directory, given as the names on the way to it, and those above it.
function __cowork_env_join
    builtin set -l dir
    builtin set __cowork_env_pin_dirs ''
    for part in $argv
        builtin set dir "$dir/$part"
        builtin set -p __cowork_env_pin_dirs "$dir"
    end
end

# List a directory and those above it, whatever their names.
function __cowork_env_list_pin_dirs
    builtin set -l dir "$argv[1]"
    builtin test "$dir" = /; and builtin set dir ''
    builtin set __cowork_env_pin_dirs "$dir"
    while builtin test -n "$dir"
        builtin set dir (builtin string replace -r '/[^/]*$' '' -- "$dir" | builtin string collect)
        builtin set -a __cowork_env_pin_dirs "$dir"
    end
end

# Take a snapshot of what a response depends on, beside the watched files: the pins with their
# contents, and a few variables.
function __cowork_env_snapshot
    builtin set __cowork_env_pins ''
    builtin set __cowork_env_pins_found
    builtin set __cowork_env_pins_read
    builtin set __cowork_env_pins_content
    builtin set __cowork_env_pin_tests
    builtin set __cowork_env_pins_absent $__cowork_env_pin_dirs/.cowork-provider
    if builtin path filter -q -- $__cowork_env_pin_dirs/.cowork-provider
        if not builtin set -q __cowork_env_pin_dirs[33]
            builtin set -l hits
            for i in $__cowork_env_indexes
                builtin set -q __cowork_env_pin_dirs[$i]; or builtin break
                builtin test -e "$__cowork_env_pin_dirs[$i]/.cowork-provider"; or builtin continue
                builtin set -p hits $i
                __cowork_env_read_pin "$__cowork_env_pin_dirs[$i]"
                builtin set -l above $__cowork_env_pin_dirs[$i..-1]
                builtin set -q above[2]
                and builtin path filter -q -- $above[2..-1]/.cowork-provider
                or builtin break
            end
            for i in $hits
                builtin set -e __cowork_env_pins_absent[$i]
            end
        else
            # Far down, a substitution is faster; it splits a name with a line break.
            builtin set -l dirs (builtin path filter -- $__cowork_env_pin_dirs/.cowork-provider \
                | builtin string replace -r '/[^/]*$' '')
            builtin string match -q '*'\n'*' -- "$__cowork_env_pin_dirs[1]"
            and builtin set dirs $__cowork_env_pin_dirs
            for dir in $dirs
                builtin test -e "$dir/.cowork-provider"; or builtin continue
                builtin set -e __cowork_env_pins_absent[(builtin contains -i -- "$dir/.cowork-provider" $__cowork_env_pins_absent)]
                __cowork_env_read_pin "$dir"
            end
        end
    end
    builtin set __cowork_env_sources \x02"$COWORK_ENV_PROVIDERS_FILE"\x02"$COWORK_ENV_PROVIDERS_JSON"\x02"$COWORK_ENV_CATALOG"\x02"$HOME"\x02"$XDG_CONFIG_HOME"\x02"$XDG_STATE_HOME"
    builtin set __cowork_env_key "$__cowork_env_pins"\x02"$COWORK_PROVIDER$__cowork_env_sources"
end

# Add the pin in a directory to the snapshot.
function __cowork_env_read_pin
    builtin set -l pin "$argv[1]/.cowork-provider"
    builtin set -l text '!'
    builtin set -a __cowork_env_pins_found "$pin"
    # Neither a FIFO nor a file in /proc, which has no size, is opened here, nor what another user
    # could replace by one meanwhile. The program says where that is so: a shell cannot see it.
    if builtin test -f "$pin" -a -s "$pin" -a -r "$pin"
        builtin set text '?'
        builtin set -a __cowork_env_pin_tests -a -f "$pin" -a -s "$pin" -a -r "$pin"
        if builtin contains -- "$pin" $__cowork_env_safe
            and builtin test -O "$argv[1]/" -a ! -k "$argv[1]/" -a ! -g "$argv[1]/" -a ! -L "$pin"
            builtin set text
            builtin read -z -n 4097 text 2>/dev/null <"$pin"
            builtin set -a __cowork_env_pins_read "$pin"
            builtin set -a __cowork_env_pins_content "$pin"\x01"$text"
        end
    else
        builtin set -a __cowork_env_pin_tests -a -e "$pin" \
            -a '(' ! -f "$pin" -o ! -s "$pin" -o ! -r "$pin" ')'
    end
    builtin set __cowork_env_pins "$__cowork_env_pins$pin"\x01"$text"\x01
end

# The environment is up to date: prepare the fast path.
function __cowork_env_note_unchanged
    builtin set __cowork_env_fast_text "$PWD"\x02"$__cowork_env_active_state"\x02"$COWORK_PROVIDER$__cowork_env_sources"\x02"$PATH[1]"
    builtin set -l words $__cowork_env_active_unchanged $__cowork_env_pin_tests
    if builtin test -n "$__cowork_env_launchers"
        builtin set -a words -a
        builtin test -O "$__cowork_env_launchers"; or builtin set -a words !
        builtin set -a words -O "$__cowork_env_launchers"
    end
    builtin test -n "$__cowork_env_gone"; or builtin set -a words -a . -ef "$__cowork_env_dir"
    builtin set __cowork_env_fast $words
end

# Put back what was there before the active provider, as far as this shell knows it.
function __cowork_env_leave
    builtin eval "$__cowork_env_active_undo"
    __cowork_env_restore_unexported
    builtin set __cowork_env_unexported
    builtin set __cowork_env_active_state ''
    builtin set __cowork_env_active_undo ''
end

# A change was not completed: go back to where no provider is active, from whatever is there of
# either. What was before a state that this shell inherited, only the program can tell.
function __cowork_env_roll_back
    builtin eval "$__cowork_env_change_undo"
    __cowork_env_leave
    builtin set __cowork_env_active_key ''
    builtin test -n "$__cowork_env_starting" -a -n "$__cowork_env_change_state"
    and builtin set -gx COWORK_ENV_STATE $__cowork_env_change_state
    builtin set __cowork_env_change ''
end

# Apply a cached response; fails when a request has to be made.
function __cowork_env_recall
    builtin contains -- "$__cowork_env_key" $__cowork_env_cache_keys; or builtin return 1
    builtin set -l __cowork_env_i
    for __cowork_env_i in $__cowork_env_indexes
        builtin test x"$__cowork_env_key" = x"$__cowork_env_cache_keys[$__cowork_env_i]"; and builtin break
    end
    builtin set -l __cowork_env_provider "$__cowork_env_active_provider"
    if builtin test -n "$__cowork_env_cache_watches[$__cowork_env_i]"
        builtin eval "builtin test $__cowork_env_cache_watches[$__cowork_env_i]"; or builtin return 1
    end
    if builtin test 0 != "$__cowork_env_cache_expiries[$__cowork_env_i]"
        # fish has no clock, but it can tell a file's age.
        builtin test 600 -gt (builtin path mtime -R -- "$__cowork_env_cache_expiries[$__cowork_env_i]"; or echo 600) 2>/dev/null
        or builtin return 1
    end
    if builtin test x"$__cowork_env_cache_states[$__cowork_env_i]" != x"$__cowork_env_active_state"
        # Of one provider in two forms, the user may have changed something; the program can tell.
        builtin test -n "$__cowork_env_provider" -a x"$__cowork_env_provider" = x"$__cowork_env_cache_providers[$__cowork_env_i]"
        and builtin return 1
        builtin set __cowork_env_change_undo ''
        builtin set __cowork_env_change_state "$COWORK_ENV_STATE"
        builtin set __cowork_env_change 1
        __cowork_env_leave
        if builtin test -n "$__cowork_env_cache_applies[$__cowork_env_i]"
            if not builtin eval "$__cowork_env_cache_guards[$__cowork_env_i]"
                builtin set __cowork_env_change ''
                builtin return 1
            end
            builtin set __cowork_env_change_undo "$__cowork_env_cache_undos[$__cowork_env_i]"
            builtin eval "$__cowork_env_cache_applies[$__cowork_env_i]"
        end
        builtin set __cowork_env_active_undo "$__cowork_env_cache_undos[$__cowork_env_i]"
        builtin set __cowork_env_active_state "$__cowork_env_cache_states[$__cowork_env_i]"
        builtin set __cowork_env_change ''
    end
    __cowork_env_finish "$__cowork_env_provider" "$__cowork_env_cache_providers[$__cowork_env_i]" \
        "$__cowork_env_cache_labels[$__cowork_env_i]" "$__cowork_env_cache_errors[$__cowork_env_i]"
end

# Where nothing names a provider, none applies: no request is needed to know. Fails where there may
# be one, or where only the program knows what was before.
function __cowork_env_find_none
    # The program knows of other folders, on Android.
    builtin test -n "$COWORK_PROVIDER$ANDROID_DATA"
    or builtin test -n "$COWORK_ENV_STATE" -a -z "$__cowork_env_active_undo"
    or builtin test -n "$COWORK_ENV_STATE" -a -n "$__cowork_env_starting"
    or builtin set -q __cowork_env_pins_found[1]
    or not builtin string match -q '/*' -- "$HOME"
    and builtin return 1
    # The selection, on Linux and on macOS.
    builtin set -l selections "$HOME/.local/state/cowork-env/selection" \
        "$HOME/Library/Application Support/cowork-env/selection"
    builtin string match -q '/*' -- "$XDG_STATE_HOME"
    and builtin set selections[1] "$XDG_STATE_HOME/cowork-env/selection"
    builtin test -e "$selections[1]" -o -e "$selections[2]"
    and builtin return 1
    # Cached responses need what they watch, which the selection is part of.
    builtin set -q __cowork_env_cache_keys[1]
    or builtin set __cowork_env_active_unchanged -n x -a ! -e "$selections[1]" -a ! -e "$selections[2]"
    if builtin test -n "$COWORK_ENV_STATE"
        builtin set __cowork_env_change_undo ''
        builtin set __cowork_env_change_state "$COWORK_ENV_STATE"
        builtin set __cowork_env_change 1
        __cowork_env_leave
        builtin set __cowork_env_change ''
    end
    builtin set __cowork_env_pending_key ''
    builtin set __cowork_env_active_intact ''
    __cowork_env_finish "$__cowork_env_active_provider" '' '' ''
end

# Request a response from the program, apply it, and cache it.
function __cowork_env_request
    # The fields of a response become variables of this function.
    builtin set -l __cowork_env_text
    builtin set -l __cowork_env_provider "$__cowork_env_active_provider"
    builtin set -l __cowork_env_flags "$__cowork_env_starting pins-listed"
    builtin test -n "$__cowork_env_pending_key"
    and builtin set __cowork_env_flags "$__cowork_env_flags given-up"
    if builtin test x"$__cowork_env_sources" != x"$__cowork_env_cache_sources"
        __cowork_env_forget
        builtin set __cowork_env_cache_sources "$__cowork_env_sources"
        builtin set __cowork_env_state_dir ''
        builtin set __cowork_env_config_dir ''
    end
    # A universal variable is hidden while a provider is active, and must show again.
    builtin set -l __cowork_env_universal
    for __cowork_env_name in (builtin set -nUx)
        builtin set -qg $__cowork_env_name; or builtin set -a __cowork_env_universal $__cowork_env_name
    end
    while true
        # If the program is missing, fish would print a long message that no redirection hides.
        builtin set __cowork_env_text
        builtin test -x "$__cowork_env_python"
        and builtin set __cowork_env_text (__cowork_env_program -I -S -X utf8 \
            "$__cowork_env_package/hook/launch.py" shell=fish "flags=$__cowork_env_flags" \
            "state_dir=$__cowork_env_state_dir" "config_dir=$__cowork_env_config_dir" \
            "universal=$__cowork_env_universal" pin=$__cowork_env_pins_found \
            </dev/null 2>/dev/null | builtin string collect)
        builtin eval "$__cowork_env_text"
        if not builtin set -q __cowork_env_response_unchanged[1]
            if builtin test -n "$__cowork_env_pending_key"
                and not builtin string match -q '*given-up*' -- "$__cowork_env_flags"
                # The user interrupted the lookup.
                builtin set __cowork_env_flags "$__cowork_env_flags given-up"
                builtin continue
            end
            # What the first response about a slow lookup asked for stays in force: it may be a dead
            # end.
            builtin test -n "$__cowork_env_pending_key"; or __cowork_env_leave
            builtin set __cowork_env_text
            if builtin test -z "$COWORK_ENV_STATE"
                builtin set -gx COWORK_ENV_STATE $__cowork_env_cannot_run_state
                builtin set __cowork_env_active_state "$COWORK_ENV_STATE"
                builtin set __cowork_env_active_undo 'builtin set -eg COWORK_ENV_STATE'
            end
            if not builtin contains cannot-run $__cowork_env_shown
                builtin set __cowork_env_text $__cowork_env_cannot_run
                builtin set -p __cowork_env_shown cannot-run
            end
            builtin set __cowork_env_pending_key ''
            __cowork_env_finish "$__cowork_env_provider" '' '' "$__cowork_env_text"
            builtin return
        end
        builtin set -q __cowork_env_response_safe[1]
        and __cowork_env_note_safe $__cowork_env_response_safe
        builtin test -n "$__cowork_env_response_unexported"
        and __cowork_env_save_unexported "$__cowork_env_response_unexported"
        builtin set __cowork_env_change_undo "$__cowork_env_response_undo"
        builtin set __cowork_env_change_state "$COWORK_ENV_STATE"
        builtin set __cowork_env_change 1
        builtin eval "$__cowork_env_response_now"
        __cowork_env_restore_unexported
        builtin set __cowork_env_active_undo "$__cowork_env_response_undo"
        builtin set __cowork_env_active_state "$__cowork_env_response_state"
        builtin set __cowork_env_change ''
        builtin set __cowork_env_active_intact "$__cowork_env_response_intact"
        builtin set __cowork_env_state_dir "$__cowork_env_response_state_dir"
        builtin set __cowork_env_config_dir "$__cowork_env_response_config_dir"
        builtin set __cowork_env_active_unchanged $__cowork_env_response_unchanged
        builtin string match -q '* pending *' -- "$__cowork_env_response_flags"; or builtin break
        # A slow lookup follows. What this response asked for stays in force if that is interrupted.
        builtin set __cowork_env_pending_key "$__cowork_env_key"
        builtin set __cowork_env_flags "$__cowork_env_flags allow-slow"
        builtin status is-interactive; and not builtin status is-command-substitution
        and builtin set __cowork_env_flags "$__cowork_env_flags terminal"
        builtin set __cowork_env_response_unchanged
    end
    builtin set __cowork_env_pending_key ''
    builtin set -l stale
    builtin string match -q '* transient *' -- "$__cowork_env_response_flags"
    and builtin set stale 1
    builtin test x"$COWORK_ENV_STATE" != x"$__cowork_env_response_state"
    and builtin set stale 1
    if builtin test x"$__cowork_env_response_pins" != x"$__cowork_env_pins"
        or builtin test x"$__cowork_env_response_directory" != x"$__cowork_env_dir" \
            -a x"$__cowork_env_response_directory" != x"$__cowork_env_gone"
        builtin set stale 1
        builtin set __cowork_env_safe
    end
    if builtin test -n "$stale"
        # It is about something that has changed since, or may change unseen: request again at the
        # next prompt.
        builtin set __cowork_env_key \x02
    else if builtin string match -q '* cacheable *' -- "$__cowork_env_response_flags"
        __cowork_env_remember
    end
    builtin test -n "$__cowork_env_starting"
    and builtin string match -q '* quiet *' -- "$__cowork_env_response_flags"
    and builtin set __cowork_env_response_label
    __cowork_env_finish "$__cowork_env_provider" "$__cowork_env_response_provider" \
        "$__cowork_env_response_label" "$__cowork_env_response_error"
    builtin set -q __cowork_env_response_notices[1]
    and __cowork_env_notify $__cowork_env_response_notices
end

# The program says which pins may be opened: note the new ones, and read them. Arguments: their paths.
function __cowork_env_note_safe
    builtin set -l new
    for pin in $argv
        builtin contains -- $pin $__cowork_env_safe; and builtin continue
        builtin set -a __cowork_env_safe $pin
        builtin set new 1
    end
    builtin test -z "$new"; or __cowork_env_snapshot
end

# Of these variables, one that is set but not exported is unknown to the program; its value comes
# back on leaving. Argument: names.
function __cowork_env_save_unexported
    for name in (builtin string split -n ' ' -- "$argv[1]")
        if builtin set -qg $name
            builtin set -gu __cowork_env_unexported_$name $$name
            builtin set -a __cowork_env_unexported $name
        end
    end
end

# Of the saved ones, put back those that nothing has taken the place of.
function __cowork_env_restore_unexported
    builtin set -q __cowork_env_unexported[1]; or builtin return
    builtin set -l kept
    for name in $__cowork_env_unexported
        builtin set -l value __cowork_env_unexported_$name
        if builtin set -qg $name
            builtin set -a kept $name
        else
            builtin set -gu $name $$value
            builtin set -e $value
        end
    end
    builtin set __cowork_env_unexported $kept
end

# Cache the response that was just received; it reads the variables of __cowork_env_request.
function __cowork_env_remember --no-scope-shadowing
    builtin set -l __cowork_env_n $__cowork_env_cache_next[1]
    # The key is removed first and set last: what an interrupt leaves half done matches nothing.
    builtin set __cowork_env_cache_keys[$__cowork_env_n] ''
    builtin set __cowork_env_cache_watches[$__cowork_env_n] ''
    if builtin string match -q '* own-watches *' -- "$__cowork_env_response_flags"
        builtin set __cowork_env_cache_watches[$__cowork_env_n] \
            (builtin string escape -- $__cowork_env_active_unchanged | builtin string join ' ')
    end
    builtin set __cowork_env_cache_guards[$__cowork_env_n] "$__cowork_env_response_guard"
    builtin set __cowork_env_cache_applies[$__cowork_env_n] "$__cowork_env_response_apply"
    builtin set __cowork_env_cache_undos[$__cowork_env_n] "$__cowork_env_response_undo"
    builtin set __cowork_env_cache_states[$__cowork_env_n] "$__cowork_env_response_state"
    builtin set __cowork_env_cache_providers[$__cowork_env_n] "$__cowork_env_response_provider"
    builtin set __cowork_env_cache_labels[$__cowork_env_n] "$__cowork_env_response_label"
    builtin set __cowork_env_cache_errors[$__cowork_env_n] "$__cowork_env_response_error"
    builtin set __cowork_env_cache_expiries[$__cowork_env_n] "$__cowork_env_response_lifetime"
    builtin set __cowork_env_cache_keys[$__cowork_env_n] "$__cowork_env_key"
    builtin set __cowork_env_cache_next $__cowork_env_cache_next[2..-1] $__cowork_env_n
end

# Forget all cached responses.
function __cowork_env_forget
    builtin set __cowork_env_cache_keys
    builtin set __cowork_env_cache_next $__cowork_env_indexes
    builtin set __cowork_env_safe
end

# The response to the key is applied: note that, and tell the user what is new. Arguments: the
# provider before; provider, label and error now.
function __cowork_env_finish
    builtin set -l error "$__cowork_env_active_error"
    builtin set __cowork_env_active_key "$__cowork_env_key"
    builtin set __cowork_env_active_provider "$argv[2]"
    builtin set __cowork_env_active_error "$argv[4]"
    builtin status is-command-substitution; and builtin return 0
    if builtin test -n "$argv[4]" -a x"$argv[4]" != x"$error"
        builtin printf 'cowork-env: %s\n' "$argv[4]" >&2
    else if builtin test x"$argv[2]" != x"$argv[1]" -a x"$COWORK_ENV_QUIET" != x1; and builtin status is-interactive
        if builtin test -z "$argv[2]"
            builtin printf 'cowork-env: left %s\n' "$argv[1]" >&2
        else if builtin test -n "$argv[3]"
            builtin printf 'cowork-env: %s\n' "$argv[3]" >&2
        end
    end
    builtin return 0
end

# Show each notice once in the life of this shell. Arguments: id and text of each.
function __cowork_env_notify
    builtin status is-interactive; and not builtin status is-command-substitution; or builtin return
    while builtin set -q argv[1]
        if not builtin contains -- $argv[1] $__cowork_env_shown
            builtin set -p __cowork_env_shown $argv[1]
            builtin set -e __cowork_env_shown[33]
            builtin printf 'cowork-env: %s\n' $argv[2] >&2
        end
        builtin set -e argv[1..2]
    end
end

# What the command changes is in force for the next command of the line.
builtin functions -q cowork-env
or function cowork-env
    command cowork-env $argv
    builtin set -l __cowork_env_status $status
    builtin status is-interactive; and not builtin status is-command-substitution
    and builtin emit __cowork_env_moved
    builtin return $__cowork_env_status
end

# The completion is read at the first Tab.
if builtin status is-interactive
    function __cowork_env_completes
        builtin source (builtin string replace -r 'hook\.fish$' completion.fish -- $__cowork_env_file) 2>/dev/null
        and __cowork_env_completes
    end
    builtin complete -c cowork-env -n __cowork_env_completes -f -a '(__cowork_env_complete)'
end

# A startup file is not the end: what follows in it may depend on the provider.
if builtin status is-interactive
    builtin emit __cowork_env_moved
else
    __cowork_env_put_launchers_first
end
