# cowork-env's hook for elvish: eval (cowork-env hook elvish | slurp)
#
# At a prompt where nothing changed it starts no process. elvish cannot tell a file's time stamp without one, so it
# compares contents: of the pins on the way up, and of the few files that the last answer depended on. For anything
# else it asks the program. Nothing of it is exported.

use path
use str

var ask = [@ASK@]
var folders = [@STATE_DIR@ @CONFIG_DIR@]
var homes = [HOME XDG_CONFIG_HOME XDG_STATE_HOME]
var variables = [COWORK_ENV_STATE COWORK_PROVIDER COWORK_ENV_PROVIDERS_FILE COWORK_ENV_PROVIDERS_JSON $@homes]
var get = {|name| if (has-env $name) { get-env $name } else { put $nil } }
var told = [(each $get $homes)]
# The question that the last answer was about, the files to watch and what they held, how to take the answer back, and
# what was said; a state that was inherited names its provider until the first answer.
var question = $nil
var files = []
var contents = []
var undo = ''
var fresh = f
var name = ''
var error = ''
var said = [&]
var interactive = $false
if (and (has-env COWORK_ENV_STATE) (has-env COWORK_ENV_ACTIVE)) { set name = (get-env COWORK_ENV_ACTIVE) }

# A regular file's content, and a folder's; neither a FIFO nor something that is missing is opened.
var read = {|file|
  if (path:is-regular &follow-symlink=$true $file) {
    try { slurp < $file } catch { put $true }
  } elif (path:is-dir &follow-symlink=$true $file) {
    put [$file/*[nomatch-ok][match-hidden]]
  } else {
    put $false
  }
}

# What an answer depends on, beside the watched files: a few variables, and the pins with their contents.
var look = {
  var here = $pwd
  try { set here = (path:eval-symlinks $pwd) } catch { }
  var directory = $here
  var pins = []
  while (not-eq $directory '') {
    set pins = [$@pins ($read (path:join $directory .cowork-provider))]
    var above = (path:dir $directory)
    if (eq $above $directory) { set directory = '' } else { set directory = $above }
  }
  put [$here $pins (each $get $variables)]
}

# The program's answer as a list, empty for none; $nil when it was interrupted.
var run = {|flags|
  var known = ['' '']
  if (eq $told [(each $get $homes)]) { set known = $folders }
  try {
    var text = ((external $ask[0]) (all $ask[1..]) elvish $flags $@known '' @PACKAGE@ < /dev/null 2> /dev/null | slurp)
    eval $text
  } catch e {
    if (str:contains (to-string $e[reason]) '=interrupt') { put $nil } else { put [] }
  }
}

var say = {|text| print 'cowork-env: '$text"\n" >&2 }

# Note the answer, and say what is new.
var settle = {|is label problem|
  var was before = $name $error
  set name error = $is $problem
  if (and (not-eq $problem '') (not-eq $problem $before)) {
    $say $problem
  } elif (and $interactive (not-eq $is $was) (not-eq ($get COWORK_ENV_QUIET) 1)) {
    if (eq $is '') { $say 'left '$was } elif (not-eq $label '') { $say $label }
  }
}

var update = {
  var seen = ($look)
  var held = [(each $read $files)]
  if (not (and (eq $fresh '') (eq $seen $question) (eq $held $contents))) {
    var reply = ($run $fresh)
    if (and $reply (>= (count $reply) 14) (str:contains $reply[2] m)) {
      # A slow look-up follows. What was active is left by now, if the provider is another.
      eval $reply[8]
      set reply = ($run $fresh'p')
    }
    if (or (not $reply) (< (count $reply) 14)) {
      # Interrupted, or gone: no provider then, until something changes.
      eval $undo
      set undo question contents = '' ($look) $held
      if $reply {
        $settle '' '' 'the program cannot be run any more; install it again, or take its line out of your start-up file'
      } else {
        $settle '' '' ''
      }
    } else {
      eval $reply[8]
      var end = (+ 14 (* 2 (num $reply[13])))
      set undo = $reply[11]
      var watched = [(range $end (count $reply) &step=2 | each {|i| put $reply[$i] })]
      var after = ($look)
      # If a pin was written meanwhile, or a file is watched whose content is only known from later, ask once more.
      if (and (eq $watched $files) (eq $after[0] $seen[0]) (eq $after[1] $seen[1])) {
        set question contents = $after $held
      } else {
        set question files = $nil $watched
      }
      var label = $reply[5]
      if (and (eq $fresh f) (str:contains $reply[2] c)) { set label = '' }
      $settle $reply[4] $label $reply[6]
      range 14 $end &step=2 | each {|i|
        if (and $interactive (not (has-key $said $reply[$i]))) {
          set said[$reply[$i]] = $true
          $say $reply[(+ 1 $i)]
        }
      }
    }
  }
}

fn -cowork-env-update { $update }
fn -cowork-env-prompt { -cowork-env-update; set fresh = '' }

# One of ours is enough, and the newest.
var others = {|list|
  each {|f|
    var ours = $false
    try { set ours = (str:contains $f[def] -cowork-env-) } catch { }
    if (not $ours) { put $f }
  } $list
}
set after-chdir = [($others $after-chdir) {|_| -cowork-env-update }]
# A script has no prompts, and does not know the name.
try {
  eval 'set edit:before-readline = [($others $edit:before-readline) { -cowork-env-prompt }]' ^
    &ns=(ns [&others=$others &-cowork-env-prompt~=$-cowork-env-prompt~])
  set interactive = $true
} catch { }
