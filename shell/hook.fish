# cowork-env's hook for fish 3.2 and later: cowork-env hook fish | source
#
# At a prompt where nothing changed it starts no process: it compares the directory, the pins on the way up, and the
# time stamps of a few files with what the last answer was about. For something new it asks the program once, and
# remembers the answer. Nothing of it is exported.

# The folders that the program was told at start-up, and the environment they came from.
builtin set -gu __cowork_env_folders @STATE_DIR@ @CONFIG_DIR@ "$HOME:$XDG_CONFIG_HOME:$XDG_STATE_HOME"
# Where the remembered answers are from: only those files are watched.
builtin set -gu __cowork_env_sources ''
# $PWD, the physical directory, whether it is gone; then the directories whose pins could apply there, the root as ''.
builtin set -gu __cowork_env_here '' '' ''
builtin set -gu __cowork_env_chain
# The answer in force: the question it answers, COWORK_ENV_STATE, provider, how to undo it, error.
builtin set -gu __cowork_env_current '' '' '' '' ''
# The watched files (see ask.py) as the words of one test, which holds as long as none has changed. A fish that cannot
# compare files fails it, and asks at every prompt.
builtin set -gu __cowork_env_watches -n ''
# The same for everything that a prompt has to look at, and the strings and pins beside it. It saves looking closely.
# The pins, place and content, and the places of those that can be read; and of all that are there.
builtin set -gu __cowork_env_still -n ''
builtin set -gu __cowork_env_around ''
builtin set -gu __cowork_env_known_files
builtin set -gu __cowork_env_known
builtin set -gu __cowork_env_seen
# What these are, as words for a test.
builtin set -gu __cowork_env_kinds
# The places of pins where none was; fish 3.5 can look at all of them at once. Without that, and without a test that can
# compare files, there is no short way.
builtin set -gu __cowork_env_absent
builtin set -gu __cowork_env_at_once (builtin --query path; and builtin test / -ef / 2>/dev/null; and builtin echo yes)
# Remembered answers, as parallel lists; files are those of its own that an answer watches.
for __cowork_env_list in questions files guards applies undoes states names labels errors expiries
    builtin set -gu __cowork_env_$__cowork_env_list
end
builtin set -e __cowork_env_list
# Their numbers, and the same turned so that the next to use comes first. No arithmetic and few substitutions: in fish
# these take a pipe and a thread, and cost more than a loop.
builtin set -gu __cowork_env_numbers 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32
builtin set -gu __cowork_env_next $__cowork_env_numbers
# COWORK_ENV_STATE before a change that is under way, and how to undo that. Ctrl-C may break this off anywhere.
builtin set -gu __cowork_env_half
# What was said already; the names of variables that were set but not exported before we exported them; the question
# that a slow look-up is under way for; and whether no prompt has been reached yet.
builtin set -gu __cowork_env_said
builtin set -q __cowork_env_kept; or builtin set -gu __cowork_env_kept
builtin set -gu __cowork_env_asking
builtin set -gu __cowork_env_fresh f
# Named by an inherited state until the first answer.
builtin test -n "$COWORK_ENV_STATE"; and builtin set __cowork_env_current[3] "$COWORK_ENV_ACTIVE"

# fish gives $status and $pipestatus back by itself after an event.
function __cowork_env_prompt --on-event fish_prompt
    # A trace would show keys.
    builtin set -l fish_trace
    if builtin test $__cowork_env_still; and not builtin path filter -q -- $__cowork_env_absent
        if builtin test "$PWD"\x02"$COWORK_ENV_STATE"\x02"$COWORK_PROVIDER"\x02"$COWORK_ENV_PROVIDERS_FILE"\x02"$COWORK_ENV_PROVIDERS_JSON"\x02"$HOME:$XDG_CONFIG_HOME:$XDG_STATE_HOME" = "$__cowork_env_around"
            builtin set -q __cowork_env_known_files[1]; or builtin return
            __cowork_env_recognise; and builtin return
        end
    end
    __cowork_env_update prompt
end

# Whether the pins that are there still say what they said.
function __cowork_env_recognise
    builtin set -l text
    for file in $__cowork_env_known_files
        builtin set text
        builtin read -z -n 4097 text 2>/dev/null <$file
        builtin contains -- "$file"\x01"$text" $__cowork_env_known; or builtin return 1
    end
end

# A second Ctrl-C may have broken off what the prompt would have mended.
function __cowork_env_before --on-event fish_preexec
    builtin set -q __cowork_env_half[1]; or builtin return
    builtin set -l fish_trace
    __cowork_env_update prompt
end

function __cowork_env_moved --on-variable PWD
    builtin set -l fish_trace
    __cowork_env_update move
end

# A universal variable that comes from another session would stand beside the provider's own: another key, above all. fish
# can be at a prompt then, so this does not wait for the next.
function __cowork_env_intruded @INTRUDERS@
    builtin set -l fish_trace
    builtin test -n "$__cowork_env_current[2]"; and builtin set -qUx $argv[3]; and not builtin set -qg $argv[3]; or builtin return
    builtin set __cowork_env_current[1] ''
    __cowork_env_forget # Only the program knows what to do.
    __cowork_env_update move
end

# Make the environment right for here and now. Argument: prompt or move.
function __cowork_env_update
    builtin set __cowork_env_still -n ''
    builtin set -q __cowork_env_half[1]; and __cowork_env_mend
    if builtin test x"$PWD" != x"$__cowork_env_here[1]"
        __cowork_env_locate
    else if builtin test -z "$__cowork_env_here[3]" -a ! . -ef "$__cowork_env_here[2]"
        __cowork_env_locate
    end
    builtin set -l __cowork_env_pins
    builtin set -l __cowork_env_question
    __cowork_env_look
    builtin set -l __cowork_env_changed
    builtin test $__cowork_env_watches 2>/dev/null; or builtin set __cowork_env_changed 1
    if builtin test x"$COWORK_ENV_STATE" != x"$__cowork_env_current[2]"
        # Somebody took our state away; what we know of it ourselves is better than nothing.
        builtin set __cowork_env_current[1] ''
        __cowork_env_leave
        builtin set __cowork_env_changed 1
    end
    if builtin set -q __cowork_env_asking[1]
        # The person interrupted a slow look-up: no provider then, until something changes.
        __cowork_env_leave
        builtin set __cowork_env_current[1] "$__cowork_env_asking"
        builtin set __cowork_env_asking
    end
    if builtin test -n "$__cowork_env_changed"
        __cowork_env_forget
    else if builtin test -z "$__cowork_env_fresh" -a x"$__cowork_env_question" = x"$__cowork_env_current[1]"
        __cowork_env_rest
        builtin return
    end
    builtin set __cowork_env_current[1] '' # An interrupt may leave the rest half done.
    if builtin test -n "$__cowork_env_fresh"; or not __cowork_env_recall
        __cowork_env_ask
    end
    builtin test $argv[1] = prompt; and builtin set __cowork_env_fresh
    # It may also have to be asked again, or be broken off.
    builtin test -z "$__cowork_env_fresh" -a x"$__cowork_env_question" = x"$__cowork_env_current[1]" -a x"$__cowork_env_question" != x\x02
    and __cowork_env_rest
end

function __cowork_env_forget
    builtin set __cowork_env_questions
    builtin set __cowork_env_next $__cowork_env_numbers
end

# The physical directory and the places of its pins.
function __cowork_env_locate
    builtin set __cowork_env_here '' '' '' # An interrupt may leave the rest half done.
    builtin set -l dir
    builtin set __cowork_env_chain ''
    # All names at once: a substitution costs as much as all the rest.
    for part in (builtin pwd -P 2>/dev/null | builtin string split -n /)
        builtin set dir "$dir/$part"
        builtin set -p __cowork_env_chain "$dir"
    end
    builtin test -n "$dir"; or builtin set dir /
    if builtin test . -ef "$dir"
        builtin set __cowork_env_here "$PWD" "$dir" ''
        builtin return
    end
    # It is gone, or there is a line break in its name.
    builtin set dir (builtin pwd -P 2>/dev/null | builtin string collect)
    builtin set -l here "$PWD" "$dir" ''
    if builtin test -z "$dir" -o ! . -ef "$dir"
        builtin set dir $PWD
        builtin set here "$PWD" "$PWD" gone
    end
    builtin test "$dir" = /; and builtin set dir ''
    builtin set __cowork_env_chain "$dir"
    while builtin test -n "$dir"
        builtin set dir (builtin string replace -r '/[^/]*$' '' -- "$dir" | builtin string collect)
        builtin set -a __cowork_env_chain "$dir"
    end
    builtin set __cowork_env_here $here
end

# What an answer depends on, beside the watched files: a few variables, and the pins with their contents.
function __cowork_env_look --no-scope-shadowing
    builtin set __cowork_env_known
    builtin set __cowork_env_known_files
    builtin set __cowork_env_seen
    builtin set __cowork_env_kinds
    builtin set __cowork_env_absent $__cowork_env_chain/.cowork-provider
    if builtin test -z "$__cowork_env_at_once"
        for __cowork_env_folder in $__cowork_env_chain
            builtin test -e "$__cowork_env_folder/.cowork-provider"; and __cowork_env_read "$__cowork_env_folder"
        end
    else if builtin path filter -q -- $__cowork_env_chain/.cowork-provider
        if not builtin set -q __cowork_env_chain[33]
            builtin set -l __cowork_env_hits
            for __cowork_env_i in $__cowork_env_numbers
                builtin set -q __cowork_env_chain[$__cowork_env_i]; or builtin break
                builtin test -e "$__cowork_env_chain[$__cowork_env_i]/.cowork-provider"; or builtin continue
                builtin set -p __cowork_env_hits $__cowork_env_i
                __cowork_env_read "$__cowork_env_chain[$__cowork_env_i]"
                builtin set -l __cowork_env_above $__cowork_env_chain[$__cowork_env_i..-1]
                builtin set -q __cowork_env_above[2]; and builtin path filter -q -- $__cowork_env_above[2..-1]/.cowork-provider; or builtin break
            end
            for __cowork_env_i in $__cowork_env_hits
                builtin set -e __cowork_env_absent[$__cowork_env_i]
            end
        else
            # Far down, a substitution is the faster way; it takes a name with a line break apart.
            builtin set -l __cowork_env_places (builtin path filter -- $__cowork_env_chain/.cowork-provider | builtin string replace -r '/[^/]*$' '')
            builtin string match -q '*'\n'*' -- "$__cowork_env_chain[1]"; and builtin set __cowork_env_places $__cowork_env_chain
            for __cowork_env_folder in $__cowork_env_places
                builtin test -e "$__cowork_env_folder/.cowork-provider"; or builtin continue
                builtin set -e __cowork_env_absent[(builtin contains -i -- "$__cowork_env_folder/.cowork-provider" $__cowork_env_absent)]
                __cowork_env_read "$__cowork_env_folder"
            end
        end
    end
    builtin set __cowork_env_question "$__cowork_env_pins"\x02"$COWORK_PROVIDER"\x02"$COWORK_ENV_PROVIDERS_FILE"\x02"$COWORK_ENV_PROVIDERS_JSON"\x02"$HOME:$XDG_CONFIG_HOME:$XDG_STATE_HOME"
end

# Note the pin in a directory.
function __cowork_env_read --no-scope-shadowing
    builtin set -l __cowork_env_file "$argv[1]/.cowork-provider"
    builtin set -l __cowork_env_text '!'
    builtin set -a __cowork_env_seen "$__cowork_env_file"
    # Neither a FIFO nor something in /proc, which has no size, is opened here, nor what could become one by now.
    if builtin test -f "$__cowork_env_file" -a -s "$__cowork_env_file" -a -r "$__cowork_env_file"
        builtin set __cowork_env_text '?'
        builtin set -a __cowork_env_kinds -a -f "$__cowork_env_file" -a -s "$__cowork_env_file" -a -r "$__cowork_env_file"
        if builtin test -O "$argv[1]/" -a ! -k "$argv[1]/" -a ! -g "$argv[1]/" -a ! -L "$__cowork_env_file"
            builtin set __cowork_env_text
            builtin read -z -n 4097 __cowork_env_text 2>/dev/null <"$__cowork_env_file"
            builtin set -a __cowork_env_known_files "$__cowork_env_file"
            builtin set -a __cowork_env_known "$__cowork_env_file"\x01"$__cowork_env_text"
        end
    else
        builtin set -a __cowork_env_kinds -a -e "$__cowork_env_file" -a '(' ! -f "$__cowork_env_file" -o ! -s "$__cowork_env_file" -o ! -r "$__cowork_env_file" ')'
    end
    builtin set __cowork_env_pins "$__cowork_env_pins$__cowork_env_file"\x01"$__cowork_env_text"\x01
end

# All is as it should be: note what to look at until something changes.
function __cowork_env_rest
    builtin test -n "$__cowork_env_at_once"; or builtin return
    builtin set __cowork_env_around "$PWD"\x02"$__cowork_env_current[2]"\x02"$COWORK_PROVIDER"\x02"$COWORK_ENV_PROVIDERS_FILE"\x02"$COWORK_ENV_PROVIDERS_JSON"\x02"$HOME:$XDG_CONFIG_HOME:$XDG_STATE_HOME"
    builtin set -l words $__cowork_env_watches $__cowork_env_kinds
    builtin test -n "$__cowork_env_here[3]"; or builtin set -a words -a . -ef "$__cowork_env_here[2]"
    builtin set __cowork_env_still $words
end

# A change did not come to its end: go back to where no provider is active, from whatever is there of either. Of what was
# before a state that this shell inherited, only the program can tell.
function __cowork_env_mend
    builtin eval "$__cowork_env_half[2]"
    __cowork_env_leave
    builtin set __cowork_env_current[1] ''
    builtin test -n "$__cowork_env_fresh" -a -n "$__cowork_env_half[1]"; and builtin set -gx COWORK_ENV_STATE $__cowork_env_half[1]
    builtin set __cowork_env_half
end

# Put back what was there before the provider that is active, as far as this shell knows it.
function __cowork_env_leave
    builtin eval "$__cowork_env_current[4]"
    while builtin set -q __cowork_env_kept[1]
        builtin set -l value __cowork_env_kept_$__cowork_env_kept[1]
        builtin set -q $__cowork_env_kept[1]; or builtin set -gu $__cowork_env_kept[1] $$value
        builtin set -e __cowork_env_kept[1]
        builtin set -e $value
    end
    builtin set __cowork_env_current[2] ''
    builtin set __cowork_env_current[4] ''
end

# Answer from memory; fails when only the program can.
function __cowork_env_recall --no-scope-shadowing
    builtin contains -- "$__cowork_env_question" $__cowork_env_questions; or builtin return 1
    for __cowork_env_i in $__cowork_env_numbers
        builtin test x"$__cowork_env_question" = x"$__cowork_env_questions[$__cowork_env_i]"; and builtin break
    end
    builtin set -l __cowork_env_was "$__cowork_env_current[3]"
    if builtin test -n "$__cowork_env_files[$__cowork_env_i]"
        builtin eval "builtin test $__cowork_env_files[$__cowork_env_i]"; or builtin return 1
    end
    if builtin test 0 != "$__cowork_env_expiries[$__cowork_env_i]"
        # fish has no clock, but it can tell a file's age.
        builtin test 600 -gt (builtin path mtime -R -- "$__cowork_env_expiries[$__cowork_env_i]"; or echo 600) 2>/dev/null; or builtin return 1
    end
    if builtin test x"$__cowork_env_states[$__cowork_env_i]" != x"$__cowork_env_current[2]"
        # Of one provider in two forms, something may be the person's own meanwhile; the program can tell.
        builtin test -n "$__cowork_env_was" -a x"$__cowork_env_was" = x"$__cowork_env_names[$__cowork_env_i]"
        and builtin return 1
        builtin set __cowork_env_half "$COWORK_ENV_STATE" "$__cowork_env_undoes[$__cowork_env_i]"
        __cowork_env_leave
        if builtin test -n "$__cowork_env_applies[$__cowork_env_i]"
            if not builtin eval "$__cowork_env_guards[$__cowork_env_i]"
                __cowork_env_mend
                builtin return 1
            end
            builtin eval "$__cowork_env_applies[$__cowork_env_i]"
        end
        builtin set __cowork_env_current '' "$__cowork_env_states[$__cowork_env_i]" '' "$__cowork_env_undoes[$__cowork_env_i]" "$__cowork_env_current[5]"
        builtin set __cowork_env_half
    end
    __cowork_env_settle "$__cowork_env_names[$__cowork_env_i]" "$__cowork_env_labels[$__cowork_env_i]" "$__cowork_env_errors[$__cowork_env_i]" "$__cowork_env_was"
    builtin return 0
end

# Ask the program, do what it says, and remember it.
function __cowork_env_ask --no-scope-shadowing
    builtin set -l __cowork_env_reply
    builtin set -l __cowork_env_text
    builtin set -l __cowork_env_was "$__cowork_env_current[3]"
    builtin set -l __cowork_env_notices
    builtin set -l __cowork_env_flags "$__cowork_env_fresh"
    builtin set -l __cowork_env_told $__cowork_env_folders[1..2]
    builtin test x"$__cowork_env_folders[3]" = x"$HOME:$XDG_CONFIG_HOME:$XDG_STATE_HOME"; or builtin set __cowork_env_told '' ''
    builtin set __cowork_env_text "$COWORK_ENV_PROVIDERS_FILE"\x02"$COWORK_ENV_PROVIDERS_JSON"\x02"$HOME:$XDG_CONFIG_HOME:$XDG_STATE_HOME"
    if builtin test x"$__cowork_env_text" != x"$__cowork_env_sources"
        __cowork_env_forget
        builtin set __cowork_env_sources "$__cowork_env_text"
    end
    # A universal variable is hidden while a provider is active, and must show again.
    builtin set -l __cowork_env_universal
    for __cowork_env_text in (builtin set -nUx)
        builtin set -qg $__cowork_env_text; or builtin set -a __cowork_env_universal $__cowork_env_text
    end
    while true
        builtin set __cowork_env_reply
        # Of a program that is not there fish would say a page, and no redirection hides it.
        builtin set __cowork_env_text
        builtin test -x @PYTHON@; and builtin set __cowork_env_text (@ASK@ fish "$__cowork_env_flags"l $__cowork_env_told "$__cowork_env_universal" $__cowork_env_seen @PACKAGE@ </dev/null 2>/dev/null | builtin string collect)
        builtin eval "$__cowork_env_text"
        if not builtin set -q __cowork_env_reply[14]
            __cowork_env_leave
            builtin set __cowork_env_text
            if not builtin set -q __cowork_env_asking[1]; and not builtin contains gone $__cowork_env_said
                builtin set __cowork_env_text 'the program cannot be run any more; install it again, or take its line out of your start-up file'
                builtin set -p __cowork_env_said gone
            end
            builtin set __cowork_env_asking
            __cowork_env_settle '' '' "$__cowork_env_text" "$__cowork_env_was"
            builtin return
        end
        if builtin test -n "$__cowork_env_reply[13]"
            for __cowork_env_text in (builtin string split -n ' ' -- "$__cowork_env_reply[13]")
                # Set but not exported, and so unknown to the program: its value comes back on leaving.
                if builtin set -qg $__cowork_env_text
                    builtin set -gu __cowork_env_kept_$__cowork_env_text $$__cowork_env_text
                    builtin set -a __cowork_env_kept $__cowork_env_text
                end
            end
        end
        builtin set __cowork_env_half "$COWORK_ENV_STATE" "$__cowork_env_reply[12]"
        builtin eval "$__cowork_env_reply[9]"
        if not builtin string match -q '*m*' -- "$__cowork_env_reply[3]"
            builtin set __cowork_env_current '' "$__cowork_env_reply[8]" '' "$__cowork_env_reply[12]" "$__cowork_env_current[5]"
        else if builtin test -n "$__cowork_env_reply[9]"
            # What was active is left by now, as the provider is another.
            builtin set __cowork_env_current '' '' "$__cowork_env_was" '' "$__cowork_env_current[5]"
        end
        builtin set __cowork_env_half
        # Behind the fixed part are the notices, then the watches. Nearly always there are none of the former.
        builtin set __cowork_env_notices
        if builtin test "$__cowork_env_reply[14]" != 0
            builtin set -l __cowork_env_last (builtin math 14 + 2 x $__cowork_env_reply[14])
            builtin set __cowork_env_notices $__cowork_env_reply[15..$__cowork_env_last]
            builtin set -e __cowork_env_reply[15..$__cowork_env_last]
        end
        __cowork_env_watch $__cowork_env_reply[15..-1]
        builtin string match -q '*m*' -- "$__cowork_env_reply[3]"; or builtin break
        # A slow look-up follows.
        builtin set __cowork_env_asking "$__cowork_env_question"
        builtin set __cowork_env_flags "$__cowork_env_flags"p
    end
    builtin set __cowork_env_asking
    builtin set -l __cowork_env_stale
    builtin test -n "$__cowork_env_reply[1]" -a x"$__cowork_env_reply[1]" != x"$__cowork_env_here[2]"; and builtin set __cowork_env_stale 1
    builtin test -n "$__cowork_env_reply[2]" -a x"$__cowork_env_reply[2]" != x"$__cowork_env_pins"; and builtin set __cowork_env_stale 1
    builtin string match -q '*p*' -- "$__cowork_env_reply[3]"; and builtin set __cowork_env_stale 1
    builtin test x"$COWORK_ENV_STATE" != x"$__cowork_env_reply[8]"; and builtin set __cowork_env_stale 1
    if builtin test -n "$__cowork_env_stale"
        # It was about something that has changed since, or may change unseen: ask again at the next prompt.
        builtin set __cowork_env_question \x02
    else if builtin string match -q '*k*' -- "$__cowork_env_reply[3]"
        builtin set -l __cowork_env_n $__cowork_env_next[1]
        # First of all none, and the question last: what an interrupt leaves half done answers nothing.
        builtin set __cowork_env_questions[$__cowork_env_n] ''
        builtin set __cowork_env_files[$__cowork_env_n] ''
        if builtin string match -q '*w*' -- "$__cowork_env_reply[3]"
            builtin set __cowork_env_files[$__cowork_env_n] (builtin string escape -- $__cowork_env_watches | builtin string join ' ')
        end
        builtin set __cowork_env_guards[$__cowork_env_n] "$__cowork_env_reply[10]"
        builtin set __cowork_env_applies[$__cowork_env_n] "$__cowork_env_reply[11]"
        builtin set __cowork_env_undoes[$__cowork_env_n] "$__cowork_env_reply[12]"
        builtin set __cowork_env_states[$__cowork_env_n] "$__cowork_env_reply[8]"
        builtin set __cowork_env_names[$__cowork_env_n] "$__cowork_env_reply[5]"
        builtin set __cowork_env_labels[$__cowork_env_n] "$__cowork_env_reply[6]"
        builtin set __cowork_env_errors[$__cowork_env_n] "$__cowork_env_reply[7]"
        builtin set __cowork_env_expiries[$__cowork_env_n] "$__cowork_env_reply[4]"
        builtin set __cowork_env_questions[$__cowork_env_n] "$__cowork_env_question"
        builtin set __cowork_env_next $__cowork_env_next[2..-1] $__cowork_env_n
    end
    builtin set __cowork_env_text "$__cowork_env_reply[6]"
    builtin test -n "$__cowork_env_fresh"; and builtin string match -q '*c*' -- "$__cowork_env_reply[3]"; and builtin set __cowork_env_text
    __cowork_env_settle "$__cowork_env_reply[5]" "$__cowork_env_text" "$__cowork_env_reply[7]" "$__cowork_env_was"
    while builtin set -q __cowork_env_notices[1]
        __cowork_env_once $__cowork_env_notices[1..2]
        builtin set -e __cowork_env_notices[1..2]
    end
end

# Turn watches, a file and its reference each, into the arguments of one test that holds as long as nothing changed.
function __cowork_env_watch
    builtin set -l watches -n x
    while builtin set -q argv[1]
        switch "$argv[2]"
            case ''
                builtin set -a watches -a ! -e $argv[1]
            case '=*'
                builtin set -a watches -a $argv[1] -ef (builtin string sub -s 2 -- $argv[2] | builtin string collect)
            case '*'
                # Were there no reference, the file would be newer.
                builtin set -a watches -a -e $argv[1] -a ! $argv[1] -nt $argv[2] -a ! $argv[1] -ot $argv[2]
        end
        builtin set -e argv[1..2]
    end
    builtin set __cowork_env_watches $watches
end

# The question is answered: note it, and say what is new. Arguments: name, label, error, the name before.
function __cowork_env_settle --no-scope-shadowing
    builtin set -l __cowork_env_error "$__cowork_env_current[5]"
    builtin set __cowork_env_current "$__cowork_env_question" "$__cowork_env_current[2]" "$argv[1]" "$__cowork_env_current[4]" "$argv[3]"
    builtin status is-command-substitution; and builtin return
    if builtin test -n "$argv[3]" -a x"$argv[3]" != x"$__cowork_env_error"
        builtin printf 'cowork-env: %s\n' "$argv[3]" >&2
    else if builtin test x"$argv[1]" != x"$argv[4]" -a x"$COWORK_ENV_QUIET" != x1; and builtin status is-interactive
        if builtin test -z "$argv[1]"
            builtin printf 'cowork-env: left %s\n' "$argv[4]" >&2
        else if builtin test -n "$argv[2]"
            builtin printf 'cowork-env: %s\n' "$argv[2]" >&2
        end
    end
end

# Say something once in the life of this shell. Arguments: what tells it from other things, the words.
function __cowork_env_once
    builtin status is-interactive; and not builtin status is-command-substitution; or builtin return
    builtin contains -- $argv[1] $__cowork_env_said; and builtin return
    builtin set -p __cowork_env_said $argv[1]
    builtin set -e __cowork_env_said[33]
    builtin printf 'cowork-env: %s\n' $argv[2] >&2
end
