# shellcheck shell=bash disable=SC2154 # it does not see assignments in "\builtin local"
# cowork-env's completion for bash 3.2 and later. The hook reads this file at the first Tab;
# "cowork-env completion bash" prints it. The request and the response are described in
# cowork_env/cli/completion.py.

\builtin shopt -q expand_aliases && \builtin shopt -u expand_aliases && __cowork_env_aliases=(1)
case $- in *a*) \builtin set +a && __cowork_env_allexport=(1) ;; esac

# Arguments: the command, what bash replaces.
function __cowork_env_complete {
  if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] > 403)); then
    \builtin local -
    \builtin set +aeuvxkET
  fi 2>/dev/null
  \builtin local IFS=$'\037' REPLY=''
  \builtin local __cowork_env_flags='' __cowork_env_n=0
  COMPREPLY=()
  REPLY=$(
    _COWORK_ENV_COMPLETE=bash _COWORK_ENV_LINE=${COMP_LINE:0:COMP_POINT} _COWORK_ENV_TEXT=${2-} \
      _COWORK_ENV_WORDS="${COMP_WORDS[*]}" \builtin command cowork-env </dev/null 2>/dev/null
  ) || \builtin return 0
  IFS=$' \t\n'
  __cowork_env_flags=${REPLY%%$'\n'*}
  while [[ $REPLY == *$'\n'* ]]; do
    REPLY=${REPLY#*$'\n'}
    COMPREPLY[__cowork_env_n++]=${REPLY%%$'\n'*}
  done
  case $__cowork_env_flags in
    *' command='*)
      __cowork_env_n=${__cowork_env_flags#*' command='}
      __cowork_env_complete_command "${__cowork_env_n%% *}" "${2-}"
      ;;
    *' nospace '*) \builtin compopt -o nospace 2>/dev/null ;;
  esac
  case $__cowork_env_flags in
    *' files '*) __cowork_env_complete_files default -f "${2-}" ;;
    *' directories '*) __cowork_env_complete_files dirnames -d "${2-}" ;;
  esac
  \builtin return 0
}

# Complete a command line of its own. Arguments: the index of its command, what bash replaces.
function __cowork_env_complete_command {
  if \builtin declare -F _comp_command_offset >/dev/null; then
    _comp_command_offset "$1" 2>/dev/null
  elif \builtin declare -F _command_offset >/dev/null; then
    _command_offset "$1" 2>/dev/null
  elif ((COMP_CWORD > $1)) || [[ $2 == */* ]]; then
    __cowork_env_complete_files default -f "$2"
  else
    IFS=$'\n'
    # shellcheck disable=SC2207 # bash 3.2 has no mapfile
    COMPREPLY=($(\builtin compgen -c -- "$2"))
  fi
}

# Let bash complete files where there is no word. Arguments: the option that does, in bash 3.2 the
# action, what bash replaces.
function __cowork_env_complete_files {
  \builtin compopt -o "$1" 2>/dev/null && \builtin return 0
  ((${#COMPREPLY[@]} == 0)) || \builtin return 0
  IFS=$'\n'
  # shellcheck disable=SC2207
  COMPREPLY=($(\builtin compgen "$2" -- "$3"))
}

[[ -z ${__cowork_env_allexport-} ]] || {
  \builtin unset -v __cowork_env_allexport
  \builtin set -a
}
[[ -z ${__cowork_env_aliases-} ]] || {
  \builtin unset -v __cowork_env_aliases
  \builtin shopt -s expand_aliases
}
