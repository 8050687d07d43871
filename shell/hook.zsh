# cowork-env's hook for zsh 5.1 and later: eval "$(cowork-env hook zsh)", which reads this file
#
# It is read inside "emulate zsh -c", so that these functions run with zsh's own options, whatever
# the user has set.
#
# At a prompt where nothing changed it starts no process: it compares the directory, the pins on the
# way up, and the timestamps of a few files with what the active response was about. For something
# new it requests a response from the program once, and caches it. The fields of a response are
# described in cowork_env/hook/protocol.py. Nothing is exported.

case $ZSH_VERSION in
  4.*|5.0|5.0.*)
    builtin print -u2 'cowork-env: zsh 5.1 or later is needed'
    builtin return
    ;;
esac

builtin zmodload zsh/system 2>/dev/null

# An inherited variable keeps its export attribute, and what is assigned to it may hold a key.
builtin typeset -g +x -m '__cowork_env_*'

# The line that reads this file has set the interpreter and the package that requests are made with:
# __cowork_env_python and __cowork_env_package.

# The variables that say where providers come from, as text: now, and when the first cached response
# was requested. Our folders then, as the program gave them.
__cowork_env_sources= __cowork_env_cache_sources=
__cowork_env_state_dir= __cowork_env_config_dir=

# $PWD, where it led, the physical directory, whether it is gone; the paths where a pin could apply
# there.
__cowork_env_pwd= __cowork_env_target= __cowork_env_dir= __cowork_env_gone=
__cowork_env_pin_paths=()
# A snapshot of what a response depends on: the pins that exist; those that can be read, with their
# content; all of them in one text; and that with the variables, which is the key of a response.
__cowork_env_pins_found=()
__cowork_env_pins_read=()
__cowork_env_pins=
# The pins that the program found safe to open.
__cowork_env_safe=()
__cowork_env_key=

# The active response: its key, COWORK_ENV_STATE, the provider, how to undo it, its error; a
# condition that holds as long as the variables are as it made them; and one that holds as long as no
# watched file has changed (also as a function: zsh parses that only once). No key of ours is empty
# or \2: either means that a request has to be made.
__cowork_env_active_key= __cowork_env_active_state= __cowork_env_active_provider=
__cowork_env_active_undo= __cowork_env_active_error= __cowork_env_active_intact=
__cowork_env_active_unchanged='[[ -z x ]]'
function __cowork_env_watches_unchanged { builtin return 1 }

# Whether the fast path may be taken: empty, or how many items __cowork_env_pins_read has. Then the
# function __cowork_env_files_unchanged checks every file that a prompt has to check, and
# __cowork_env_fast_text is the text to compare. Whether the last prompt found nothing changed, too.
__cowork_env_fast= __cowork_env_fast_text= __cowork_env_idle=

# Cached responses, as parallel lists, and the index of the next one.
__cowork_env_cache_keys=() __cowork_env_cache_watches=() __cowork_env_cache_expiries=()
__cowork_env_cache_guards=() __cowork_env_cache_applies=() __cowork_env_cache_undos=()
__cowork_env_cache_states=() __cowork_env_cache_providers=() __cowork_env_cache_labels=()
__cowork_env_cache_errors=()
__cowork_env_cache_next=1

# The key of a request that waits for a slow secret store. If it is still there at an update, the
# user has interrupted that: the next request is about no more than that.
__cowork_env_pending_key=
# Variables that were set but not exported before they were exported here: name and value of each.
(( ${+__cowork_env_unexported} )) || __cowork_env_unexported=()
# What is said when the program cannot be run, and COWORK_ENV_STATE then, for "cowork-env status".
__cowork_env_cannot_run='the program cannot be run. Open a new shell if it was updated; otherwise reinstall it, or remove the hook line from your startup file'
__cowork_env_cannot_run_state='2:3416d1ecdf35:0,%01%2a%01the%20program%20cannot%20be%20run.%20Open%20a%20new%20shell%20if%20it%20was%20updated%3b%20otherwise%20reinstall%20it%2c%20or%20remove%20the%20hook%20line%20from%20your%20startup%20file,'
# Messages for later, see __cowork_env_say. The ids of the notices that were shown, and whether no
# prompt has been reached yet.
__cowork_env_unsaid=()
__cowork_env_shown=() __cowork_env_starting=starting
# The launchers' folder, or empty where it cannot be on PATH; and what PATH was last right for: the
# variables that matter, and whether the folder was there.
__cowork_env_launchers= __cowork_env_path_checked=

# zsh restores $?, pipestatus and $_ after the functions of a hook.
function __cowork_env_prompt {
  # First, so that neither a trace nor a DEBUG trap of the user sees what is compared.
  builtin setopt local_options local_traps no_xtrace no_err_exit no_err_return unset no_all_export \
    no_warn_create_global
  builtin trap - DEBUG ZERR
  # The fast path.
  if [[ -n $__cowork_env_fast ]] && __cowork_env_files_unchanged &&
    [[ "$PWD"$'\2'"${COWORK_ENV_STATE-}"$'\2'"${COWORK_PROVIDER-}"\
$'\2'"${COWORK_ENV_PROVIDERS_FILE-}"$'\2'"${COWORK_ENV_PROVIDERS_JSON-}"\
$'\2'"${COWORK_ENV_CATALOG-}"$'\2'"${HOME-}"$'\2'"${XDG_CONFIG_HOME-}"$'\2'"${XDG_STATE_HOME-}" == "$__cowork_env_fast_text" ]]; then
    (( __cowork_env_fast )) || builtin return
    ! __cowork_env_pins_unchanged "${__cowork_env_pins_read[@]}" || builtin return 0
  fi
  __cowork_env_update prompt
}

# Whether pins still have their content. Arguments: path and content of each.
function __cowork_env_pins_unchanged {
  builtin local __cowork_env_pin __cowork_env_content __cowork_env_text
  for __cowork_env_pin __cowork_env_content in "$@"; do
    __cowork_env_text=
    builtin sysread -s 4097 __cowork_env_text 2>/dev/null <$__cowork_env_pin
    [[ $__cowork_env_text == "$__cowork_env_content" ]] || builtin return 1
  done
}

# The directory has changed, or something else may have. Argument: script where that is PATH alone.
function __cowork_env_moved {
  builtin setopt local_options local_traps no_xtrace no_err_exit no_err_return unset no_all_export \
    no_warn_create_global
  builtin trap - DEBUG ZERR
  if [[ ${1-} == script ]]; then
    __cowork_env_put_launchers_first
  else
    __cowork_env_update move
  fi
}

# Update the environment for this directory. Argument: prompt or move.
function __cowork_env_update {
  builtin local __cowork_env_changed=
  # An interrupt could leave one provider's key beside another's URL. The user's trap is restored on
  # return, see local_traps.
  builtin trap '' INT
  __cowork_env_fast=
  __cowork_env_put_launchers_first
  # A directory on the way may have been moved away and linked back.
  [[ $PWD == "$__cowork_env_pwd" && ${PWD:A} == "$__cowork_env_target" &&
    ( . -ef $__cowork_env_dir || -n $__cowork_env_gone ) ]] || __cowork_env_locate
  __cowork_env_snapshot
  __cowork_env_watches_unchanged || __cowork_env_changed=1
  if [[ ${COWORK_ENV_STATE-} != "$__cowork_env_active_state" ]]; then
    # Something removed our state: undo what this shell knows of.
    __cowork_env_active_key=
    __cowork_env_leave
    __cowork_env_changed=1
  fi
  if [[ -n $__cowork_env_changed ]]; then
    __cowork_env_forget
    __cowork_env_pending_key=
  elif [[ $__cowork_env_key != "$__cowork_env_pending_key" ]]; then
    __cowork_env_pending_key=
  fi
  if [[ -z $__cowork_env_changed && -z $__cowork_env_pending_key &&
    $__cowork_env_key == "$__cowork_env_active_key" ]] && {
    # Behind the hook, a startup file may have changed what the hook had set.
    [[ $1 != prompt || -z $__cowork_env_starting ]] ||
      __cowork_env_evaluate "${__cowork_env_active_intact:-:}"
  }; then
    if [[ $1 == prompt ]]; then
      # Preparing the fast path pays only where the user stays.
      [[ -z $__cowork_env_idle || -n $__cowork_env_unsaid ]] || __cowork_env_note_unchanged
      __cowork_env_idle=1
    fi
  else
    __cowork_env_idle=
    __cowork_env_active_key=
    [[ -z $__cowork_env_starting && -z $__cowork_env_pending_key ]] && __cowork_env_recall ||
      __cowork_env_find_none || __cowork_env_request
  fi
  if [[ $1 == prompt && -n $__cowork_env_starting ]]; then
    __cowork_env_add_completion
    __cowork_env_starting=
  fi
  [[ -z $__cowork_env_unsaid ]] || __cowork_env_say
}

# Have the launchers' folder on PATH once, as its first entry, as long as it exists and is the user's
# own; else not at all. Every other entry stays as it is, an empty one included. PATH is assigned only
# to be changed: zsh then forgets where it has found programs.
function __cowork_env_put_launchers_first {
  builtin local __cowork_env_path=${HOME-}/.local/share __cowork_env_first=
  [[ ! -d $__cowork_env_launchers || ! -O $__cowork_env_launchers ]] ||
    __cowork_env_first=:$__cowork_env_launchers
  [[ "$__cowork_env_first"$'\2'"${HOME-}"$'\2'"${XDG_DATA_HOME-}"$'\2'"${PATH-}" != \
    "$__cowork_env_path_checked" ]] || builtin return 0
  [[ $OSTYPE != darwin* ]] || __cowork_env_path="${HOME-}/Library/Application Support"
  [[ ${XDG_DATA_HOME-} != /* ]] || __cowork_env_path=${XDG_DATA_HOME%/}
  __cowork_env_launchers=
  # A PATH cannot hold a colon. An empty one means the working directory.
  [[ $__cowork_env_path == /* && $__cowork_env_path != *:* && -n ${PATH-} ]] || builtin return 0
  __cowork_env_launchers=$__cowork_env_path/cowork-env/shims
  __cowork_env_path=:$PATH:
  __cowork_env_first=
  [[ ! -d $__cowork_env_launchers || ! -O $__cowork_env_launchers ]] ||
    __cowork_env_first=:$__cowork_env_launchers
  __cowork_env_path_checked=$__cowork_env_first
  while [[ $__cowork_env_path == *":$__cowork_env_launchers:"* ]]; do
    __cowork_env_path=${__cowork_env_path%%":$__cowork_env_launchers:"*}:${__cowork_env_path#*":$__cowork_env_launchers:"}
  done
  # Of a PATH with nothing else, nothing would be left.
  [[ $__cowork_env_path != : ]] || __cowork_env_path=:$__cowork_env_launchers: __cowork_env_first=
  __cowork_env_path=$__cowork_env_first$__cowork_env_path
  # It may be read-only.
  [[ $__cowork_env_path == ":$PATH:" ]] ||
    __cowork_env_evaluate "PATH=${(qq)__cowork_env_path[2,-2]}" || :
  __cowork_env_path_checked+=$'\2'${HOME-}$'\2'${XDG_DATA_HOME-}$'\2'$PATH
}

# Find the physical directory and the paths of its pins.
function __cowork_env_locate {
  builtin local __cowork_env_led_to=${PWD:A} __cowork_env_is_gone=
  builtin local __cowork_env_physical=$__cowork_env_led_to
  if [[ ! . -ef $__cowork_env_physical ]]; then
    __cowork_env_physical=$(builtin pwd -P 2>/dev/null)
    [[ . -ef $__cowork_env_physical ]] || __cowork_env_physical=
  fi
  [[ -n $__cowork_env_physical ]] || __cowork_env_physical=$PWD __cowork_env_is_gone=gone
  __cowork_env_list_pin_paths "$__cowork_env_physical"
  __cowork_env_gone=$__cowork_env_is_gone __cowork_env_dir=$__cowork_env_physical \
    __cowork_env_target=$__cowork_env_led_to __cowork_env_pwd=$PWD
}

# List the paths of pins in a directory and above it.
function __cowork_env_list_pin_paths {
  builtin local __cowork_env_path=
  # From the root down, into a list of its full length: zsh would copy a growing one at each step.
  builtin local -a __cowork_env_parts
  __cowork_env_parts=("${(@s:/:)${1%/}}")
  builtin local -i __cowork_env_i __cowork_env_n=$#__cowork_env_parts
  __cowork_env_pin_paths=()
  __cowork_env_pin_paths[__cowork_env_n]=/.cowork-provider
  for (( __cowork_env_i = 2; __cowork_env_i <= __cowork_env_n; __cowork_env_i++ )); do
    __cowork_env_path+=/$__cowork_env_parts[__cowork_env_i]
    __cowork_env_pin_paths[__cowork_env_n-__cowork_env_i+1]=$__cowork_env_path/.cowork-provider
  done
}

# Take a snapshot of what a response depends on, beside the watched files: the pins with their
# contents, and a few variables.
function __cowork_env_snapshot {
  builtin local __cowork_env_pin __cowork_env_text
  __cowork_env_pins= __cowork_env_pins_read=() __cowork_env_pins_found=()
  for __cowork_env_pin in "${__cowork_env_pin_paths[@]}"; do
    if [[ -e $__cowork_env_pin ]]; then
      __cowork_env_pins_found+=("$__cowork_env_pin")
      __cowork_env_text='!'
      # Neither a FIFO nor a file in /proc, which has no size, is opened here, nor what another user
      # could replace by one meanwhile. The program says where that is so: a shell cannot see it.
      if [[ -f $__cowork_env_pin && -s $__cowork_env_pin && -r $__cowork_env_pin ]]; then
        __cowork_env_text='?'
        if (( ${__cowork_env_safe[(Ie)$__cowork_env_pin]} )) &&
          [[ -O $__cowork_env_pin:h && ! -k $__cowork_env_pin:h &&
          ! -g $__cowork_env_pin:h && ! -L $__cowork_env_pin ]]; then
          builtin sysread -s 4097 __cowork_env_text 2>/dev/null <$__cowork_env_pin
          __cowork_env_pins_read+=("$__cowork_env_pin" "$__cowork_env_text")
        fi
      fi
      __cowork_env_pins+=$__cowork_env_pin$'\1'$__cowork_env_text$'\1'
    fi
  done
  __cowork_env_sources=$'\2'"${COWORK_ENV_PROVIDERS_FILE-}"$'\2'"${COWORK_ENV_PROVIDERS_JSON-}"\
$'\2'"${COWORK_ENV_CATALOG-}"$'\2'"${HOME-}"$'\2'"${XDG_CONFIG_HOME-}"$'\2'"${XDG_STATE_HOME-}"
  __cowork_env_key=$__cowork_env_pins$'\2'${COWORK_PROVIDER-}$__cowork_env_sources
}

# Nothing changed since the last prompt: prepare the fast path.
function __cowork_env_note_unchanged {
  builtin local __cowork_env_pin __cowork_env_word __cowork_env_code __cowork_env_up= \
    __cowork_env_pinned=
  __cowork_env_fast_text=$PWD$'\2'${COWORK_ENV_STATE-}${__cowork_env_key#"$__cowork_env_pins"}
  __cowork_env_code=${__cowork_env_active_unchanged% ]]}
  if [[ -n $__cowork_env_launchers ]]; then
    __cowork_env_word=${(qq)__cowork_env_launchers}
    if [[ -O $__cowork_env_launchers ]]; then
      __cowork_env_code+=" && -O $__cowork_env_word"
      # A PATH that is read-only may begin with something else.
      [[ $PATH != "$__cowork_env_launchers:"* ]] ||
        __cowork_env_code+=" && \${PATH-} == $__cowork_env_word:*"
    else
      __cowork_env_code+=" && ! -O $__cowork_env_word"
    fi
  fi
  [[ -n $__cowork_env_gone ]] || __cowork_env_code+=" && . -ef ${(qq)__cowork_env_dir}"
  for __cowork_env_pin in "${__cowork_env_pin_paths[@]}"; do
    __cowork_env_word=${(qq)__cowork_env_pin%/.cowork-provider}
    if [[ -n $__cowork_env_gone ]]; then
      __cowork_env_word+=/.cowork-provider
    else
      # A relative path leads to what is above in any case. Where there is a pin, it must still be
      # where it was: in the same directory, with no link on the way to that.
      if [[ -n $__cowork_env_pinned ]]; then
        __cowork_env_code+=" && ! -L $__cowork_env_word"
      elif [[ -e $__cowork_env_pin ]]; then
        __cowork_env_pinned=1
        __cowork_env_code+=" && ! -L $__cowork_env_word && ./$__cowork_env_up -ef $__cowork_env_word/"
      fi
      __cowork_env_word=$__cowork_env_up.cowork-provider
      __cowork_env_up+=../
    fi
    if [[ ! -e $__cowork_env_pin ]]; then
      __cowork_env_code+=" && ! -e $__cowork_env_word"
    elif [[ -f $__cowork_env_pin && -s $__cowork_env_pin && -r $__cowork_env_pin ]]; then
      __cowork_env_code+=" && -f $__cowork_env_word && -s $__cowork_env_word && -r $__cowork_env_word"
    else
      __cowork_env_code+=" && -e $__cowork_env_word && ! ( -f $__cowork_env_word && -s $__cowork_env_word && -r $__cowork_env_word )"
    fi
  done
  # Where there is none, the directory must not be further down than it was.
  [[ -n $__cowork_env_pinned$__cowork_env_gone ]] || __cowork_env_code+=" && ./$__cowork_env_up -ef /"
  builtin eval "function __cowork_env_files_unchanged { $__cowork_env_code ]] }"
  __cowork_env_fast=$#__cowork_env_pins_read
}

# Put back what was there before the active provider, as far as this shell knows it.
function __cowork_env_leave {
  __cowork_env_evaluate "$__cowork_env_active_undo"
  __cowork_env_restore_unexported
  __cowork_env_unexported=()
  __cowork_env_active_state= __cowork_env_active_undo=
}

# Evaluate statements; fails if one of them did. A read-only variable would end more than the eval.
function __cowork_env_evaluate {
  builtin local __cowork_env_failed=1
  {
    builtin eval "$1" 2>/dev/null && __cowork_env_failed=0
  } always {
    TRY_BLOCK_ERROR=0
  }
  builtin return $__cowork_env_failed
}

# A change was not completed: go back to where no provider is active. Argument: how to undo it.
function __cowork_env_roll_back {
  __cowork_env_evaluate "$1"
  __cowork_env_leave
  __cowork_env_active_key=
}

# Apply a cached response; fails when a request has to be made.
function __cowork_env_recall {
  builtin local __cowork_env_i=${__cowork_env_cache_keys[(Ie)$__cowork_env_key]} \
    __cowork_env_provider=$__cowork_env_active_provider
  (( __cowork_env_i )) || builtin return 1
  (( __cowork_env_cache_expiries[__cowork_env_i] == 0 ||
    SECONDS < __cowork_env_cache_expiries[__cowork_env_i] )) || builtin return 1
  builtin eval "${__cowork_env_cache_watches[__cowork_env_i]:-:}" || builtin return 1
  if [[ $__cowork_env_cache_states[__cowork_env_i] != "$__cowork_env_active_state" ]]; then
    # Of one provider in two forms, the user may have changed something; the program can tell.
    [[ -z $__cowork_env_provider ||
      $__cowork_env_provider != "$__cowork_env_cache_providers[__cowork_env_i]" ]] ||
      builtin return 1
    __cowork_env_leave
    if [[ -n $__cowork_env_cache_applies[__cowork_env_i] ]]; then
      __cowork_env_evaluate "$__cowork_env_cache_guards[__cowork_env_i]" || builtin return 1
      __cowork_env_evaluate "$__cowork_env_cache_applies[__cowork_env_i]" || {
        __cowork_env_roll_back "$__cowork_env_cache_undos[__cowork_env_i]"
        builtin return 1
      }
    fi
    __cowork_env_active_undo=$__cowork_env_cache_undos[__cowork_env_i] \
      __cowork_env_active_state=$__cowork_env_cache_states[__cowork_env_i]
  fi
  __cowork_env_finish "$__cowork_env_provider" "$__cowork_env_cache_providers[__cowork_env_i]" \
    "$__cowork_env_cache_labels[__cowork_env_i]" "$__cowork_env_cache_errors[__cowork_env_i]"
}

# Where nothing names a provider, none applies: no request is needed to know. Fails where there may
# be one, or where only the program knows what was before.
function __cowork_env_find_none {
  builtin local __cowork_env_state_home=${HOME-}/.local/state
  builtin local -a __cowork_env_selections
  # The program knows of other folders, on Android.
  [[ -z ${COWORK_PROVIDER-}${ANDROID_DATA-} && ${HOME-} == /* ]] &&
    [[ -z ${COWORK_ENV_STATE-} || -n $__cowork_env_active_undo && -z $__cowork_env_starting ]] &&
    (( ! $#__cowork_env_pins_found )) || builtin return 1
  [[ ${XDG_STATE_HOME-} != /* ]] || __cowork_env_state_home=$XDG_STATE_HOME
  # The selection, on Linux and on macOS.
  __cowork_env_selections=("$__cowork_env_state_home/cowork-env/selection" \
    "$HOME/Library/Application Support/cowork-env/selection")
  [[ ! -e $__cowork_env_selections[1] && ! -e $__cowork_env_selections[2] ]] || builtin return 1
  # Cached responses need what they watch, which the selection is part of.
  if (( ! $#__cowork_env_cache_keys )); then
    __cowork_env_active_unchanged="[[ ! -e ${(qq)__cowork_env_selections[1]} &&"
    __cowork_env_active_unchanged+=" ! -e ${(qq)__cowork_env_selections[2]} ]]"
    builtin eval "function __cowork_env_watches_unchanged { $__cowork_env_active_unchanged }"
  fi
  [[ -z ${COWORK_ENV_STATE-} ]] || __cowork_env_leave
  __cowork_env_pending_key= __cowork_env_active_intact=
  __cowork_env_finish "$__cowork_env_active_provider" '' '' ''
}

# Request a response from the program, apply it, and cache it.
function __cowork_env_request {
  builtin local __cowork_env_response_directory __cowork_env_response_pins \
    __cowork_env_response_lifetime __cowork_env_response_provider __cowork_env_response_label \
    __cowork_env_response_error __cowork_env_response_state __cowork_env_response_now \
    __cowork_env_response_guard __cowork_env_response_apply __cowork_env_response_undo \
    __cowork_env_response_unexported __cowork_env_response_intact \
    __cowork_env_response_state_dir __cowork_env_response_config_dir \
    __cowork_env_response_flags __cowork_env_response_notices __cowork_env_response_safe \
    __cowork_env_response_unchanged \
    __cowork_env_text __cowork_env_status __cowork_env_again= \
    __cowork_env_provider=$__cowork_env_active_provider \
    __cowork_env_flags="$__cowork_env_starting${__cowork_env_pending_key:+ given-up} pins-listed"
  if [[ $__cowork_env_sources != "$__cowork_env_cache_sources" ]]; then
    __cowork_env_forget
    __cowork_env_cache_sources=$__cowork_env_sources
    __cowork_env_state_dir= __cowork_env_config_dir=
  fi
  while :; do
    {
      __cowork_env_text=$(builtin exec "$__cowork_env_python" -I -S -X utf8 \
        "$__cowork_env_package/hook/launch.py" shell=zsh "flags=$__cowork_env_flags" \
        "state_dir=$__cowork_env_state_dir" "config_dir=$__cowork_env_config_dir" \
        "${(@)__cowork_env_pins_found/#/pin=}" </dev/null 2>/dev/null)
      __cowork_env_status=$?
    } always {
      builtin trap '' INT
      # Ctrl-C ends this function, and what called it. It is given up here, before the next prompt.
      if (( TRY_BLOCK_INTERRUPT > 0 )) && [[ -n $__cowork_env_pending_key ]]; then
        __cowork_env_request
      fi
    }
    __cowork_env_evaluate "$__cowork_env_text"
    if [[ -z $__cowork_env_response_unchanged ]]; then
      if [[ $__cowork_env_status == 1 && -z $__cowork_env_again &&
        -z $__cowork_env_pending_key ]]; then
        # A Ctrl-C while Python starts ends it like any error, so one failure is not enough.
        __cowork_env_again=1
        builtin continue
      fi
      if [[ -n $__cowork_env_pending_key && $__cowork_env_flags != *given-up* ]]; then
        __cowork_env_flags+=" given-up"
        builtin continue
      fi
      # What the first response about a slow lookup asked for stays in force: it may be a dead end.
      [[ -n $__cowork_env_pending_key ]] || __cowork_env_leave
      # Interrupted once more: that it is given up is told to the program at the next update.
      [[ -z $__cowork_env_pending_key || $__cowork_env_status != 130 ]] || builtin return
      __cowork_env_pending_key=
      __cowork_env_text=
      if [[ $__cowork_env_status == 130 ]]; then
        # Interrupted all the same: zsh gives the signal its meaning back in substitutions. It is
        # requested again.
        __cowork_env_key=$'\2'
      else
        if [[ -z ${COWORK_ENV_STATE-} ]]; then
          builtin export COWORK_ENV_STATE=$__cowork_env_cannot_run_state
          __cowork_env_active_state=$COWORK_ENV_STATE
          __cowork_env_active_undo='builtin unset -v COWORK_ENV_STATE'
        fi
        if (( ! ${__cowork_env_shown[(Ie)cannot-run]} )); then
          __cowork_env_text=$__cowork_env_cannot_run
          __cowork_env_shown=(cannot-run "${(@)__cowork_env_shown[1,31]}")
        fi
      fi
      __cowork_env_finish "$__cowork_env_provider" '' '' "$__cowork_env_text"
      builtin return
    fi
    [[ -z $__cowork_env_response_safe ]] || __cowork_env_note_safe "$__cowork_env_response_safe"
    __cowork_env_save_unexported "$__cowork_env_response_unexported"
    if ! __cowork_env_evaluate "$__cowork_env_response_now"; then
      __cowork_env_roll_back "$__cowork_env_response_undo"
      [[ $__cowork_env_flags != *' failed'* ]] || builtin break
      # What can be done without the variable that is read-only.
      __cowork_env_flags+=" failed"
      __cowork_env_response_unchanged=
      builtin continue
    fi
    __cowork_env_restore_unexported
    __cowork_env_active_undo=$__cowork_env_response_undo \
      __cowork_env_active_state=$__cowork_env_response_state
    __cowork_env_active_intact=$__cowork_env_response_intact
    __cowork_env_state_dir=$__cowork_env_response_state_dir
    __cowork_env_config_dir=$__cowork_env_response_config_dir
    __cowork_env_active_unchanged=$__cowork_env_response_unchanged
    builtin eval "function __cowork_env_watches_unchanged { $__cowork_env_response_unchanged }"
    [[ $__cowork_env_response_flags == *' pending '* ]] || builtin break
    # A slow lookup follows, which may be interrupted. What this response asked for stays in force
    # then.
    __cowork_env_pending_key=$__cowork_env_key
    __cowork_env_flags+=" allow-slow"
    [[ ! -o interactive ]] ||
      (( ZSH_SUBSHELL || ${+WIDGET} || ${+__p9k_instant_prompt_active} )) ||
      __cowork_env_flags+=" terminal"
    __cowork_env_response_unchanged=
    builtin trap - INT
  done
  __cowork_env_pending_key=
  if [[ $__cowork_env_response_pins != "$__cowork_env_pins" ||
        $__cowork_env_response_directory != "$__cowork_env_dir" &&
        $__cowork_env_response_directory != "$__cowork_env_gone" ]]; then
    # It is about something that has changed since: request again at the next prompt.
    __cowork_env_key=$'\2' __cowork_env_safe=()
  elif [[ $__cowork_env_response_flags == *' transient '* ]]; then
    # Something may change unseen: the same.
    __cowork_env_key=$'\2'
  elif [[ $__cowork_env_response_flags == *' cacheable '* ]]; then
    __cowork_env_remember
  fi
  [[ -z $__cowork_env_starting || $__cowork_env_response_flags != *' quiet '* ]] ||
    __cowork_env_response_label=
  __cowork_env_finish "$__cowork_env_provider" "$__cowork_env_response_provider" \
    "$__cowork_env_response_label" "$__cowork_env_response_error"
  __cowork_env_notify "$__cowork_env_response_notices"
}

# The program says which pins may be opened: note the new ones, and read them. Argument: their paths,
# with \1 behind each.
function __cowork_env_note_safe {
  builtin local __cowork_env_pin __cowork_env_new=
  for __cowork_env_pin in "${(@ps:\1:)1%$'\1'}"; do
    (( ! ${__cowork_env_safe[(Ie)$__cowork_env_pin]} )) || builtin continue
    __cowork_env_safe+=("$__cowork_env_pin")
    __cowork_env_new=1
  done
  [[ -z $__cowork_env_new ]] || __cowork_env_snapshot
}

# Of these variables, one that is set but not exported is unknown to the program; its value comes
# back on leaving. Argument: names.
function __cowork_env_save_unexported {
  builtin local __cowork_env_name
  for __cowork_env_name in ${(s: :)1}; do
    (( ${(P)+__cowork_env_name} )) || builtin continue
    __cowork_env_unexported+=("$__cowork_env_name" "${(P)__cowork_env_name}")
    # An array or a number cannot hold the text.
    __cowork_env_evaluate "builtin unset -v $__cowork_env_name"
  done
}

# Of the saved ones, put back those that nothing has taken the place of.
function __cowork_env_restore_unexported {
  builtin local __cowork_env_name __cowork_env_value
  builtin local -a __cowork_env_kept
  for __cowork_env_name __cowork_env_value in "${__cowork_env_unexported[@]}"; do
    if (( ${(P)+__cowork_env_name} )); then
      __cowork_env_kept+=("$__cowork_env_name" "$__cowork_env_value")
    else
      builtin typeset -g "$__cowork_env_name=$__cowork_env_value"
    fi
  done
  __cowork_env_unexported=("${__cowork_env_kept[@]}")
}

# Cache the response that was just received.
function __cowork_env_remember {
  builtin local __cowork_env_n=$__cowork_env_cache_next
  __cowork_env_cache_watches[__cowork_env_n]=
  [[ $__cowork_env_response_flags != *' own-watches '* ]] ||
    __cowork_env_cache_watches[__cowork_env_n]=$__cowork_env_response_unchanged
  __cowork_env_cache_guards[__cowork_env_n]=$__cowork_env_response_guard
  __cowork_env_cache_applies[__cowork_env_n]=$__cowork_env_response_apply
  __cowork_env_cache_undos[__cowork_env_n]=$__cowork_env_response_undo
  __cowork_env_cache_states[__cowork_env_n]=$__cowork_env_response_state
  __cowork_env_cache_providers[__cowork_env_n]=$__cowork_env_response_provider
  __cowork_env_cache_labels[__cowork_env_n]=$__cowork_env_response_label
  __cowork_env_cache_errors[__cowork_env_n]=$__cowork_env_response_error
  __cowork_env_cache_expiries[__cowork_env_n]=$(( __cowork_env_response_lifetime ? SECONDS + __cowork_env_response_lifetime : 0 ))
  __cowork_env_cache_keys[__cowork_env_n]=$__cowork_env_key
  __cowork_env_cache_next=$(( __cowork_env_n % 32 + 1 ))
}

# Forget all cached responses.
function __cowork_env_forget {
  __cowork_env_cache_keys=() __cowork_env_cache_next=1 __cowork_env_safe=()
}

# The response to the key is applied: note that, and tell the user what is new. Arguments: the
# provider before; provider, label and error now.
function __cowork_env_finish {
  builtin local __cowork_env_error=$__cowork_env_active_error
  __cowork_env_active_key=$__cowork_env_key
  __cowork_env_active_provider=$2
  __cowork_env_active_error=$4
  # Neither in a subshell nor in the middle of a widget.
  (( ! ZSH_SUBSHELL && ! ${+WIDGET} )) || builtin return 0
  if [[ -n $4 && $4 != "$__cowork_env_error" ]]; then
    __cowork_env_say "$4"
  elif [[ $2 != "$1" && -o interactive && ${COWORK_ENV_QUIET-} != 1 ]]; then
    if [[ -z $2 ]]; then
      __cowork_env_say "left $1"
    elif [[ -n $3 ]]; then
      __cowork_env_say "$3"
    fi
  fi
}

# Show a message, and what is left from before. Powerlevel10k's instant prompt takes anything that is
# written meanwhile for a mistake in the startup file.
function __cowork_env_say {
  __cowork_env_unsaid+=("$@")
  (( ! ${+__p9k_instant_prompt_active} )) || builtin return 0
  builtin print -r -u2 -l -- "${(@)__cowork_env_unsaid/#/cowork-env: }"
  __cowork_env_unsaid=()
}

# Show each notice once in the life of this shell. Argument: id and text of each, with \1 behind.
function __cowork_env_notify {
  builtin local __cowork_env_id __cowork_env_text
  [[ -n $1 && -o interactive ]] && (( ! ZSH_SUBSHELL && ! ${+WIDGET} )) || builtin return 0
  for __cowork_env_id __cowork_env_text in "${(@ps:\1:)1%$'\1'}"; do
    (( ! ${__cowork_env_shown[(Ie)$__cowork_env_id]} )) || builtin continue
    __cowork_env_shown=("$__cowork_env_id" "${(@)__cowork_env_shown[1,31]}")
    __cowork_env_say "$__cowork_env_text"
  done
}

# What the command changes is in force for the next command of the line. In a shell that has a copy
# of this function alone, it runs the command.
(( ${+functions[cowork-env]} )) || function cowork-env {
  builtin command cowork-env "$@"
  builtin set -- $? "${1-}"
  if (( ${+functions[__cowork_env_moved]} && ! ZSH_SUBSHELL )) && [[ -o interactive ]]; then
    __cowork_env_moved
    # What zsh has found under the names of launchers may be something else now.
    [[ $2 != (shim|init) ]] || builtin rehash
  fi
  builtin return $1
}

# The completion is read at the first Tab.
function __cowork_env_complete __cowork_env_complete_words {
  builtin local __cowork_env_name=$0 __cowork_env_script=${__cowork_env_file%hook.zsh}completion.zsh
  # An update may have moved it. The functions stay then: zsh would complain that there are none.
  [[ -r $__cowork_env_script ]] || builtin return 1
  builtin unfunction __cowork_env_complete __cowork_env_complete_words
  builtin source $__cowork_env_script 2>/dev/null && $__cowork_env_name "$@"
}

# Have it used, unless the user has one: at the first prompt, where compinit has usually run. Where it
# has not, zsh's older completion has it; the newer one then uses that, too.
function __cowork_env_add_completion {
  # Not "+_comps", which copies all of it.
  if [[ ${(t)_comps-} == association* ]]; then
    : ${_comps[cowork-env]=__cowork_env_complete}
  elif (( ${+functions[compdef]} )); then
    compdef __cowork_env_complete cowork-env
  else
    # As a pattern: zsh 5.9 finds no name with a hyphen.
    builtin compctl -K __cowork_env_complete_words -M 'm:{a-zA-Z}={A-Za-z}' + -f 'cowork?env'
  fi 2>/dev/null
}

# First, so that what shows a prompt has the variables.
builtin typeset -ga precmd_functions chpwd_functions
(( ${precmd_functions[(Ie)__cowork_env_prompt]} )) ||
  precmd_functions=(__cowork_env_prompt $precmd_functions)
(( ${chpwd_functions[(Ie)__cowork_env_moved]} )) ||
  chpwd_functions=(__cowork_env_moved $chpwd_functions)

# A startup file is not the end: what follows in it may depend on the provider.
if [[ -o interactive ]]; then __cowork_env_moved; else __cowork_env_moved script; fi
