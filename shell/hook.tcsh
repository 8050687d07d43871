# cowork-env's hook for tcsh 6.22 and later: eval "`cowork-env hook tcsh`"
#
# tcsh sees time stamps by the second only, and no file's content, so it asks the program at each prompt and at each
# change of directory. Nothing of it is exported.

# A deleted directory has only the name that the shell knows.
set __cowork_env_ask = ( /bin/sh -c 'PWD=$1; shift; export PWD; exec "$@" 2>/dev/null </dev/null' sh )
set __cowork_env_program = ( @ASK@ tcsh )
set __cowork_env_folders = ( @STATE_DIR@ @CONFIG_DIR@ )
set __cowork_env_package = @PACKAGE@
set __cowork_env_say = ( /bin/sh -c 'printf "cowork-env: %s\\n" "$1" >&2' sh )
set __cowork_env_gone = 'the program cannot be run any more; install it again, or take its line out of your start-up file'
# What is active, how to take it back, what was said, whether no prompt has been reached yet, and where a slow look-up
# was begun, and not finished if it was interrupted: it is not tried again there.
set __cowork_env_name = ''
set __cowork_env_undo = ''
set __cowork_env_error = ''
set __cowork_env_said = ( )
set __cowork_env_fresh = f
set __cowork_env_asking = ''
# Named by an inherited state until the first answer.
if ( $?COWORK_ENV_STATE && $?COWORK_ENV_ACTIVE ) then
set __cowork_env_name = $COWORK_ENV_ACTIVE:q
endif

# The places that the folders follow from.
set __cowork_env_look = '\
set __cowork_env_homes = ( "" "" "" )\
if ( $?HOME ) set __cowork_env_homes[1] = $HOME:q\
if ( $?XDG_CONFIG_HOME ) then\
set __cowork_env_homes[2] = $XDG_CONFIG_HOME:q\
endif\
if ( $?XDG_STATE_HOME ) then\
set __cowork_env_homes[3] = $XDG_STATE_HOME:q\
endif\
'
eval $__cowork_env_look:q
set __cowork_env_told = "$__cowork_env_homes"

# An alias is one line; a variable may hold more.
set __cowork_env_code = '\
if ( $?echo ) then\
set __cowork_env_echo\
unset echo\
endif\
set __cowork_env_was = $__cowork_env_name:q\
eval $__cowork_env_look:q\
set __cowork_env_known = ( $__cowork_env_folders:q )\
if ( "$__cowork_env_homes" != "$__cowork_env_told" ) set __cowork_env_known = ( "" "" )\
set __cowork_env_place = $cwd:q\
if ( $?COWORK_PROVIDER ) then\
set __cowork_env_place = $cwd:q//$COWORK_PROVIDER:q\
endif\
set __cowork_env_reply = ( )\
set __cowork_env_flags = $__cowork_env_fresh:q\
eval "`__cowork_env_run`"\
if ( $#__cowork_env_reply >= 14 ) then\
eval $__cowork_env_reply[9]:q\
if ( $__cowork_env_reply[3]:q =~ *m* ) then\
if ( $__cowork_env_asking:q == $__cowork_env_place:q ) then\
set __cowork_env_reply[5] = ""\
else\
set __cowork_env_asking = $__cowork_env_place:q\
set __cowork_env_reply = ( )\
set __cowork_env_flags = ${__cowork_env_fresh:q}p\
eval "`__cowork_env_run`"\
if ( $#__cowork_env_reply >= 14 ) then\
eval $__cowork_env_reply[9]:q\
set __cowork_env_asking = ""\
else\
set __cowork_env_reply = ( "" "" "" "" "" "" "" "" "" "" "" "" "" 0 )\
endif\
endif\
else\
set __cowork_env_asking = ""\
endif\
endif\
if ( $#__cowork_env_reply < 14 ) then\
eval $__cowork_env_undo:q\
set __cowork_env_reply = ( "" "" "" "" "" "" $__cowork_env_gone:q "" "" "" "" "" "" 0 )\
endif\
set __cowork_env_undo = $__cowork_env_reply[12]:q\
set __cowork_env_name = $__cowork_env_reply[5]:q\
set __cowork_env_before = $__cowork_env_error:q\
set __cowork_env_error = $__cowork_env_reply[7]:q\
if ( $__cowork_env_fresh:q == f && $__cowork_env_reply[3]:q =~ *c* ) set __cowork_env_reply[6] = ""\
if ( $?COWORK_ENV_QUIET ) then\
if ( $COWORK_ENV_QUIET:q == 1 ) set __cowork_env_was = $__cowork_env_name:q\
endif\
if ( $__cowork_env_error:q != "" && $__cowork_env_error:q != $__cowork_env_before:q ) then\
$__cowork_env_say:q $__cowork_env_error:q\
else if ( $?prompt && $__cowork_env_name:q != $__cowork_env_was:q ) then\
if ( $__cowork_env_name:q == "" ) then\
$__cowork_env_say:q "left $__cowork_env_was:q"\
else if ( $__cowork_env_reply[6]:q != "" ) then\
$__cowork_env_say:q $__cowork_env_reply[6]:q\
endif\
endif\
@ __cowork_env_i = 15\
@ __cowork_env_n = 15 + 2 * $__cowork_env_reply[14]\
while ( $__cowork_env_i < $__cowork_env_n && $?prompt )\
if ( " $__cowork_env_said " \!~ *" $__cowork_env_reply[$__cowork_env_i] "* ) then\
set __cowork_env_said = ( $__cowork_env_said $__cowork_env_reply[$__cowork_env_i] )\
@ __cowork_env_i++\
$__cowork_env_say:q $__cowork_env_reply[$__cowork_env_i]:q\
@ __cowork_env_i++\
else\
@ __cowork_env_i += 2\
endif\
end\
unset __cowork_env_reply\
if ( $?__cowork_env_echo ) then\
unset __cowork_env_echo\
set echo\
endif\
'
# Variables between backquotes are evaluated twice, those of an alias once; without quotes an empty one is no word.
alias __cowork_env_run '$__cowork_env_ask:q $cwd:q $__cowork_env_program:q "$__cowork_env_flags" "$__cowork_env_known[1]:q" "$__cowork_env_known[2]:q" "" $__cowork_env_package:q'

# The one alias of each kind goes on doing what it did.
set __cowork_env_precmd = "`alias precmd`"
if ( "$__cowork_env_precmd" !~ *__cowork_env* ) then
set __cowork_env_their_precmd = "$__cowork_env_precmd"
alias precmd 'eval $__cowork_env_their_precmd:q; eval $__cowork_env_code:q; set __cowork_env_fresh = ""'
endif
set __cowork_env_cwdcmd = "`alias cwdcmd`"
if ( "$__cowork_env_cwdcmd" !~ *__cowork_env* ) then
set __cowork_env_their_cwdcmd = "$__cowork_env_cwdcmd"
alias cwdcmd 'eval $__cowork_env_their_cwdcmd:q; eval $__cowork_env_code:q'
endif
