# cowork-env's completion for fish. The hook reads this file at the first Tab; "cowork-env completion
# fish" prints it. The request and the response are described in cowork_env/cli/completion.py.

# Whether to complete: not where the user has a completion for the command.
function __cowork_env_completes
    not builtin complete -c cowork-env | builtin string match -qv '*__cowork_env_complete*'
end

function __cowork_env_complete
    builtin set -l current (builtin commandline -ct)
    builtin set -l words (builtin commandline -opc)[2..] (builtin string unescape -- $current 2>/dev/null; or builtin string unescape -- "$current'" 2>/dev/null; or builtin string unescape -- "$current\"" 2>/dev/null; or builtin echo -- $current)
    builtin set -q current[1]; or builtin set words $words ''
    builtin set -l reply (_COWORK_ENV_COMPLETE=fish \
        _COWORK_ENV_WORDS=(builtin string join \x1f -- $words | builtin string collect -a) \
        command cowork-env </dev/null 2>/dev/null)
    builtin set -q reply[1]; or builtin return 0
    if builtin set -l number (builtin string match -rg ' command=(\d+) ' -- $reply[1])
        # The words before the command go; there may be no other yet.
        builtin set words (builtin commandline -opc)
        if builtin set -q words[(builtin math $number + 1)]
            builtin set -e words[1..$number]
        else
            builtin set words
        end
        builtin complete -C (builtin string join ' ' -- (builtin string escape -- $words) "$current") 2>/dev/null
        builtin return 0
    end
    builtin set -q reply[2]; and builtin printf '%s\n' $reply[2..]
    if builtin string match -q '* files *' -- $reply[1]
        builtin complete -C "__fish_command_without_completions $current" 2>/dev/null
    else if builtin string match -q '* directories *' -- $reply[1]
        __fish_complete_directories "$current"
    end
    builtin return 0
end
