# cowork-env's hook for tcsh 6.22 and later: eval "`cowork-env hook tcsh`"
#
# tcsh sees timestamps by the second only, and no file's content, so it requests a response from the
# program at each prompt and at each change of directory (the fields are described in
# cowork_env/hook/protocol.py). Nothing is exported.

# A deleted directory has only the name that the shell knows.
set __cowork_env_run = ( /bin/sh -c 'PWD=$1; shift; export PWD; exec "$@" 2>/dev/null </dev/null' sh )
set __cowork_env_request = ( @REQUEST@ )
set __cowork_env_state_dir = @STATE_DIR@
set __cowork_env_config_dir = @CONFIG_DIR@
set __cowork_env_cannot_run = @CANNOT_RUN@
set __cowork_env_show = ( /bin/sh -c 'printf "cowork-env: %s\\n" "$1" >&2' sh )
# The active response: the provider, how to undo it, its error. The notices that were shown; whether
# no prompt has been reached yet; and the place where a slow lookup was begun, and not completed if it
# was interrupted: it is not tried again there.
set __cowork_env_provider = ''
set __cowork_env_undo = ''
set __cowork_env_error = ''
set __cowork_env_shown = ( )
set __cowork_env_starting = starting
set __cowork_env_pending_place = ''

# The variables that our folders follow from.
set __cowork_env_read_folders = '\
set __cowork_env_folders_now = ( "" "" "" )\
if ( $?HOME ) set __cowork_env_folders_now[1] = $HOME:q\
if ( $?XDG_CONFIG_HOME ) then\
set __cowork_env_folders_now[2] = $XDG_CONFIG_HOME:q\
endif\
if ( $?XDG_STATE_HOME ) then\
set __cowork_env_folders_now[3] = $XDG_STATE_HOME:q\
endif\
'
eval $__cowork_env_read_folders:q
set __cowork_env_folders = "$__cowork_env_folders_now"

# An alias is one line; a variable may hold more.
set __cowork_env_update = '\
if ( $?echo ) then\
set __cowork_env_echo\
unset echo\
endif\
set __cowork_env_provider_before = $__cowork_env_provider:q\
set __cowork_env_error_before = $__cowork_env_error:q\
eval $__cowork_env_read_folders:q\
set __cowork_env_state_arg = $__cowork_env_state_dir:q\
set __cowork_env_config_arg = $__cowork_env_config_dir:q\
if ( "$__cowork_env_folders_now" != "$__cowork_env_folders" ) then\
set __cowork_env_state_arg = ""\
set __cowork_env_config_arg = ""\
endif\
set __cowork_env_place = $cwd:q\
if ( $?COWORK_PROVIDER ) then\
set __cowork_env_place = $cwd:q//$COWORK_PROVIDER:q\
endif\
set __cowork_env_flags = $__cowork_env_starting:q\
eval "`__cowork_env_send_request`"\
if ( $?__cowork_env_response_now ) then\
eval $__cowork_env_response_now:q\
if ( $__cowork_env_response_flags:q =~ *pending* ) then\
set __cowork_env_undo = $__cowork_env_response_undo:q\
if ( $__cowork_env_pending_place:q != $__cowork_env_place:q ) then\
set __cowork_env_pending_place = $__cowork_env_place:q\
unset __cowork_env_response_now\
set __cowork_env_flags = "$__cowork_env_starting:q allow-slow"\
if ( $?prompt ) set __cowork_env_flags = "$__cowork_env_flags:q terminal"\
eval "`__cowork_env_send_request`"\
if ( $?__cowork_env_response_now ) then\
eval $__cowork_env_response_now:q\
set __cowork_env_pending_place = ""\
else\
set __cowork_env_response_now = ""\
endif\
endif\
else\
set __cowork_env_pending_place = ""\
endif\
else\
eval $__cowork_env_undo:q\
set __cowork_env_response_provider = ""\
set __cowork_env_response_undo = ""\
set __cowork_env_response_label = ""\
set __cowork_env_response_flags = ""\
set __cowork_env_response_notices = ( )\
set __cowork_env_response_error = $__cowork_env_cannot_run:q\
endif\
set __cowork_env_undo = $__cowork_env_response_undo:q\
set __cowork_env_provider = $__cowork_env_response_provider:q\
set __cowork_env_error = $__cowork_env_response_error:q\
if ( $__cowork_env_starting:q != "" && $__cowork_env_response_flags:q =~ *quiet* ) set __cowork_env_response_label = ""\
if ( $?COWORK_ENV_QUIET ) then\
if ( $COWORK_ENV_QUIET:q == 1 ) set __cowork_env_provider_before = $__cowork_env_provider:q\
endif\
if ( $__cowork_env_error:q != "" && $__cowork_env_error:q != $__cowork_env_error_before:q ) then\
$__cowork_env_show:q $__cowork_env_error:q\
else if ( $?prompt && $__cowork_env_provider:q != $__cowork_env_provider_before:q ) then\
if ( $__cowork_env_provider:q == "" ) then\
$__cowork_env_show:q "left $__cowork_env_provider_before:q"\
else if ( $__cowork_env_response_label:q != "" ) then\
$__cowork_env_show:q $__cowork_env_response_label:q\
endif\
endif\
while ( $#__cowork_env_response_notices && $?prompt )\
if ( " $__cowork_env_shown " \!~ *" $__cowork_env_response_notices[1] "* ) then\
set __cowork_env_shown = ( $__cowork_env_shown $__cowork_env_response_notices[1] )\
$__cowork_env_show:q $__cowork_env_response_notices[2]:q\
endif\
shift __cowork_env_response_notices\
shift __cowork_env_response_notices\
end\
unset __cowork_env_response_*\
if ( $?__cowork_env_echo ) then\
unset __cowork_env_echo\
set echo\
endif\
'
# Variables between backquotes are evaluated twice, those of an alias once; without quotes an empty
# one is no word.
alias __cowork_env_send_request '$__cowork_env_run:q $cwd:q $__cowork_env_request:q "flags=$__cowork_env_flags" "state_dir=$__cowork_env_state_arg:q" "config_dir=$__cowork_env_config_arg:q"'

# There is one alias of each kind; what it did before is kept.
set __cowork_env_precmd = "`alias precmd`"
if ( "$__cowork_env_precmd" !~ *__cowork_env* ) then
set __cowork_env_their_precmd = "$__cowork_env_precmd"
alias precmd 'eval $__cowork_env_their_precmd:q; eval $__cowork_env_update:q; set __cowork_env_starting = ""'
endif
set __cowork_env_cwdcmd = "`alias cwdcmd`"
if ( "$__cowork_env_cwdcmd" !~ *__cowork_env* ) then
set __cowork_env_their_cwdcmd = "$__cowork_env_cwdcmd"
alias cwdcmd 'eval $__cowork_env_their_cwdcmd:q; eval $__cowork_env_update:q'
endif
