# cowork-env's hook for zsh 5.1 and later: eval "$(cowork-env hook zsh)"
#
# It reaches eval inside "emulate zsh -c", so that these functions run with zsh's own options, whatever the person's.
#
# At a prompt where nothing changed it starts no process: it compares the directory, the pins on the way up, and the
# time stamps of a few files with what the last answer was about. For something new it asks the program once, and
# remembers the answer. Everything is kept in arrays, which zsh never exports.

builtin zmodload zsh/system 2>/dev/null

# The folders that the program was told at start-up, and the environment they came from.
__cowork_env_folders=(@STATE_DIR@ @CONFIG_DIR@ "${HOME-}:${XDG_CONFIG_HOME-}:${XDG_STATE_HOME-}")
# Where the remembered answers are from: only those files are watched.
__cowork_env_sources=('')
# $PWD, the physical directory, whether it is gone; then the places of the pins that could apply there.
__cowork_env_here=('' '' '') __cowork_env_chain=()
# The answer in force: the question it answers, COWORK_ENV_STATE, provider, how to undo it, error.
__cowork_env_current=('' '' '' '' '')
# The watched files (see ask.py) as the words of one test, which holds as long as none has changed.
__cowork_env_watches=(-n '')
# The same for everything that a prompt has to look at, and the strings and pins (place and content) beside it. It saves
# looking closely. And all pins that are there.
__cowork_env_still=(-n '') __cowork_env_around=('') __cowork_env_known=() __cowork_env_seen=()
# Whether the last prompt, too, found nothing changed.
__cowork_env_idle=()
# Remembered answers, as parallel lists; files are those of its own that an answer watches.
__cowork_env_questions=() __cowork_env_files=() __cowork_env_guards=() __cowork_env_applies=() __cowork_env_undoes=()
__cowork_env_states=() __cowork_env_names=() __cowork_env_labels=() __cowork_env_errors=()
__cowork_env_expiries=() __cowork_env_next=(1)
# What was said already; variables that were set but not exported before we exported them; the question that a slow
# look-up is under way for; and whether no prompt has been reached yet.
(( ${+__cowork_env_kept} )) || __cowork_env_kept=()
__cowork_env_said=() __cowork_env_asking=() __cowork_env_fresh=(f)
# Named by an inherited state until the first answer.
[[ -z ${COWORK_ENV_STATE-} ]] || __cowork_env_current[3]=${COWORK_ENV_ACTIVE-}

# zsh gives $?, pipestatus and $_ back by itself after the functions that it calls on its own.
function __cowork_env_prompt {
  # First of all, so that neither a trace nor a DEBUG trap of the person's sees what is compared.
  builtin setopt local_options local_traps no_xtrace no_err_exit no_err_return unset no_all_export no_warn_create_global
  builtin trap - DEBUG ZERR
  if builtin test "${__cowork_env_still[@]}" &&
    [[ "$PWD"$'\2'"${COWORK_ENV_STATE-}"$'\2'"${COWORK_PROVIDER-}"$'\2'"${COWORK_ENV_PROVIDERS_FILE-}"$'\2'"${COWORK_ENV_PROVIDERS_JSON-}"$'\2'"${HOME-}:${XDG_CONFIG_HOME-}:${XDG_STATE_HOME-}" == "$__cowork_env_around[1]" ]] &&
    { (( ! $#__cowork_env_known )) || __cowork_env_recognise }; then
    builtin return
  fi
  __cowork_env_update prompt
}

# Whether the pins that are there still say what they said.
function __cowork_env_recognise {
  builtin local __cowork_env_file __cowork_env_content __cowork_env_text
  for __cowork_env_file __cowork_env_content in "${__cowork_env_known[@]}"; do
    __cowork_env_text=
    builtin sysread -s 4097 __cowork_env_text 2>/dev/null <$__cowork_env_file
    [[ $__cowork_env_text == "$__cowork_env_content" ]] || builtin return 1
  done
}

function __cowork_env_moved {
  builtin setopt local_options local_traps no_xtrace no_err_exit no_err_return unset no_all_export no_warn_create_global
  builtin trap - DEBUG ZERR
  __cowork_env_update move
}

# Make the environment right for here and now. Argument: prompt or move.
function __cowork_env_update {
  builtin local __cowork_env_question __cowork_env_pins __cowork_env_changed=
  # An interrupt could leave one provider's key beside another's URL. It is put back on return, see local_traps.
  builtin trap '' INT
  __cowork_env_still=(-n '')
  [[ $PWD == "$__cowork_env_here[1]" && ( . -ef $__cowork_env_here[2] || -n $__cowork_env_here[3] ) ]] || __cowork_env_locate
  __cowork_env_look
  builtin test "${__cowork_env_watches[@]}" || __cowork_env_changed=1
  if [[ ${COWORK_ENV_STATE-} != "$__cowork_env_current[2]" ]]; then
    # Somebody took our state away; what we know of it ourselves is better than nothing.
    __cowork_env_leave
    __cowork_env_changed=1
  fi
  if (( $#__cowork_env_asking )); then
    # The person interrupted a slow look-up: no provider then, until something changes.
    __cowork_env_leave
    __cowork_env_current[1]=$__cowork_env_asking[1]
    __cowork_env_asking=()
  fi
  if [[ -n $__cowork_env_changed ]]; then
    __cowork_env_questions=() __cowork_env_next=(1)
  elif (( ! $#__cowork_env_fresh )) && [[ $__cowork_env_question == "$__cowork_env_current[1]" ]]; then
    if [[ $1 == prompt ]]; then
      # Making the list pays only where somebody stays.
      (( ! $#__cowork_env_idle )) || __cowork_env_rest
      __cowork_env_idle=(1)
    fi
    builtin return 0
  fi
  __cowork_env_idle=()
  __cowork_env_current[1]=''
  if (( $#__cowork_env_fresh )) || ! __cowork_env_recall; then __cowork_env_ask; fi
  [[ $1 != prompt ]] || __cowork_env_fresh=()
}

# The physical directory and the places of its pins.
function __cowork_env_locate {
  builtin local __cowork_env_dir=${PWD:A} __cowork_env_gone
  if [[ ! . -ef $__cowork_env_dir ]]; then
    __cowork_env_dir=$(builtin pwd -P 2>/dev/null)
    [[ . -ef $__cowork_env_dir ]] || __cowork_env_dir=
  fi
  [[ -n $__cowork_env_dir ]] || __cowork_env_dir=$PWD __cowork_env_gone=gone
  builtin local __cowork_env_real=$__cowork_env_dir
  # From the root down, into a list of its full length: zsh would copy a growing one at each step.
  builtin local -a __cowork_env_parts
  __cowork_env_parts=("${(@s:/:)${__cowork_env_dir%/}}")
  builtin local -i __cowork_env_i __cowork_env_n=$#__cowork_env_parts
  __cowork_env_dir=
  __cowork_env_chain=()
  __cowork_env_chain[__cowork_env_n]=/.cowork-provider
  for (( __cowork_env_i = 2; __cowork_env_i <= __cowork_env_n; __cowork_env_i++ )); do
    __cowork_env_dir+=/$__cowork_env_parts[__cowork_env_i]
    __cowork_env_chain[__cowork_env_n-__cowork_env_i+1]=$__cowork_env_dir/.cowork-provider
  done
  __cowork_env_here=("$PWD" "$__cowork_env_real" "$__cowork_env_gone")
}

# What an answer depends on, beside the watched files: a few variables, and the pins with their contents.
function __cowork_env_look {
  builtin local __cowork_env_file __cowork_env_text
  __cowork_env_pins= __cowork_env_known=() __cowork_env_seen=()
  for __cowork_env_file in "${__cowork_env_chain[@]}"; do
    if [[ -e $__cowork_env_file ]]; then
      __cowork_env_seen+=("$__cowork_env_file")
      __cowork_env_text='!'
      # Neither a FIFO nor something in /proc, which has no size, is opened here, nor what could become one by now.
      if [[ -f $__cowork_env_file && -s $__cowork_env_file && -r $__cowork_env_file ]]; then
        __cowork_env_text='?'
        if [[ -O $__cowork_env_file:h && ! -k $__cowork_env_file:h && ! -g $__cowork_env_file:h && ! -L $__cowork_env_file ]]; then
          builtin sysread -s 4097 __cowork_env_text 2>/dev/null <$__cowork_env_file
          __cowork_env_known+=("$__cowork_env_file" "$__cowork_env_text")
        fi
      fi
      __cowork_env_pins+=$__cowork_env_file$'\1'$__cowork_env_text$'\1'
    fi
  done
  __cowork_env_question=$__cowork_env_pins$'\2'${COWORK_PROVIDER-}$'\2'${COWORK_ENV_PROVIDERS_FILE-}$'\2'${COWORK_ENV_PROVIDERS_JSON-}$'\2'${HOME-}:${XDG_CONFIG_HOME-}:${XDG_STATE_HOME-}
}

# Nothing changed since the last prompt: note what to look at until something does.
function __cowork_env_rest {
  builtin local __cowork_env_file
  builtin local -i __cowork_env_i
  __cowork_env_still=("${__cowork_env_watches[@]}")
  [[ -n $__cowork_env_here[3] ]] || __cowork_env_still+=(-a . -ef "$__cowork_env_here[2]")
  __cowork_env_i=$#__cowork_env_still
  __cowork_env_still[__cowork_env_i+4*$#__cowork_env_chain]=  # its full length, see above
  for __cowork_env_file in "${__cowork_env_chain[@]}"; do
    if [[ ! -e $__cowork_env_file ]]; then
      __cowork_env_still[__cowork_env_i+1]=-a
      __cowork_env_still[__cowork_env_i+2]=!
      __cowork_env_still[__cowork_env_i+3]=-e
      __cowork_env_still[__cowork_env_i+4]=$__cowork_env_file
      (( __cowork_env_i += 4 ))
    fi
  done
  __cowork_env_still[__cowork_env_i+1,-1]=()
  for __cowork_env_file in "${__cowork_env_chain[@]}"; do
    if [[ ! -e $__cowork_env_file ]]; then
      builtin continue
    elif [[ -f $__cowork_env_file && -s $__cowork_env_file && -r $__cowork_env_file ]]; then
      __cowork_env_still+=(-a -f "$__cowork_env_file" -a -s "$__cowork_env_file" -a -r "$__cowork_env_file")
    else
      __cowork_env_still+=(-a -e "$__cowork_env_file" -a '(' ! -f "$__cowork_env_file" -o ! -s "$__cowork_env_file" -o ! -r "$__cowork_env_file" ')')
    fi
  done
  __cowork_env_around=("$PWD"$'\2'"${COWORK_ENV_STATE-}${__cowork_env_question#"$__cowork_env_pins"}")
}

# Run statements; fails when they could not all be run. A read-only variable would end more than the eval.
function __cowork_env_run {
  builtin local __cowork_env_failed=1
  {
    builtin eval "$1" 2>/dev/null && __cowork_env_failed=0
  } always {
    TRY_BLOCK_ERROR=0
  }
  builtin return $__cowork_env_failed
}

# Put back what was there before the provider that is active, as far as this shell knows it.
function __cowork_env_leave {
  builtin local __cowork_env_name __cowork_env_value
  __cowork_env_run "$__cowork_env_current[4]"
  for __cowork_env_name __cowork_env_value in "${__cowork_env_kept[@]}"; do
    (( ${(P)+__cowork_env_name} )) || builtin typeset -g "$__cowork_env_name=$__cowork_env_value"
  done
  __cowork_env_kept=()
  __cowork_env_current[2]='' __cowork_env_current[4]=''
}

# Answer from memory; fails when only the program can.
function __cowork_env_recall {
  builtin local __cowork_env_i=${__cowork_env_questions[(Ie)$__cowork_env_question]} __cowork_env_was=$__cowork_env_current[3]
  (( __cowork_env_i )) || builtin return 1
  (( __cowork_env_expiries[__cowork_env_i] == 0 || SECONDS < __cowork_env_expiries[__cowork_env_i] )) || builtin return 1
  [[ -z $__cowork_env_files[__cowork_env_i] ]] || builtin eval "builtin test $__cowork_env_files[__cowork_env_i]" || builtin return 1
  if [[ $__cowork_env_states[__cowork_env_i] != "$__cowork_env_current[2]" ]]; then
    # Of one provider in two forms, something may be the person's own meanwhile; the program can tell.
    [[ -z $__cowork_env_was || $__cowork_env_was != "$__cowork_env_names[__cowork_env_i]" ]] || builtin return 1
    __cowork_env_leave
    if [[ -n $__cowork_env_applies[__cowork_env_i] ]]; then
      __cowork_env_run "$__cowork_env_guards[__cowork_env_i]" || builtin return 1
      __cowork_env_run "$__cowork_env_applies[__cowork_env_i]" || { __cowork_env_run "$__cowork_env_undoes[__cowork_env_i]"; builtin return 1 }
    fi
    __cowork_env_current[4]=$__cowork_env_undoes[__cowork_env_i] __cowork_env_current[2]=$__cowork_env_states[__cowork_env_i]
  fi
  __cowork_env_settle "$__cowork_env_names[__cowork_env_i]" "$__cowork_env_labels[__cowork_env_i]" "$__cowork_env_errors[__cowork_env_i]" "$__cowork_env_was"
}

# Ask the program, do what it says, and remember it.
function __cowork_env_ask {
  builtin local __cowork_env_text __cowork_env_first __cowork_env_was=$__cowork_env_current[3] __cowork_env_flags=$__cowork_env_fresh[1]
  builtin local -a __cowork_env_reply __cowork_env_told __cowork_env_again
  __cowork_env_told=("$__cowork_env_folders[1]" "$__cowork_env_folders[2]")
  [[ $__cowork_env_folders[3] == "${HOME-}:${XDG_CONFIG_HOME-}:${XDG_STATE_HOME-}" ]] || __cowork_env_told=('' '')
  __cowork_env_text=${COWORK_ENV_PROVIDERS_FILE-}$'\2'${COWORK_ENV_PROVIDERS_JSON-}$'\2'${HOME-}:${XDG_CONFIG_HOME-}:${XDG_STATE_HOME-}
  if [[ $__cowork_env_text != "$__cowork_env_sources[1]" ]]; then
    __cowork_env_questions=() __cowork_env_next=(1) __cowork_env_sources=("$__cowork_env_text")
  fi
  while :; do
    __cowork_env_reply=()
    __cowork_env_text=$(builtin exec @ASK@ zsh "${__cowork_env_flags}l" "${__cowork_env_told[@]}" '' "${__cowork_env_seen[@]}" @PACKAGE@ </dev/null 2>/dev/null)
    __cowork_env_first=$?
    __cowork_env_run "$__cowork_env_text"
    if (( $#__cowork_env_reply < 14 )); then
      if (( __cowork_env_first == 1 && ! $#__cowork_env_asking && ! $#__cowork_env_again )); then
        # A Ctrl-C while Python starts ends it like any mistake, so once is not enough to call it gone.
        __cowork_env_again=(1)
        builtin continue
      fi
      __cowork_env_leave
      (( $#__cowork_env_asking )) && builtin return
      if (( __cowork_env_first == 130 )); then
        # Interrupted all the same: zsh gives the signal its meaning back in substitutions. It is asked again.
        __cowork_env_question=$'\2'
        __cowork_env_settle '' '' '' "$__cowork_env_was"
        builtin return
      fi
      __cowork_env_text=
      if (( ! ${__cowork_env_said[(Ie)gone]} )); then
        __cowork_env_text='the program cannot be run any more; install it again, or take its line out of your start-up file'
        __cowork_env_said=(gone "${(@)__cowork_env_said[1,31]}")
      fi
      __cowork_env_settle '' '' "$__cowork_env_text" "$__cowork_env_was"
      builtin return
    fi
    __cowork_env_keep
    if ! __cowork_env_run "$__cowork_env_reply[9]"; then
      __cowork_env_run "$__cowork_env_reply[12]"
      __cowork_env_leave
      __cowork_env_settle '' '' "$__cowork_env_reply[5] is not in force: one of its variables is read-only in this shell" "$__cowork_env_was"
      builtin return
    fi
    __cowork_env_first=$(( 15 + 2 * __cowork_env_reply[14] ))
    __cowork_env_watch "${(@)__cowork_env_reply[__cowork_env_first,-1]}"
    [[ $__cowork_env_reply[3] == *m* ]] || builtin break
    # A slow look-up follows, which may be interrupted. What was active is left by now, if the provider is another.
    [[ -z $__cowork_env_reply[9] ]] || __cowork_env_current=('' '' "$__cowork_env_was" '' "$__cowork_env_current[5]")
    __cowork_env_asking=("$__cowork_env_question")
    __cowork_env_flags+=p
    builtin trap - INT
  done
  __cowork_env_asking=()
  __cowork_env_current[4]=$__cowork_env_reply[12] __cowork_env_current[2]=$__cowork_env_reply[8]
  if [[ -n $__cowork_env_reply[1] && $__cowork_env_reply[1] != "$__cowork_env_here[2]" ||
        -n $__cowork_env_reply[2] && $__cowork_env_reply[2] != "$__cowork_env_pins" || $__cowork_env_reply[3] == *p* ]]; then
    # It was about something that has changed since, or may change unseen: ask again at the next prompt.
    __cowork_env_question=$'\2'
  elif [[ $__cowork_env_reply[3] == *k* ]]; then
    __cowork_env_remember
  fi
  __cowork_env_text=$__cowork_env_reply[6]
  (( ! $#__cowork_env_fresh )) || [[ $__cowork_env_reply[3] != *c* ]] || __cowork_env_text=
  __cowork_env_settle "$__cowork_env_reply[5]" "$__cowork_env_text" "$__cowork_env_reply[7]" "$__cowork_env_was"
  builtin local __cowork_env_id
  for __cowork_env_id __cowork_env_text in "${(@)__cowork_env_reply[15,__cowork_env_first-1]}"; do
    __cowork_env_once "$__cowork_env_id" "$__cowork_env_text"
  done
}

# Turn watches, a file and its reference each, into the words of one test.
function __cowork_env_watch {
  builtin local __cowork_env_file __cowork_env_reference
  __cowork_env_watches=(-n x)
  for __cowork_env_file __cowork_env_reference in "$@"; do
    case $__cowork_env_reference in
      ('') __cowork_env_watches+=(-a ! -e "$__cowork_env_file") ;;
      ('='*) __cowork_env_watches+=(-a "$__cowork_env_file" -ef "${__cowork_env_reference#'='}") ;;
      (*) __cowork_env_watches+=(-a -e "$__cowork_env_file" -a -e "$__cowork_env_reference" -a
            ! "$__cowork_env_file" -nt "$__cowork_env_reference" -a ! "$__cowork_env_file" -ot "$__cowork_env_reference") ;;
    esac
  done
}

# A variable that is set but not exported is unknown to the program; its value comes back on leaving.
function __cowork_env_keep {
  builtin local __cowork_env_name
  for __cowork_env_name in ${(s: :)__cowork_env_reply[13]}; do
    (( ${(P)+__cowork_env_name} )) || builtin continue
    __cowork_env_kept+=("$__cowork_env_name" "${(P)__cowork_env_name}")
    __cowork_env_run "builtin unset -v $__cowork_env_name"  # an array or a number cannot take the text
  done
}

function __cowork_env_remember {
  builtin local __cowork_env_n=$__cowork_env_next[1]
  __cowork_env_files[__cowork_env_n]=
  [[ $__cowork_env_reply[3] != *w* ]] || __cowork_env_files[__cowork_env_n]=${(j: :)${(@qq)__cowork_env_watches}}
  __cowork_env_guards[__cowork_env_n]=$__cowork_env_reply[10]
  __cowork_env_applies[__cowork_env_n]=$__cowork_env_reply[11]
  __cowork_env_undoes[__cowork_env_n]=$__cowork_env_reply[12]
  __cowork_env_states[__cowork_env_n]=$__cowork_env_reply[8]
  __cowork_env_names[__cowork_env_n]=$__cowork_env_reply[5]
  __cowork_env_labels[__cowork_env_n]=$__cowork_env_reply[6]
  __cowork_env_errors[__cowork_env_n]=$__cowork_env_reply[7]
  __cowork_env_expiries[__cowork_env_n]=$(( __cowork_env_reply[4] ? SECONDS + __cowork_env_reply[4] : 0 ))
  __cowork_env_questions[__cowork_env_n]=$__cowork_env_question
  __cowork_env_next=($(( __cowork_env_n % 32 + 1 )))
}

# The question is answered: note it, and say what is new. Arguments: name, label, error, the name before.
function __cowork_env_settle {
  builtin local __cowork_env_error=$__cowork_env_current[5]
  __cowork_env_current[1]=$__cowork_env_question
  __cowork_env_current[3]=$1
  __cowork_env_current[5]=$3
  # Neither in a subshell nor in the middle of somebody's widget.
  (( ! ZSH_SUBSHELL && ! ${+WIDGET} )) || builtin return 0
  if [[ -n $3 && $3 != "$__cowork_env_error" ]]; then
    builtin print -r -u2 -- "cowork-env: $3"
  elif [[ $1 != "$4" && -o interactive && ${COWORK_ENV_QUIET-} != 1 ]]; then
    if [[ -z $1 ]]; then
      builtin print -r -u2 -- "cowork-env: left $4"
    elif [[ -n $2 ]]; then
      builtin print -r -u2 -- "cowork-env: $2"
    fi
  fi
}

# Say something once in the life of this shell. Arguments: what tells it from other things, the words.
function __cowork_env_once {
  [[ -o interactive ]] && (( ! ZSH_SUBSHELL && ! ${+WIDGET} && ! ${__cowork_env_said[(Ie)$1]} )) || builtin return 0
  __cowork_env_said=("$1" "${(@)__cowork_env_said[1,31]}")
  builtin print -r -u2 -- "cowork-env: $2"
}

builtin typeset -ga precmd_functions chpwd_functions
(( ${precmd_functions[(Ie)__cowork_env_prompt]} )) || precmd_functions+=(__cowork_env_prompt)
(( ${chpwd_functions[(Ie)__cowork_env_moved]} )) || chpwd_functions+=(__cowork_env_moved)
