#compdef cowork-env
# cowork-env's completion for zsh. The hook reads this file at the first Tab; "cowork-env completion
# zsh" prints it. The request and the response are described in cowork_env/cli/completion.py.

# The response for words, without quotes, of which the last is unfinished: flags, and a line for each
# word.
function __cowork_env_complete_ask {
  builtin local IFS=$' \t\n\0'
  __cowork_env_reply=("${(@f)$(
    _COWORK_ENV_COMPLETE=zsh _COWORK_ENV_WORDS=${(pj:\x1f:)@} \
      builtin command cowork-env </dev/null 2>/dev/null
  )}")
  __cowork_env_flags=${__cowork_env_reply[1]-}
  __cowork_env_reply[1]=()
  [[ -n $__cowork_env_flags ]]
}

function __cowork_env_complete {
  builtin setopt local_options ${_comp_options-} no_xtrace no_verbose
  builtin local __cowork_env_flags __cowork_env_line
  builtin local -a __cowork_env_reply __cowork_env_words __cowork_env_options
  __cowork_env_complete_ask "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" || builtin return 1
  if [[ $__cowork_env_flags == *' command='* ]]; then
    __cowork_env_flags=${${__cowork_env_flags#*' command='}%% *}
    words=("${(@)words[__cowork_env_flags+1,-1]}")
    (( CURRENT -= __cowork_env_flags ))
    _normal
    builtin return
  fi
  for __cowork_env_line in "${__cowork_env_reply[@]}"; do
    # _describe takes a colon for the end of the word.
    __cowork_env_words+=("${${${__cowork_env_line%%$'\t'*}//\\/\\\\}//:/\\:}${${__cowork_env_line#*$'\t'}:+:${__cowork_env_line#*$'\t'}}")
  done
  [[ $__cowork_env_flags != *' nospace '* ]] || __cowork_env_options=(-S '')
  __cowork_env_line=1
  (( ! $#__cowork_env_words )) ||
    _describe -t cowork-env cowork-env __cowork_env_words "${(@)__cowork_env_options}" \
      -M 'm:{[:lower:][:upper:]}={[:upper:][:lower:]}' && __cowork_env_line=0
  if [[ $__cowork_env_flags == *' '(files|directories)' '* ]]; then
    [[ $PREFIX != --*=* ]] || compset -P '--[^=]##='
    __cowork_env_options=()
    [[ $__cowork_env_flags != *' directories '* ]] || __cowork_env_options=(-/)
    _files $__cowork_env_options && __cowork_env_line=0
  fi
  builtin return $__cowork_env_line
}

# The same where compinit was not run: words alone. Arguments: what is before the cursor, and behind.
function __cowork_env_complete_words {
  builtin setopt local_options no_xtrace no_verbose
  builtin local __cowork_env_flags __cowork_env_n
  builtin local -a __cowork_env_reply __cowork_env_words
  builtin read -cA __cowork_env_words
  builtin read -cn __cowork_env_n
  reply=()
  __cowork_env_complete_ask "${(@Q)__cowork_env_words[2,__cowork_env_n-1]}" "$1" || builtin return 0
  reply=("${(@)__cowork_env_reply%%$'\t'*}")
  if [[ $__cowork_env_flags == *" command=$((__cowork_env_n - 1)) "* ]]; then
    reply=(${(k)commands} ${(k)builtins} ${(k)functions})
  fi
}
