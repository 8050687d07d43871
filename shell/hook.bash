# shellcheck shell=bash disable=SC2154 # it does not see assignments in "\builtin local"
# cowork-env's hook for bash 3.2 and later: eval "$(cowork-env hook bash)", which reads this file
#
# At a prompt where nothing changed it starts no process: it compares the directory, the pins on the
# way up, and the timestamps of a few files with what the active response was about. For something
# new it requests a response from the program once, and caches it. The fields of a response are
# described in cowork_env/hook/protocol.py. Nothing is exported: the top level runs with allexport
# off. What only bash 4 or later knows is not used without a fallback, as macOS ships bash 3.2.
#
# Ctrl-C may interrupt this anywhere. No array is made by name=(...) once the hook is loaded: bash
# reads that like a file, and an interrupt leaves it at this one's end, which ends the shell.

\builtin shopt -q expand_aliases && \builtin shopt -u expand_aliases && __cowork_env_aliases=(1)
case $- in *a*) \builtin set +a && __cowork_env_allexport=(1) ;; esac

# An array, which bash never exports: a child that inherits functions or PROMPT_COMMAND lacks it.
__cowork_env_loaded=(1)
# An inherited variable keeps its export attribute, and what is assigned to it may hold a key.
\builtin export -n "${!__cowork_env_@}"
# The line that reads this file has set the interpreter and the package that requests are made with:
# __cowork_env_python and __cowork_env_package.

# The variables that say where providers come from, as text: now, and when the first cached response
# was requested. Our folders then, as the program gave them.
__cowork_env_sources='' __cowork_env_cache_sources=''
__cowork_env_state_dir='' __cowork_env_config_dir=''

# $PWD, the physical directory, whether it is gone; the paths where a pin could apply there.
__cowork_env_pwd='' __cowork_env_dir='' __cowork_env_gone=''
__cowork_env_pin_paths=()
# A snapshot of what a response depends on: the pins that exist; those that can be read, with their
# content; all of them in one text; and that with the variables, which is the key of a response.
__cowork_env_pins_found=()
__cowork_env_pins_read=()
__cowork_env_pins=''
# The pins that the program found safe to open, with \1 around each.
__cowork_env_safe=$'\1'
__cowork_env_key=''

# The active response: its key, COWORK_ENV_STATE, the provider, how to undo it, its error; a
# condition that holds as long as the variables are as it made them; and one that holds as long as no
# watched file has changed (also as a function: bash parses that only once). No key of ours is empty
# or \2: either means that a request has to be made.
__cowork_env_active_key='' __cowork_env_active_state='' __cowork_env_active_provider=''
__cowork_env_active_undo='' __cowork_env_active_error='' __cowork_env_active_intact=''
__cowork_env_active_unchanged='[[ -z x ]]'
function __cowork_env_watches_unchanged { \builtin return 1; }

# Whether the fast path may be taken: empty, or how many items __cowork_env_pins_read has. Then the
# function __cowork_env_files_unchanged checks every file that a prompt has to check, and
# __cowork_env_fast_text is the text to compare. Whether the last prompt found nothing changed, too.
__cowork_env_fast='' __cowork_env_fast_text='' __cowork_env_idle=''

# Cached responses, as parallel lists, and the index of the next one.
__cowork_env_cache_keys=() __cowork_env_cache_watches=() __cowork_env_cache_expiries=()
__cowork_env_cache_guards=() __cowork_env_cache_applies=() __cowork_env_cache_undos=()
__cowork_env_cache_states=() __cowork_env_cache_providers=() __cowork_env_cache_labels=()
__cowork_env_cache_errors=()
__cowork_env_cache_next=0

# A change that is under way: whether there is one, how to undo it, and COWORK_ENV_STATE before it.
__cowork_env_change='' __cowork_env_change_undo='' __cowork_env_change_state=''
# The key of a request that waits for a slow secret store. If it is still there at an update, the
# user has interrupted that: the next request is about no more than that.
__cowork_env_pending_key=
# Variables that were set but not exported before they were exported here, as name=value.
__cowork_env_unexported=(${__cowork_env_unexported[@]+"${__cowork_env_unexported[@]}"})
# What is said when the program cannot be run, and COWORK_ENV_STATE then, for "cowork-env status".
__cowork_env_cannot_run='the program cannot be run. Open a new shell if it was updated; otherwise reinstall it, or remove the hook line from your startup file'
__cowork_env_cannot_run_state='2:3416d1ecdf35:0,%01%2a%01the%20program%20cannot%20be%20run.%20Open%20a%20new%20shell%20if%20it%20was%20updated%3b%20otherwise%20reinstall%20it%2c%20or%20remove%20the%20hook%20line%20from%20your%20startup%20file,'
# The ids of the notices that were shown, and whether no prompt has been reached yet.
__cowork_env_shown='' __cowork_env_starting=starting
# The launchers' folder, or empty where it cannot be on PATH; and what PATH was last right for: the
# variables that matter, and whether the folder was there.
__cowork_env_launchers='' __cowork_env_path_checked=

function __cowork_env_prompt {
  \builtin set -- "$?"
  case $- in
    *[xT]*) ;; # A trace would show what is compared, and a DEBUG trap would see it.
    *)
      # The fast path, with the user's own options.
      if [[ -n ${__cowork_env_fast-} ]] && __cowork_env_files_unchanged &&
        \builtin test "$PWD"$'\2'"${COWORK_ENV_STATE-}"$'\2'"${COWORK_PROVIDER-}"\
$'\2'"${COWORK_ENV_PROVIDERS_FILE-}"$'\2'"${COWORK_ENV_PROVIDERS_JSON-}"\
$'\2'"${COWORK_ENV_CATALOG-}"$'\2'"${HOME-}"$'\2'"${XDG_CONFIG_HOME-}"$'\2'"${XDG_STATE_HOME-}" = "$__cowork_env_fast_text"; then
        ((__cowork_env_fast)) || \builtin return "$1"
        ! __cowork_env_pins_unchanged "${__cowork_env_pins_read[@]}" || \builtin return "$1"
      fi
      ;;
  esac
  __cowork_env_with_options_saved prompt
  \builtin return "$1"
}

# The same where bash restores $? afterwards: for set -e and an ERR trap it never fails.
function __cowork_env_prompt_first { __cowork_env_prompt || :; }

# Whether pins still have their content. Arguments: path and content of each.
function __cowork_env_pins_unchanged {
  \builtin local REPLY
  while (($#)); do
    # Without a name, read keeps blanks. Not from standard input: a Ctrl-C at the wrong moment would
    # leave it at the pin's end, and end the shell.
    REPLY=
    # Closing standard error is faster than opening another file in its place.
    \builtin read -r -d '' -n 4097 -u 9 2>&- 9<"$1"
    \builtin test "$REPLY" = "$2" || \builtin return 1
    \builtin shift 2
  done
}

# Update with those options off that would show or stop it, and without globbing; the user's are
# restored on return. Argument: prompt, move, or script.
function __cowork_env_with_options_saved {
  if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] > 403)); then
    \builtin local -
    \builtin set +aeuvxkET -f
    __cowork_env_update "$1"
  else
    # bash before 4.4 has no "local -". Not one option may stay on: set -e would end the shell in
    # spite of "||", as it is "builtin eval", and a DEBUG trap would see keys under set -T. The
    # user's are kept in an array, which set -a does not export. If it is still there, an interrupt
    # has ended the last update, and left these options off.
    __cowork_env_fast=
    [[ -n ${__cowork_env_options+x} ]] || __cowork_env_options[0]=${-//[!aefuvxkET]/}
    { \builtin set +aeuvxkET -f; } 2>/dev/null
    __cowork_env_update "$1"
    [[ ${__cowork_env_options[0]} == *f* ]] || \builtin set +f
    [[ -z ${__cowork_env_options[0]} ]] || \builtin set "-${__cowork_env_options[0]}"
    \builtin unset -v __cowork_env_options
  fi
  \builtin return 0
}

# cd, pushd and popd, followed by an update. The first argument is the command's name.
function __cowork_env_move {
  if \builtin test "${FUNCNAME[1]-}" = "$1"; then
    # Not "${@:2}": of a single empty argument, bash 4.2 makes none.
    # shellcheck disable=SC2145
    if "__cowork_env_users_$@"; then \builtin set -- 0; else \builtin set -- "$?"; fi
  else
    # Under another name this is the cd that a user's function has saved and calls: if it were not
    # the plain one, they would call each other without end.
    if \builtin "$@"; then \builtin set -- 0; else \builtin set -- "$?"; fi
  fi
  __cowork_env_with_options_saved move
  \builtin return "$1"
}

# Run a command, followed by an update. In a subshell, nobody waits for one.
function __cowork_env_follow {
  if "$@"; then \builtin set -- 0; else \builtin set -- "$?"; fi
  ((BASH_SUBSHELL)) || __cowork_env_with_options_saved move
  \builtin return "$1"
}

# Run the program. What bash has found under the names of launchers may be something else now.
function __cowork_env_command {
  if \command cowork-env "$@"; then \builtin set -- 0 "$@"; else \builtin set -- "$?" "$@"; fi
  [[ ${2-} != shim && ${2-} != init ]] || \builtin hash -r 2>/dev/null
  \builtin return "$1"
}

# Update the environment for this directory. Argument: prompt, move, or script: there, PATH alone.
function __cowork_env_update {
  \builtin local IFS=$' \t\n' __cowork_env_changed=''
  __cowork_env_fast=
  __cowork_env_put_launchers_first
  [[ $1 != script ]] || \builtin return 0
  [[ -z $__cowork_env_change ]] ||
    __cowork_env_roll_back "${__cowork_env_starting:+$__cowork_env_change_state}"
  # Strings are compared by test throughout: [[ ]] folds case under nocasematch.
  if ! \builtin test "$PWD" = "$__cowork_env_pwd" ||
    [[ ! . -ef $__cowork_env_dir && -z $__cowork_env_gone ]] || __cowork_env_linked; then
    __cowork_env_locate
  fi
  __cowork_env_snapshot
  __cowork_env_watches_unchanged || __cowork_env_changed=1
  if \builtin test "${COWORK_ENV_STATE-}" != "$__cowork_env_active_state"; then
    # Something removed our state: undo what this shell knows of.
    __cowork_env_active_key=
    __cowork_env_leave 2>/dev/null
    __cowork_env_changed=1
  fi
  if [[ -n $__cowork_env_changed ]]; then
    __cowork_env_forget
    __cowork_env_pending_key=
  elif \builtin test "$__cowork_env_key" != "$__cowork_env_pending_key"; then
    __cowork_env_pending_key=
  fi
  if [[ -z $__cowork_env_changed && -z $__cowork_env_pending_key ]] &&
    \builtin test "$__cowork_env_key" = "$__cowork_env_active_key" && {
    # Behind the hook, a startup file may have changed what the hook had set.
    [[ $1 != prompt || -z $__cowork_env_starting ]] ||
      \builtin eval "${__cowork_env_active_intact:-:}"
  }; then
    if [[ $1 == prompt ]]; then
      # Preparing the fast path pays only where the user stays.
      [[ -z $__cowork_env_idle ]] || __cowork_env_note_unchanged
      __cowork_env_idle=1
    fi
  else
    __cowork_env_idle=
    __cowork_env_active_key='' # An interrupt may leave the rest half done.
    [[ -z $__cowork_env_starting && -z $__cowork_env_pending_key ]] && __cowork_env_recall ||
      __cowork_env_find_none || __cowork_env_request
  fi
  if [[ $1 == prompt && -n $__cowork_env_starting ]]; then
    __cowork_env_wrap # What a startup file defined behind the hook, before the first command line.
    __cowork_env_starting=
  fi
}

# Have the launchers' folder on PATH once, as its first entry, as long as it exists and is the user's
# own; else not at all. Every other entry stays as it is, an empty one included. PATH is assigned only
# to be changed: bash then forgets where it has found programs.
function __cowork_env_put_launchers_first {
  \builtin local __cowork_env_path __cowork_env_first=''
  [[ ! -d $__cowork_env_launchers || ! -O $__cowork_env_launchers ]] ||
    __cowork_env_first=:$__cowork_env_launchers
  ! \builtin test "$__cowork_env_first"$'\2'"${HOME-}"$'\2'"${XDG_DATA_HOME-}"$'\2'"${PATH-}" \
    = "$__cowork_env_path_checked" || \builtin return 0
  __cowork_env_path=${HOME-}/.local/share
  [[ $OSTYPE != darwin* ]] || __cowork_env_path="${HOME-}/Library/Application Support"
  [[ ${XDG_DATA_HOME-} != /* ]] || __cowork_env_path=${XDG_DATA_HOME%/}
  __cowork_env_launchers=
  # A PATH cannot hold a colon. An empty one means the working directory.
  [[ $__cowork_env_path == /* && $__cowork_env_path != *:* && -n ${PATH-} ]] || \builtin return 0
  __cowork_env_launchers=$__cowork_env_path/cowork-env/shims
  __cowork_env_path=:$PATH:
  __cowork_env_first=
  [[ ! -d $__cowork_env_launchers || ! -O $__cowork_env_launchers ]] ||
    __cowork_env_first=:$__cowork_env_launchers
  __cowork_env_path_checked=$__cowork_env_first
  while ! \builtin test "${__cowork_env_path#*":$__cowork_env_launchers:"}" = "$__cowork_env_path"; do
    __cowork_env_path=${__cowork_env_path%%":$__cowork_env_launchers:"*}:${__cowork_env_path#*":$__cowork_env_launchers:"}
  done
  # Of a PATH with nothing else, nothing would be left.
  [[ $__cowork_env_path != : ]] || __cowork_env_path=:$__cowork_env_launchers: __cowork_env_first=
  __cowork_env_path=$__cowork_env_first$__cowork_env_path
  if ! \builtin test "$__cowork_env_path" = ":$PATH:"; then
    __cowork_env_path=${__cowork_env_path#:}
    # It may be read-only.
    \builtin printf -v PATH %s "${__cowork_env_path%:}" 2>/dev/null || :
  fi
  __cowork_env_path_checked+=$'\2'${HOME-}$'\2'${XDG_DATA_HOME-}$'\2'$PATH
}

# Find the physical directory and the paths of its pins.
function __cowork_env_locate {
  \builtin local __cowork_env_physical
  __cowork_env_pwd='' # An interrupt may leave the rest half done.
  if __cowork_env_list_pin_paths "$PWD" && [[ . -ef $PWD ]]; then
    __cowork_env_gone='' __cowork_env_dir=$PWD __cowork_env_pwd=$PWD
    \builtin return
  fi
  __cowork_env_physical=$(\builtin pwd -P 2>/dev/null)
  if [[ -n $__cowork_env_physical && . -ef $__cowork_env_physical ]]; then
    \builtin set -- "$__cowork_env_physical" ''
  else
    \builtin set -- "$PWD" gone
  fi
  __cowork_env_list_pin_paths "$1" || :
  __cowork_env_gone=$2 __cowork_env_dir=$1 __cowork_env_pwd=$PWD
}

# Whether there is a link on the way, where a directory was moved away and linked back.
function __cowork_env_linked {
  \builtin local __cowork_env_pin
  for __cowork_env_pin in "${__cowork_env_pin_paths[@]}"; do
    [[ ! -L ${__cowork_env_pin%/.cowork-provider} ]] || \builtin return 0
  done
  \builtin return 1
}

# List the paths of pins in a directory and above it; fails if a symbolic link is on the way.
function __cowork_env_list_pin_paths {
  \builtin local __cowork_env_part __cowork_env_n __cowork_env_path='' __cowork_env_link=0 IFS=/
  # Split at the slashes, and at nothing else.
  # shellcheck disable=SC2086
  \builtin set -- ${1#/}
  __cowork_env_n=$#
  \builtin unset -v __cowork_env_pin_paths
  __cowork_env_pin_paths[__cowork_env_n]=/.cowork-provider
  for __cowork_env_part in "$@"; do
    # One command, as bash takes as long for each as for checking a file.
    __cowork_env_path=$__cowork_env_path/$__cowork_env_part \
      __cowork_env_pin_paths[--__cowork_env_n]=$__cowork_env_path/.cowork-provider
    [[ ! -L $__cowork_env_path ]] || __cowork_env_link=1
  done
  \builtin return "$__cowork_env_link"
}

# Take a snapshot of what a response depends on, beside the watched files: the pins with their
# contents, and a few variables.
function __cowork_env_snapshot {
  \builtin local __cowork_env_pin __cowork_env_text
  __cowork_env_pins=''
  \builtin unset -v __cowork_env_pins_read __cowork_env_pins_found
  for __cowork_env_pin in "${__cowork_env_pin_paths[@]}"; do
    if [[ -e $__cowork_env_pin ]]; then
      __cowork_env_pins_found[${#__cowork_env_pins_found[@]}]=$__cowork_env_pin
      __cowork_env_text='!'
      # Neither a FIFO nor a file in /proc, which has no size, is opened here, nor what another user
      # could replace by one meanwhile. The program says where that is so: a shell cannot see it.
      if [[ -f $__cowork_env_pin && -s $__cowork_env_pin && -r $__cowork_env_pin ]]; then
        __cowork_env_text='?'
        if [[ $__cowork_env_safe == *$'\1'"$__cowork_env_pin"$'\1'* &&
          -O ${__cowork_env_pin%.cowork-provider} &&
          ! -k ${__cowork_env_pin%.cowork-provider} &&
          ! -g ${__cowork_env_pin%.cowork-provider} && ! -L $__cowork_env_pin ]]; then
          IFS='' \builtin read -r -d '' -n 4097 -u 9 __cowork_env_text \
            2>/dev/null 9<"$__cowork_env_pin"
          __cowork_env_pins_read[${#__cowork_env_pins_read[@]}]=$__cowork_env_pin
          __cowork_env_pins_read[${#__cowork_env_pins_read[@]}]=$__cowork_env_text
        fi
      fi
      __cowork_env_pins=$__cowork_env_pins$__cowork_env_pin$'\1'$__cowork_env_text$'\1'
    fi
  done
  __cowork_env_sources=$'\2'"${COWORK_ENV_PROVIDERS_FILE-}"$'\2'"${COWORK_ENV_PROVIDERS_JSON-}"\
$'\2'"${COWORK_ENV_CATALOG-}"$'\2'"${HOME-}"$'\2'"${XDG_CONFIG_HOME-}"$'\2'"${XDG_STATE_HOME-}"
  __cowork_env_key=$__cowork_env_pins$'\2'${COWORK_PROVIDER-}$__cowork_env_sources
}

# Nothing changed since the last prompt: prepare the fast path.
function __cowork_env_note_unchanged {
  \builtin local __cowork_env_pin __cowork_env_word __cowork_env_code __cowork_env_up='' \
    __cowork_env_pinned=''
  __cowork_env_fast_text=$PWD$'\2'${COWORK_ENV_STATE-}${__cowork_env_key#"$__cowork_env_pins"}
  __cowork_env_code=${__cowork_env_active_unchanged% ]]}
  if [[ -n $__cowork_env_launchers ]]; then
    \builtin printf -v __cowork_env_word %q "$__cowork_env_launchers"
    if [[ -O $__cowork_env_launchers ]]; then
      __cowork_env_code+=" && -O $__cowork_env_word"
      # A PATH that is read-only may begin with something else.
      [[ $PATH != "$__cowork_env_launchers:"* ]] ||
        __cowork_env_code+=" && \${PATH-} == $__cowork_env_word:*"
    else
      __cowork_env_code+=" && ! -O $__cowork_env_word"
    fi
  fi
  if [[ -z $__cowork_env_gone ]]; then
    \builtin printf -v __cowork_env_word %q "$__cowork_env_dir"
    __cowork_env_code+=" && . -ef $__cowork_env_word"
  fi
  for __cowork_env_pin in "${__cowork_env_pin_paths[@]}"; do
    \builtin printf -v __cowork_env_word %q "${__cowork_env_pin%/.cowork-provider}"
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
  \builtin eval "function __cowork_env_files_unchanged { $__cowork_env_code ]]; }"
  __cowork_env_fast=${#__cowork_env_pins_read[@]}
}

# Put back what was there before the active provider, as far as this shell knows it.
function __cowork_env_leave {
  \builtin eval "$__cowork_env_active_undo"
  __cowork_env_restore_unexported
  \builtin unset -v __cowork_env_unexported
  __cowork_env_active_state='' __cowork_env_active_undo=''
}

# A change was not completed: go back to where no provider is active, from whatever is there of
# either. No interrupt breaks this off again. Argument: a state that this shell inherited, if the
# program has to tell what was before it.
function __cowork_env_roll_back {
  \builtin local __cowork_env_trap
  __cowork_env_trap=$(\builtin trap -p INT)
  \builtin trap '' INT
  {
    \builtin eval "$__cowork_env_change_undo"
    __cowork_env_leave
    [[ -z $1 ]] || \builtin export COWORK_ENV_STATE="$1"
  } 2>/dev/null
  __cowork_env_active_key=
  __cowork_env_change=
  \builtin eval "${__cowork_env_trap:-\\builtin trap - INT}"
}

# Apply a cached response; fails when a request has to be made.
function __cowork_env_recall {
  \builtin local __cowork_env_i "__cowork_env_provider=$__cowork_env_active_provider"
  for __cowork_env_i in "${!__cowork_env_cache_keys[@]}"; do
    \builtin test "${__cowork_env_cache_keys[__cowork_env_i]}" = "$__cowork_env_key" ||
      \builtin continue
    ((__cowork_env_cache_expiries[__cowork_env_i] == 0 ||
      SECONDS < __cowork_env_cache_expiries[__cowork_env_i])) ||
      \builtin return 1
    \builtin eval "${__cowork_env_cache_watches[__cowork_env_i]:-:}" || \builtin return 1
    if \builtin test "${__cowork_env_cache_states[__cowork_env_i]}" != \
      "$__cowork_env_active_state"; then
      # Of one provider in two forms, the user may have changed something; the program can tell.
      [[ -z $__cowork_env_provider ]] ||
        \builtin test "$__cowork_env_provider" != \
          "${__cowork_env_cache_providers[__cowork_env_i]}" ||
        \builtin return 1
      __cowork_env_change_undo='' __cowork_env_change_state=${COWORK_ENV_STATE-} \
        __cowork_env_change=1
      __cowork_env_leave 2>/dev/null
      if [[ -n ${__cowork_env_cache_applies[__cowork_env_i]} ]]; then
        \builtin eval "${__cowork_env_cache_guards[__cowork_env_i]}" 2>/dev/null || {
          __cowork_env_change=
          \builtin return 1
        }
        __cowork_env_change_undo=${__cowork_env_cache_undos[__cowork_env_i]}
        \builtin eval "${__cowork_env_cache_applies[__cowork_env_i]}" 2>/dev/null || {
          __cowork_env_roll_back ''
          \builtin return 1
        }
      fi
      __cowork_env_active_undo=${__cowork_env_cache_undos[__cowork_env_i]} \
        __cowork_env_active_state=${__cowork_env_cache_states[__cowork_env_i]}
      __cowork_env_change=
    fi
    __cowork_env_finish "$__cowork_env_provider" "${__cowork_env_cache_providers[__cowork_env_i]}" \
      "${__cowork_env_cache_labels[__cowork_env_i]}" "${__cowork_env_cache_errors[__cowork_env_i]}"
    \builtin return 0
  done
  \builtin return 1
}

# Where nothing names a provider, none applies: no request is needed to know. Fails where there may
# be one, or where only the program knows what was before.
function __cowork_env_find_none {
  \builtin local __cowork_env_state_home=${HOME-}/.local/state __cowork_env_code
  # The program knows of other folders, on Android.
  [[ -z ${COWORK_PROVIDER-}${ANDROID_DATA-} && ${HOME-} == /* ]] &&
    [[ -z ${COWORK_ENV_STATE-} || -n $__cowork_env_active_undo && -z $__cowork_env_starting ]] &&
    ((${#__cowork_env_pins_found[@]} == 0)) || \builtin return 1
  [[ ${XDG_STATE_HOME-} != /* ]] || __cowork_env_state_home=$XDG_STATE_HOME
  # The selection, on Linux and on macOS.
  \builtin set -- "$__cowork_env_state_home/cowork-env/selection" \
    "$HOME/Library/Application Support/cowork-env/selection"
  [[ ! -e $1 && ! -e $2 ]] || \builtin return 1
  # Cached responses need what they watch, which the selection is part of.
  if ((${#__cowork_env_cache_keys[@]} == 0)); then
    \builtin printf -v __cowork_env_code '[[ ! -e %q && ! -e %q ]]' "$@"
    __cowork_env_active_unchanged=$__cowork_env_code
    \builtin eval "function __cowork_env_watches_unchanged { $__cowork_env_code; }"
  fi
  if [[ -n ${COWORK_ENV_STATE-} ]]; then
    __cowork_env_change_undo='' __cowork_env_change_state=$COWORK_ENV_STATE __cowork_env_change=1
    __cowork_env_leave 2>/dev/null
    __cowork_env_change=
  fi
  __cowork_env_pending_key='' __cowork_env_active_intact=''
  __cowork_env_finish "$__cowork_env_active_provider" '' '' ''
}

# Request a response from the program, apply it, and cache it.
function __cowork_env_request {
  \builtin local __cowork_env_response_directory __cowork_env_response_pins \
    __cowork_env_response_lifetime __cowork_env_response_provider __cowork_env_response_label \
    __cowork_env_response_error __cowork_env_response_state __cowork_env_response_now \
    __cowork_env_response_guard __cowork_env_response_apply __cowork_env_response_undo \
    __cowork_env_response_unexported __cowork_env_response_intact \
    __cowork_env_response_state_dir __cowork_env_response_config_dir \
    __cowork_env_response_flags __cowork_env_response_notices __cowork_env_response_safe \
    __cowork_env_response_unchanged \
    __cowork_env_text __cowork_env_status __cowork_env_again='' \
    "__cowork_env_provider=$__cowork_env_active_provider" \
    "__cowork_env_flags=$__cowork_env_starting${__cowork_env_pending_key:+ given-up} pins-listed"
  ((BASH_VERSINFO[0] > 4)) || __cowork_env_flags+=" whole-seconds"
  if ! \builtin test "$__cowork_env_sources" = "$__cowork_env_cache_sources"; then
    __cowork_env_forget
    __cowork_env_cache_sources=$__cowork_env_sources
    __cowork_env_state_dir='' __cowork_env_config_dir=''
  fi
  while :; do
    __cowork_env_response_flags=
    __cowork_env_text=$(\builtin exec "$__cowork_env_python" -I -S -X utf8 \
      "$__cowork_env_package/hook/launch.py" shell=bash "flags=$__cowork_env_flags" \
      "state_dir=$__cowork_env_state_dir" "config_dir=$__cowork_env_config_dir" \
      "${__cowork_env_pins_found[@]/#/pin=}" </dev/null 2>/dev/null)
    __cowork_env_status=$?
    \builtin eval "$__cowork_env_text"
    if [[ -z $__cowork_env_response_unchanged ]]; then
      if ((__cowork_env_status == 1)) &&
        [[ -z $__cowork_env_again && -z $__cowork_env_pending_key ]]; then
        # A Ctrl-C while Python starts ends it like any error, so one failure is not enough.
        __cowork_env_again=1
        \builtin continue
      fi
      if [[ -n $__cowork_env_pending_key && $__cowork_env_flags != *given-up* ]]; then
        # Interrupted, and the user's own INT trap let us go on.
        __cowork_env_flags+=" given-up"
        \builtin continue
      fi
      # What the first response about a slow lookup asked for stays in force: it may be a dead end.
      [[ -n $__cowork_env_pending_key ]] || __cowork_env_leave 2>/dev/null
      # Interrupted once more: that it is given up is told to the program at the next update.
      [[ -z $__cowork_env_pending_key || $__cowork_env_status != 130 ]] || \builtin return
      __cowork_env_text=
      if ((__cowork_env_status == 130)); then
        # Interrupted again, or a request that is not slow: it is sent again.
        __cowork_env_key=$'\2'
      else
        if [[ -z ${COWORK_ENV_STATE-} ]]; then
          \builtin export COWORK_ENV_STATE=$__cowork_env_cannot_run_state
          __cowork_env_active_state=$COWORK_ENV_STATE
          __cowork_env_active_undo='\builtin unset -v COWORK_ENV_STATE'
        fi
        if [[ " $__cowork_env_shown " != *' cannot-run '* ]]; then
          __cowork_env_text=$__cowork_env_cannot_run
          __cowork_env_shown="cannot-run $__cowork_env_shown"
        fi
      fi
      __cowork_env_pending_key=
      __cowork_env_finish "$__cowork_env_provider" '' '' "$__cowork_env_text"
      \builtin return
    fi
    if [[ -n $__cowork_env_response_safe ]]; then
      __cowork_env_note_safe
    fi
    __cowork_env_save_unexported "$__cowork_env_response_unexported"
    __cowork_env_change_undo=$__cowork_env_response_undo \
      __cowork_env_change_state=${COWORK_ENV_STATE-} __cowork_env_change=1
    if ! \builtin eval "$__cowork_env_response_now" 2>/dev/null; then
      __cowork_env_roll_back ''
      [[ $__cowork_env_flags != *' failed'* ]] || \builtin break
      # What can be done without the variable that is read-only.
      __cowork_env_flags+=" failed"
      __cowork_env_response_unchanged=
      \builtin continue
    fi
    __cowork_env_restore_unexported
    __cowork_env_active_undo=$__cowork_env_response_undo \
      __cowork_env_active_state=$__cowork_env_response_state
    __cowork_env_change=
    __cowork_env_active_intact=$__cowork_env_response_intact
    __cowork_env_state_dir=$__cowork_env_response_state_dir
    __cowork_env_config_dir=$__cowork_env_response_config_dir
    __cowork_env_active_unchanged=$__cowork_env_response_unchanged
    \builtin eval "function __cowork_env_watches_unchanged { $__cowork_env_response_unchanged; }"
    [[ $__cowork_env_response_flags == *' pending '* ]] || \builtin break
    # A slow lookup follows. What this response asked for stays in force if that is interrupted.
    __cowork_env_pending_key=$__cowork_env_key
    __cowork_env_flags+=" allow-slow"
    [[ $- != *i* ]] || ((BASH_SUBSHELL)) || __cowork_env_flags+=" terminal"
    __cowork_env_response_unchanged=
  done
  __cowork_env_pending_key=
  if ! \builtin test "$__cowork_env_response_pins" = "$__cowork_env_pins" || {
    ! \builtin test "$__cowork_env_response_directory" = "$__cowork_env_dir" &&
      [[ $__cowork_env_response_directory != "$__cowork_env_gone" ]]
  }; then
    # It is about something that has changed since: request again at the next prompt.
    __cowork_env_key=$'\2'
    __cowork_env_safe=$'\1'
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

# The program says which pins may be opened: note them, and read those that are new. It reads a
# variable of __cowork_env_request. A loop over them would cost more than all the rest.
function __cowork_env_note_safe {
  [[ $__cowork_env_safe != *$'\1'"$__cowork_env_response_safe"* ]] || \builtin return 0
  ((${#__cowork_env_safe} < 65536)) || __cowork_env_safe=$'\1'
  __cowork_env_safe+=$__cowork_env_response_safe
  __cowork_env_snapshot
}

# Of these variables, one that is set but not exported is unknown to the program; its value comes
# back on leaving. Argument: names.
function __cowork_env_save_unexported {
  \builtin local __cowork_env_i __cowork_env_n=0 __cowork_env_name
  for __cowork_env_i in "${!__cowork_env_unexported[@]}"; do
    __cowork_env_n=$((__cowork_env_i + 1))
  done
  for __cowork_env_name in $1; do
    if [[ -n ${!__cowork_env_name+x} ]]; then
      __cowork_env_unexported[__cowork_env_n++]=$__cowork_env_name=${!__cowork_env_name}
      \builtin unset -v "$__cowork_env_name" 2>/dev/null # An array cannot be exported.
    fi
  done
}

# Of the saved ones, put back those that nothing has taken the place of.
function __cowork_env_restore_unexported {
  \builtin local __cowork_env_i __cowork_env_name
  for __cowork_env_i in "${!__cowork_env_unexported[@]}"; do
    __cowork_env_name=${__cowork_env_unexported[__cowork_env_i]%%=*}
    [[ -z ${!__cowork_env_name+x} ]] || \builtin continue
    \builtin printf -v "$__cowork_env_name" %s "${__cowork_env_unexported[__cowork_env_i]#*=}"
    \builtin unset -v "__cowork_env_unexported[__cowork_env_i]"
  done
}

# Cache the response that was just received.
function __cowork_env_remember {
  \builtin local "__cowork_env_n=$__cowork_env_cache_next"
  # The key is removed first and set last: what an interrupt leaves half done matches nothing.
  __cowork_env_cache_keys[__cowork_env_n]=
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
  __cowork_env_cache_expiries[__cowork_env_n]=$((__cowork_env_response_lifetime ? SECONDS + __cowork_env_response_lifetime : 0))
  __cowork_env_cache_keys[__cowork_env_n]=$__cowork_env_key
  __cowork_env_cache_next=$(((__cowork_env_n + 1) % 32))
}

# Forget all cached responses.
function __cowork_env_forget {
  \builtin unset -v __cowork_env_cache_keys
  __cowork_env_cache_next=0
  __cowork_env_safe=$'\1'
}

# The response to the key is applied: note that, and tell the user what is new. Arguments: the
# provider before; provider, label and error now.
function __cowork_env_finish {
  \builtin local "__cowork_env_error=$__cowork_env_active_error"
  __cowork_env_active_key=$__cowork_env_key
  __cowork_env_active_provider=$2
  __cowork_env_active_error=$4
  ((BASH_SUBSHELL == 0)) || \builtin return 0
  if [[ -n $4 ]] && \builtin test "$4" != "$__cowork_env_error"; then
    \builtin printf 'cowork-env: %s\n' "$4" >&2
  elif [[ $- == *i* && ${COWORK_ENV_QUIET-} != 1 ]] && \builtin test "$2" != "$1"; then
    if [[ -z $2 ]]; then
      \builtin printf 'cowork-env: left %s\n' "$1" >&2
    elif [[ -n $3 ]]; then
      \builtin printf 'cowork-env: %s\n' "$3" >&2
    fi
  fi
}

# Show each notice once in the life of this shell. Argument: id and text of each, with \1 behind.
function __cowork_env_notify {
  \builtin local __cowork_env_id
  [[ $- == *i* ]] && ((BASH_SUBSHELL == 0)) || \builtin return 0
  while [[ -n $1 ]]; do
    __cowork_env_id=${1%%$'\1'*}
    \builtin set -- "${1#*$'\1'}"
    if [[ " $__cowork_env_shown " != *" $__cowork_env_id "* ]]; then
      __cowork_env_shown="$__cowork_env_id ${__cowork_env_shown:0:512}"
      \builtin printf 'cowork-env: %s\n' "${1%%$'\1'*}" >&2
    fi
    \builtin set -- "${1#*$'\1'}"
  done
}

# Define the functions that others may call, and put ours before what they call.
function __cowork_env_wrap {
  \builtin local __cowork_env_name __cowork_env_text
  # At the first prompt the user's aliases must not be expanded in what is evaluated here.
  \builtin set --
  ! \builtin shopt -q expand_aliases || \builtin set -- on
  \builtin shopt -u expand_aliases
  # cd, pushd and popd have no prefix, so they may be copied into a shell that lacks the rest of this
  # file, or its variables: there they are the plain builtins. A user's own is kept under another
  # name, and called.
  # Nearly always they are ours at the first prompt, which takes one subshell to see.
  __cowork_env_text=
  ! \builtin declare -F cd pushd popd >/dev/null ||
    __cowork_env_text=$(\builtin declare -f cd pushd popd)
  [[ $__cowork_env_text == *'__cowork_env_move cd '*'__cowork_env_move pushd '*'__cowork_env_move popd '* ]] ||
    \builtin set -- "${1-}" cd pushd popd
  for __cowork_env_name in "${@:2}"; do
    __cowork_env_text="$__cowork_env_name { \\builtin $__cowork_env_name \"\$@\"; }"
    ! \builtin declare -F "$__cowork_env_name" >/dev/null ||
      __cowork_env_text=$(\builtin declare -f "$__cowork_env_name")
    [[ $__cowork_env_text != *"__cowork_env_move $__cowork_env_name "* ]] || \builtin continue
    \builtin eval "function __cowork_env_users_$__cowork_env_name ${__cowork_env_text#"$__cowork_env_name" }"
    \builtin eval "function $__cowork_env_name {
      if [[ -n \${__cowork_env_loaded+x} ]]; then __cowork_env_move $__cowork_env_name \"\$@\"; else \\builtin $__cowork_env_name \"\$@\" || \\builtin return; fi
    }"
  done
  # In posix mode, the rest are no names of functions.
  if [[ :$SHELLOPTS: != *:posix:* ]]; then
    # What zoxide, z, goto, enhancd and oh-my-bash change the directory with: the builtin cd.
    for __cowork_env_name in __zoxide_cd _z _goto_directory __enhancd::cd::builtin \
      _omb_directories_cd; do
      \builtin declare -F "$__cowork_env_name" >/dev/null || \builtin continue
      __cowork_env_text=$(\builtin declare -f "$__cowork_env_name")
      [[ $__cowork_env_text != *'__cowork_env_follow '* ]] || \builtin continue
      \builtin eval "function __cowork_env_users_$__cowork_env_name ${__cowork_env_text#"$__cowork_env_name" }"
      \builtin eval "function $__cowork_env_name { __cowork_env_follow __cowork_env_users_$__cowork_env_name \"\$@\"; }"
    done
    # What the command changes is in force for the next command of the line.
    \builtin declare -F cowork-env >/dev/null || \builtin eval 'function cowork-env {
      if [[ -z ${__cowork_env_loaded+x} || $- != *i* ]]; then \command cowork-env "$@"; else __cowork_env_follow __cowork_env_command "$@"; fi
    }'
  fi
  [[ -z ${1-} ]] || \builtin shopt -s expand_aliases
}
__cowork_env_wrap

# First, so that what shows a prompt has the variables. From bash 5.1 on, each item of a list starts
# with the $? and PIPESTATUS of the command line. bash exports no list.
if [[ "${PROMPT_COMMAND[*]-}${precmd_functions[*]-}${__vsc_original_prompt_command-}" != *__cowork_env_prompt* ]]; then
  # As text, for a line of its own. "&& :" keeps set -e and an ERR trap from taking the status, which
  # is passed on, for a failure of the hook. A child shell that inherits the text alone runs nothing.
  # shellcheck disable=SC2016
  __cowork_env_item='${__cowork_env_loaded+"__cowork_env_prompt"} && :'
  # shellcheck disable=SC2128,SC2178
  if [[ ${PROMPT_COMMAND-} == *__bp_install* ]]; then
    # bash-preexec is loaded, and will take the text over at the first prompt. It has its own list.
    precmd_functions=(__cowork_env_prompt ${precmd_functions[@]+"${precmd_functions[@]}"})
  elif [[ ${PROMPT_COMMAND-} == __vsc_prompt_cmd* ]]; then
    # VS Code's integration is loaded, and takes every command outside of its own for a typed one.
    __vsc_original_prompt_command=$__cowork_env_item${__vsc_original_prompt_command:+$'\n'$__vsc_original_prompt_command}
    PROMPT_COMMAND=__vsc_prompt_cmd_original
  elif ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 501)); then
    # Last, as it would hide PIPESTATUS from the rest.
    PROMPT_COMMAND=${PROMPT_COMMAND:+$PROMPT_COMMAND$'\n'}$__cowork_env_item
  elif [[ ${TERM_PROGRAM-} == vscode && -n ${PROMPT_COMMAND-} && ${#PROMPT_COMMAND[@]} -eq 1 ]]; then
    # VS Code's integration takes text over, but of a list only the first item.
    PROMPT_COMMAND=$__cowork_env_item$'\n'$PROMPT_COMMAND
  else
    PROMPT_COMMAND=(__cowork_env_prompt_first ${PROMPT_COMMAND[@]+"${PROMPT_COMMAND[@]}"})
    # To a list of one, JetBrains' integration appends text, for which bash restores no $?.
    [[ ${TERMINAL_EMULATOR-} != JetBrains* || ${#PROMPT_COMMAND[@]} -gt 1 ]] || PROMPT_COMMAND+=(:)
  fi
  \builtin unset -v __cowork_env_item
fi

# The completion is read at the first Tab. One of the user's own stays.
if [[ $- == *i* ]] && ! \builtin complete -p cowork-env >/dev/null 2>&1; then
  function __cowork_env_complete {
    \builtin set -- "$@" "${BASH_COMPLETION_USER_DIR:-${XDG_DATA_HOME:-${HOME-}/.local/share}/bash-completion}/completions/cowork-env"
    if [[ -r ${!#} ]]; then
      \builtin complete -r cowork-env
      # shellcheck source=/dev/null
      \builtin . "${!#}" >/dev/null 2>&1
      \builtin return 124 # bash looks for a completion once more
    fi
    \builtin set -- "${1-}" "${2-}" "${__cowork_env_file%hook.bash}completion.bash"
    [[ -r $3 ]] || \builtin return 0
    # shellcheck source=/dev/null
    \builtin . "$3"
    __cowork_env_complete "$1" "$2"
  }
  \builtin complete -F __cowork_env_complete cowork-env 2>/dev/null || :
fi

# A startup file is not the end: what follows in it may depend on the provider.
case $- in
  *i*) __cowork_env_with_options_saved move ;;
  *) __cowork_env_with_options_saved script ;;
esac

[[ -z ${__cowork_env_allexport-} ]] || {
  \builtin unset -v __cowork_env_allexport
  \builtin set -a
}
[[ -z ${__cowork_env_aliases-} ]] || {
  \builtin unset -v __cowork_env_aliases
  \builtin shopt -s expand_aliases
}
