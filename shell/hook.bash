# shellcheck shell=bash disable=SC2154 # it does not see assignments in "\builtin local"
# cowork-env's hook for bash 3.2 and later: eval "$(cowork-env hook bash)"
#
# At a prompt where nothing changed it starts no process: it compares the directory, the pins on the way up, and the
# time stamps of a few files with what the last answer was about. For something new it asks the program once, and
# remembers the answer. Everything is kept in arrays, which bash never exports. Words that only bash 4 or later knows
# are not used without a fallback: macOS ships bash 3.2.
#
# Ctrl-C may break this off anywhere. Outside start-up no array is made by name=(...): bash reads that like a file, and an
# interrupt meanwhile leaves it at this one's end, which ends the shell.

\builtin shopt -q expand_aliases && \builtin shopt -u expand_aliases && __cowork_env_aliases=(1)

# The folders that the program was told at start-up, and the environment they came from.
__cowork_env_folders=(@STATE_DIR@ @CONFIG_DIR@ "${HOME-}:${XDG_CONFIG_HOME-}:${XDG_STATE_HOME-}")
# Where the remembered answers are from: only those files are watched.
__cowork_env_sources=('')
# $PWD, the physical directory, whether it is gone; then the places of the pins that could apply there.
__cowork_env_here=('' '' '')
__cowork_env_chain=()
# The answer in force: the question it answers, COWORK_ENV_STATE, provider, how to undo it, error.
__cowork_env_current=('' '' '' '' '')
# The watched files (see ask.py) as one condition, which holds as long as none has changed, and as a function: bash parses
# that only once.
__cowork_env_watches=('-z x')
function __cowork_env_unchanged { \builtin return 1; }
# The number of pins that have to be read, once there is a function __cowork_env_unmoved for all files that a prompt has
# to look at; and the strings and pins (place and content) beside it. They save looking closely. And all pins that are there.
__cowork_env_still=()
__cowork_env_around=('')
__cowork_env_known=()
__cowork_env_seen=()
# Whether the last prompt, too, found nothing changed.
__cowork_env_idle=()
# Remembered answers, as parallel lists: question, files of its own to watch, guard, apply, undo, state, name, label,
# error, expiry.
__cowork_env_questions=() __cowork_env_files=() __cowork_env_guards=() __cowork_env_applies=() __cowork_env_undoes=() __cowork_env_states=()
__cowork_env_names=() __cowork_env_labels=() __cowork_env_errors=() __cowork_env_expiries=()
__cowork_env_next=(0)
# COWORK_ENV_STATE before a change that is under way, and how to undo that.
__cowork_env_half=()
# What was said already; variables that were set but not exported before we exported them, as name=value; the question
# that a slow look-up is under way for; and whether no prompt has been reached yet.
__cowork_env_said=('')
__cowork_env_kept=(${__cowork_env_kept[@]+"${__cowork_env_kept[@]}"})
__cowork_env_asking=()
__cowork_env_fresh=(f)
# Named by an inherited state until the first answer.
[[ -z ${COWORK_ENV_STATE-} ]] || __cowork_env_current[2]=${COWORK_ENV_ACTIVE-}

function __cowork_env_prompt {
  \builtin set -- "$?"
  case $- in
    *[xT]*) ;; # A trace would show what is compared, and a DEBUG trap would see it.
    *)
      # The short way, with the person's own options.
      if [[ -n ${__cowork_env_still-} ]] && __cowork_env_unmoved &&
        \builtin test "$PWD"$'\2'"${COWORK_ENV_STATE-}"$'\2'"${COWORK_PROVIDER-}"$'\2'"${COWORK_ENV_PROVIDERS_FILE-}"$'\2'"${COWORK_ENV_PROVIDERS_JSON-}"$'\2'"${HOME-}:${XDG_CONFIG_HOME-}:${XDG_STATE_HOME-}" = "${__cowork_env_around[0]}"; then
        # The pins that are there still have to say what they said. Without a name, read keeps blanks by itself; and not
        # from standard input, which a Ctrl-C at the wrong moment would leave at the pin's end, and end the shell.
        ((__cowork_env_still)) || \builtin return "$1"
        \builtin local REPLY
        \builtin set -- "$1" "${__cowork_env_known[@]}"
        while (($# > 1)); do
          REPLY=
          \builtin read -r -d '' -n 4097 -u 9 2>/dev/null 9<"$2"
          \builtin test "$REPLY" = "$3" || \builtin break
          \builtin set -- "$1" "${@:4}"
        done
        (($# > 1)) || \builtin return "$1"
      fi
      ;;
  esac
  __cowork_env_calmly prompt
  \builtin return "$1"
}

# Update with those options off that would show or stop what is done, and back to the person's on return, by whatever way.
function __cowork_env_calmly {
  if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] > 403)); then
    \builtin local -
    \builtin set +aeuvxkET
    __cowork_env_update "$1"
  else
    # bash before 4.4 has no "local -", so they are put back by hand. Not one may stay on: set -e would end the shell in
    # spite of "||", as it is "builtin eval", and a DEBUG trap would see keys under set -T.
    \builtin set -- "$1" "${-//[!aeuvxkET]/}"
    { \builtin set +aeuvxkET; } 2>/dev/null
    __cowork_env_update "$1"
    [[ -z $2 ]] || \builtin set "-$2"
  fi
  \builtin return 0
}

# cd, pushd and popd with a provider in their wake. The first argument is the command's name.
function __cowork_env_move {
  if \builtin test "${FUNCNAME[1]-}" = "$1"; then
    if "__cowork_env_users_$1" "${@:2}"; then \builtin set -- 0; else \builtin set -- "$?"; fi
  else
    # By another name this is the cd that somebody's own has kept and goes on to: were it not the plain one, they would go
    # on to each other for ever.
    if \builtin "$@"; then \builtin set -- 0; else \builtin set -- "$?"; fi
  fi
  __cowork_env_calmly move
  \builtin return "$1"
}

# Make the environment right for here and now. Argument: prompt or move.
function __cowork_env_update {
  # All in one scope: bash looks for a variable in each that there is, from within.
  \builtin local __cowork_env_question __cowork_env_pins IFS=$' \t\n' __cowork_env_changed='' __cowork_env_file __cowork_env_text __cowork_env_i __cowork_env_was
  \builtin unset -v __cowork_env_still
  [[ -z ${__cowork_env_half+x} ]] || __cowork_env_mend "${__cowork_env_fresh:+$__cowork_env_half}"
  # Strings are compared by test throughout: [[ ]] folds case under nocasematch.
  if ! \builtin test "$PWD" = "${__cowork_env_here[0]}" || [[ ! . -ef ${__cowork_env_here[1]} && -z ${__cowork_env_here[2]} ]]; then
    __cowork_env_locate
  fi
  __cowork_env_look
  __cowork_env_unchanged || __cowork_env_changed=1
  if \builtin test "${COWORK_ENV_STATE-}" != "${__cowork_env_current[1]}"; then
    # Somebody took our state away; what we know of it ourselves is better than nothing.
    __cowork_env_current[0]=''
    __cowork_env_leave 2>/dev/null
    __cowork_env_changed=1
  fi
  if [[ -n ${__cowork_env_asking-} ]]; then
    # The person interrupted a slow look-up: no provider then, until something changes.
    __cowork_env_leave 2>/dev/null
    __cowork_env_current[0]=$__cowork_env_asking
    \builtin unset -v __cowork_env_asking
  fi
  if [[ -n $__cowork_env_changed ]]; then
    __cowork_env_forget
  elif [[ -z ${__cowork_env_fresh-} ]] && \builtin test "$__cowork_env_question" = "${__cowork_env_current[0]}"; then
    if [[ $1 == prompt ]]; then
      # Making the list pays only where somebody stays.
      [[ -z ${__cowork_env_idle-} ]] || __cowork_env_rest
      __cowork_env_idle[0]=1
    fi
    \builtin return
  fi
  \builtin unset -v __cowork_env_idle
  __cowork_env_current[0]='' # An interrupt may leave the rest half done.
  if [[ -n ${__cowork_env_fresh-} ]] || ! __cowork_env_recall; then __cowork_env_ask; fi
  if [[ $1 == prompt && -n ${__cowork_env_fresh-} ]]; then
    __cowork_env_wrap # What a start-up file defined after us, before the first command line.
    \builtin unset -v __cowork_env_fresh
  fi
}

function __cowork_env_forget {
  \builtin unset -v __cowork_env_questions
  __cowork_env_next[0]=0
}

# A change did not come to its end: go back to where no provider is active, from whatever is there of either. No interrupt
# breaks this off again. Argument: a state that this shell inherited; of what was before it, only the program can tell.
function __cowork_env_mend {
  \builtin local __cowork_env_trap
  __cowork_env_trap=$(\builtin trap -p INT)
  \builtin trap '' INT
  {
    \builtin eval "${__cowork_env_half[1]}"
    __cowork_env_leave
    [[ -z $1 ]] || \builtin export COWORK_ENV_STATE="$1"
  } 2>/dev/null
  __cowork_env_current[0]=''
  \builtin unset -v __cowork_env_half
  \builtin eval "${__cowork_env_trap:-\\builtin trap - INT}"
}

# The physical directory and the places of its pins.
function __cowork_env_locate {
  \builtin local __cowork_env_dir
  __cowork_env_here[0]='' # An interrupt may leave the rest half done.
  if __cowork_env_climb "$PWD" && [[ . -ef $PWD ]]; then
    __cowork_env_here[2]='' __cowork_env_here[1]=$PWD __cowork_env_here[0]=$PWD
    \builtin return
  fi
  __cowork_env_dir=$(\builtin pwd -P 2>/dev/null)
  if [[ -n $__cowork_env_dir && . -ef $__cowork_env_dir ]]; then
    \builtin set -- "$__cowork_env_dir" ''
  else
    \builtin set -- "$PWD" gone
  fi
  __cowork_env_climb "$1" || :
  __cowork_env_here[2]=$2 __cowork_env_here[1]=$1 __cowork_env_here[0]=$PWD
}

# List the places of pins in a directory and above it; fails when a symbolic link is on the way.
function __cowork_env_climb {
  \builtin local __cowork_env_part __cowork_env_n __cowork_env_dir='' __cowork_env_link=0 IFS=/
  # Cut at the slashes, and at nothing else.
  # shellcheck disable=SC2086
  case $- in
    *f*) \builtin set -- ${1#/} ;;
    *)
      \builtin set -f
      \builtin set -- ${1#/}
      \builtin set +f
      ;;
  esac
  __cowork_env_n=$#
  \builtin unset -v __cowork_env_chain
  __cowork_env_chain[__cowork_env_n]=/.cowork-provider
  for __cowork_env_part in "$@"; do
    # One command, as bash takes as long for each as for a look at a file.
    __cowork_env_dir=$__cowork_env_dir/$__cowork_env_part __cowork_env_chain[--__cowork_env_n]=$__cowork_env_dir/.cowork-provider
    [[ ! -L $__cowork_env_dir ]] || __cowork_env_link=1
  done
  \builtin return "$__cowork_env_link"
}

# What an answer depends on, beside the watched files: a few variables, and the pins with their contents. Its variables
# are those of __cowork_env_update.
function __cowork_env_look {
  __cowork_env_pins=''
  \builtin unset -v __cowork_env_known __cowork_env_seen
  for __cowork_env_file in "${__cowork_env_chain[@]}"; do
    if [[ -e $__cowork_env_file ]]; then
      __cowork_env_seen[${#__cowork_env_seen[@]}]=$__cowork_env_file
      __cowork_env_text='!'
      # Neither a FIFO nor something in /proc, which has no size, is opened here, nor what could become one by now.
      if [[ -f $__cowork_env_file && -s $__cowork_env_file && -r $__cowork_env_file ]]; then
        __cowork_env_text='?'
        if [[ -O ${__cowork_env_file%.cowork-provider} && ! -k ${__cowork_env_file%.cowork-provider} && ! -g ${__cowork_env_file%.cowork-provider} && ! -L $__cowork_env_file ]]; then
          IFS='' \builtin read -r -d '' -n 4097 -u 9 __cowork_env_text 2>/dev/null 9<"$__cowork_env_file"
          __cowork_env_known[${#__cowork_env_known[@]}]=$__cowork_env_file
          __cowork_env_known[${#__cowork_env_known[@]}]=$__cowork_env_text
        fi
      fi
      __cowork_env_pins=$__cowork_env_pins$__cowork_env_file$'\1'$__cowork_env_text$'\1'
    fi
  done
  __cowork_env_question=$__cowork_env_pins$'\2'${COWORK_PROVIDER-}$'\2'${COWORK_ENV_PROVIDERS_FILE-}$'\2'${COWORK_ENV_PROVIDERS_JSON-}$'\2'${HOME-}:${XDG_CONFIG_HOME-}:${XDG_STATE_HOME-}
}

# Nothing changed since the last prompt: note what to look at until something does.
function __cowork_env_rest {
  \builtin local __cowork_env_file __cowork_env_word __cowork_env_code
  __cowork_env_around[0]=$PWD$'\2'${COWORK_ENV_STATE-}${__cowork_env_question#"$__cowork_env_pins"}
  __cowork_env_code=${__cowork_env_watches[0]}
  if [[ -z ${__cowork_env_here[2]} ]]; then
    \builtin printf -v __cowork_env_word %q "${__cowork_env_here[1]}"
    __cowork_env_code+=" && . -ef $__cowork_env_word"
  fi
  for __cowork_env_file in "${__cowork_env_chain[@]}"; do
    \builtin printf -v __cowork_env_word %q "$__cowork_env_file"
    if [[ ! -e $__cowork_env_file ]]; then
      __cowork_env_code+=" && ! -e $__cowork_env_word"
    elif [[ -f $__cowork_env_file && -s $__cowork_env_file && -r $__cowork_env_file ]]; then
      __cowork_env_code+=" && -f $__cowork_env_word && -s $__cowork_env_word && -r $__cowork_env_word"
    else
      __cowork_env_code+=" && -e $__cowork_env_word && ! ( -f $__cowork_env_word && -s $__cowork_env_word && -r $__cowork_env_word )"
    fi
  done
  \builtin eval "function __cowork_env_unmoved { [[ $__cowork_env_code ]]; }"
  __cowork_env_still[0]=${#__cowork_env_known[@]}
}

# Put back what was there before the provider that is active, as far as this shell knows it.
function __cowork_env_leave {
  \builtin eval "${__cowork_env_current[3]}"
  for __cowork_env_file in "${__cowork_env_kept[@]}"; do
    __cowork_env_text=${__cowork_env_file%%=*}
    [[ -n ${!__cowork_env_text+x} ]] || \builtin printf -v "$__cowork_env_text" %s "${__cowork_env_file#*=}"
  done
  \builtin unset -v __cowork_env_kept
  __cowork_env_current[1]='' __cowork_env_current[3]=''
}

# Answer from memory; fails when only the program can. Its variables are those of __cowork_env_update.
function __cowork_env_recall {
  __cowork_env_was=${__cowork_env_current[2]}
  for __cowork_env_i in "${!__cowork_env_questions[@]}"; do
    \builtin test "${__cowork_env_questions[__cowork_env_i]}" = "$__cowork_env_question" || \builtin continue
    ((__cowork_env_expiries[__cowork_env_i] == 0 || SECONDS < __cowork_env_expiries[__cowork_env_i])) || \builtin return 1
    [[ -z ${__cowork_env_files[__cowork_env_i]} ]] || \builtin eval "[[ ${__cowork_env_files[__cowork_env_i]} ]]" || \builtin return 1
    if \builtin test "${__cowork_env_states[__cowork_env_i]}" != "${__cowork_env_current[1]}"; then
      # Of one provider in two forms, something may be the person's own meanwhile; the program can tell.
      [[ -z $__cowork_env_was ]] || \builtin test "$__cowork_env_was" != "${__cowork_env_names[__cowork_env_i]}" || \builtin return 1
      __cowork_env_half[1]=${__cowork_env_undoes[__cowork_env_i]} __cowork_env_half[0]=${COWORK_ENV_STATE-}
      {
        __cowork_env_leave
        [[ -z ${__cowork_env_applies[__cowork_env_i]} ]] || {
          \builtin eval "${__cowork_env_guards[__cowork_env_i]}" && \builtin eval "${__cowork_env_applies[__cowork_env_i]}"
        }
      } 2>/dev/null || {
        __cowork_env_mend ''
        \builtin return 1
      }
      __cowork_env_current[3]=${__cowork_env_undoes[__cowork_env_i]} __cowork_env_current[1]=${__cowork_env_states[__cowork_env_i]}
      \builtin unset -v __cowork_env_half
    fi
    __cowork_env_settle "${__cowork_env_names[__cowork_env_i]}" "${__cowork_env_labels[__cowork_env_i]}" "${__cowork_env_errors[__cowork_env_i]}" "$__cowork_env_was"
    \builtin return 0
  done
  \builtin return 1
}

# Ask the program, do what it says, and remember it. The answer's items are the positional parameters: see ask.py.
function __cowork_env_ask {
  \builtin local __cowork_env_state_dir __cowork_env_config_dir __cowork_env_again='' "__cowork_env_was=${__cowork_env_current[2]}" "__cowork_env_flags=${__cowork_env_fresh-}l"
  if \builtin test "${__cowork_env_folders[2]}" = "${HOME-}:${XDG_CONFIG_HOME-}:${XDG_STATE_HOME-}"; then
    __cowork_env_state_dir=${__cowork_env_folders[0]} __cowork_env_config_dir=${__cowork_env_folders[1]}
  fi
  ((BASH_VERSINFO[0] > 4)) || __cowork_env_flags=${__cowork_env_flags}s
  __cowork_env_text=${COWORK_ENV_PROVIDERS_FILE-}$'\2'${COWORK_ENV_PROVIDERS_JSON-}$'\2'${HOME-}:${XDG_CONFIG_HOME-}:${XDG_STATE_HOME-}
  if ! \builtin test "$__cowork_env_text" = "${__cowork_env_sources[0]}"; then
    __cowork_env_forget
    __cowork_env_sources[0]=$__cowork_env_text
  fi
  while :; do
    __cowork_env_text=$(\builtin exec @ASK@ bash "$__cowork_env_flags" "$__cowork_env_state_dir" "$__cowork_env_config_dir" '' "${__cowork_env_seen[@]}" @PACKAGE@ </dev/null 2>/dev/null)
    __cowork_env_i=$?
    \builtin set --
    \builtin eval "$__cowork_env_text"
    if (($# < 14)); then
      if ((__cowork_env_i == 1)) && [[ -z $__cowork_env_again && -z ${__cowork_env_asking-} ]]; then
        # A Ctrl-C while Python starts ends it like any mistake, so once is not enough to call it gone.
        __cowork_env_again=1
        \builtin continue
      fi
      __cowork_env_leave 2>/dev/null
      __cowork_env_text=
      if ((__cowork_env_i == 130)); then
        # Interrupted, and the person's own INT trap let us go on. A slow look-up is given up, a short one comes again.
        [[ -n ${__cowork_env_asking-} ]] || __cowork_env_question=$'\2'
      elif [[ " ${__cowork_env_said[0]} " != *' gone '* ]]; then
        __cowork_env_text='the program cannot be run any more; install it again, or take its line out of your start-up file'
        __cowork_env_said[0]="gone ${__cowork_env_said[0]}"
      fi
      \builtin unset -v __cowork_env_asking
      __cowork_env_settle '' '' "$__cowork_env_text" "$__cowork_env_was"
      \builtin return
    fi
    __cowork_env_keep "${13}"
    __cowork_env_half[1]=${12} __cowork_env_half[0]=${COWORK_ENV_STATE-}
    if ! \builtin eval "$9" 2>/dev/null; then
      __cowork_env_mend ''
      __cowork_env_settle '' '' "$5 is not in force: one of its variables is read-only in this shell" "$__cowork_env_was"
      \builtin return
    fi
    if [[ $3 != *m* ]]; then
      __cowork_env_current[3]=${12} __cowork_env_current[1]=$8
    elif [[ -n $9 ]]; then
      # What was active is left by now, as the provider is another.
      __cowork_env_current[4]='' __cowork_env_current[3]='' __cowork_env_current[1]=''
    fi
    \builtin unset -v __cowork_env_half
    __cowork_env_watch "${@:15 + 2 * ${14}}"
    [[ $3 == *m* ]] || \builtin break
    # A slow look-up follows.
    __cowork_env_asking[0]=$__cowork_env_question
    __cowork_env_flags=${__cowork_env_flags}p
  done
  \builtin unset -v __cowork_env_asking
  if [[ -n $1 && $1 != "${__cowork_env_here[1]}" ]] || [[ -n $2 && $2 != "$__cowork_env_pins" ]] || [[ $3 == *p* ]]; then
    # It was about something that has changed since, or may change unseen: ask again at the next prompt.
    __cowork_env_question=$'\2'
  elif [[ $3 == *k* ]]; then
    __cowork_env_remember "$@"
  fi
  __cowork_env_text=$6
  [[ -z ${__cowork_env_fresh-} || $3 != *c* ]] || __cowork_env_text=
  __cowork_env_settle "$5" "$__cowork_env_text" "$7" "$__cowork_env_was"
  \builtin set -- "${@:15:2 * ${14}}"
  while (($#)); do
    __cowork_env_once "$1" "$2"
    \builtin shift 2
  done
}

# Turn watches, a file and its reference each, into one condition.
function __cowork_env_watch {
  \builtin local __cowork_env_file __cowork_env_word __cowork_env_code
  __cowork_env_code='-n x'
  while (($#)); do
    \builtin printf -v __cowork_env_file %q "$1"
    \builtin printf -v __cowork_env_word %q "${2#=}"
    case $2 in
      '') __cowork_env_code+=" && ! -e $__cowork_env_file" ;;
      =*) __cowork_env_code+=" && $__cowork_env_file -ef $__cowork_env_word" ;;
      # Were there no reference, the file would be newer.
      *) __cowork_env_code+=" && -e $__cowork_env_file && ! $__cowork_env_file -nt $__cowork_env_word && ! $__cowork_env_file -ot $__cowork_env_word" ;;
    esac
    \builtin shift 2
  done
  __cowork_env_watches[0]=$__cowork_env_code
  \builtin eval "function __cowork_env_unchanged { [[ $__cowork_env_code ]]; }"
}

# Of these variables, one that is set but not exported is unknown to the program; its value comes back on leaving.
function __cowork_env_keep {
  for __cowork_env_file in $1; do
    if [[ -n ${!__cowork_env_file+x} ]]; then
      __cowork_env_kept[${#__cowork_env_kept[@]}]=$__cowork_env_file=${!__cowork_env_file}
      \builtin unset -v "$__cowork_env_file" 2>/dev/null # An array cannot be exported.
    fi
  done
}

# Remember an answer, given as its items.
function __cowork_env_remember {
  \builtin local "__cowork_env_n=${__cowork_env_next[0]}"
  # First of all none, and the question last: what an interrupt leaves half done answers nothing.
  __cowork_env_questions[__cowork_env_n]=
  __cowork_env_files[__cowork_env_n]=
  [[ $3 != *w* ]] || __cowork_env_files[__cowork_env_n]=${__cowork_env_watches[0]}
  __cowork_env_guards[__cowork_env_n]=${10}
  __cowork_env_applies[__cowork_env_n]=${11}
  __cowork_env_undoes[__cowork_env_n]=${12}
  __cowork_env_states[__cowork_env_n]=$8
  __cowork_env_names[__cowork_env_n]=$5
  __cowork_env_labels[__cowork_env_n]=$6
  __cowork_env_errors[__cowork_env_n]=$7
  __cowork_env_expiries[__cowork_env_n]=$(($4 + 0 ? SECONDS + $4 : 0))
  __cowork_env_questions[__cowork_env_n]=$__cowork_env_question
  __cowork_env_next[0]=$(((__cowork_env_n + 1) % 32))
}

# The question is answered: note it, and say what is new. Arguments: name, label, error, the name before.
function __cowork_env_settle {
  \builtin local "__cowork_env_error=${__cowork_env_current[4]}"
  __cowork_env_current[0]=$__cowork_env_question
  __cowork_env_current[2]=$1
  __cowork_env_current[4]=$3
  ((BASH_SUBSHELL == 0)) || \builtin return 0
  if [[ -n $3 ]] && \builtin test "$3" != "$__cowork_env_error"; then
    \builtin printf 'cowork-env: %s\n' "$3" >&2
  elif [[ $- == *i* && ${COWORK_ENV_QUIET-} != 1 ]] && \builtin test "$1" != "$4"; then
    if [[ -z $1 ]]; then
      \builtin printf 'cowork-env: left %s\n' "$4" >&2
    elif [[ -n $2 ]]; then
      \builtin printf 'cowork-env: %s\n' "$2" >&2
    fi
  fi
}

# Say something once in the life of this shell. Arguments: what tells it from other things, the words.
function __cowork_env_once {
  [[ $- == *i* && " ${__cowork_env_said[0]} " != *" $1 "* ]] && ((BASH_SUBSHELL == 0)) || \builtin return 0
  __cowork_env_said[0]="$1 ${__cowork_env_said:0:512}"
  \builtin printf 'cowork-env: %s\n' "$2" >&2
}

# These three are public, and so may be copied into a shell that has nothing else of this file, or its functions without
# its arrays: plain work there, and above all no other provider's key. A person's own cd, pushd or popd goes on doing its
# work, under another name.
function __cowork_env_wrap {
  \builtin local __cowork_env_name __cowork_env_text
  __cowork_env_text=$(\builtin declare -f cd pushd popd) || : # not all of them are functions yet
  [[ $__cowork_env_text != *'__cowork_env_move cd '*'__cowork_env_move pushd '*'__cowork_env_move popd '* ]] || \builtin return 0
  # At the first prompt the person's aliases must not be expanded in what is evaluated here.
  \builtin set --
  ! \builtin shopt -q expand_aliases || \builtin set -- on
  \builtin shopt -u expand_aliases
  for __cowork_env_name in cd pushd popd; do
    __cowork_env_text=$(\builtin declare -f "$__cowork_env_name") || __cowork_env_text="$__cowork_env_name { \\builtin $__cowork_env_name \"\$@\"; }"
    [[ $__cowork_env_text != *"__cowork_env_move $__cowork_env_name "* ]] || \builtin continue
    \builtin eval "function __cowork_env_users_$__cowork_env_name ${__cowork_env_text#"$__cowork_env_name" }"
    \builtin eval "function $__cowork_env_name {
      if [[ -n \${__cowork_env_folders+x} ]]; then __cowork_env_move $__cowork_env_name \"\$@\"; else \\builtin $__cowork_env_name \"\$@\" || \\builtin return; fi
    }"
  done
  [[ -z ${1-} ]] || \builtin shopt -s expand_aliases
}
__cowork_env_wrap

# On the end of what is there, so that others see $? and PIPESTATUS first. "&& :" keeps set -e and an ERR trap from
# taking the status, which is handed on, for a failure of ours. A shell below that inherits the variable alone runs nothing.
if [[ "${PROMPT_COMMAND[*]-}" != *__cowork_env_prompt* ]]; then
  if [[ -n ${PROMPT_COMMAND[*]-} ]] && ((${#PROMPT_COMMAND[@]} > 1 && BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] > 500)); then
    PROMPT_COMMAND[${#PROMPT_COMMAND[@]}]='${__cowork_env_folders+"__cowork_env_prompt"} && :'
  else
    # A line of its own, so that it does not matter how the text before it ends. Of an array, its first element.
    # shellcheck disable=SC2128,SC2178
    PROMPT_COMMAND="${PROMPT_COMMAND:+${PROMPT_COMMAND}
}\${__cowork_env_folders+\"__cowork_env_prompt\"} && :"
  fi
fi

[[ -z ${__cowork_env_aliases-} ]] || { \builtin unset -v __cowork_env_aliases; \builtin shopt -s expand_aliases; }
