# cowork-env's hook for elvish: eval (cowork-env hook elvish | slurp)
#
# At a prompt where nothing changed it starts no process. elvish cannot tell a file's timestamp
# without one, so it compares contents: of the pins on the way up, and of the few files that the
# active response depends on. For anything else it requests a response from the program (its fields
# are described in cowork_env/hook/protocol.py). Nothing is exported.

use path
use str

var request-command = [@REQUEST@]
var get = {|name| if (has-env $name) { get-env $name } else { put $nil } }
# The variables that our folders follow from, and those that a response depends on.
var folder-variables = [@FOLDERS@]
var variables = [COWORK_ENV_STATE @CONTEXT@]
var folders = [(each $get $folder-variables)]
# What the active response is about, the files to watch and their contents, how to undo it, its
# error; the notices that were shown; whether no prompt has been reached yet.
var key = $nil
var watches = []
var contents = []
var undo = ''
var provider = ''
var error = ''
var shown = [&]
var starting = starting
var interactive = $false

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

# A snapshot of what a response depends on, beside the watched files: the pins with their contents,
# and a few variables.
var snapshot = {
  var here = $pwd
  try { set here = (path:eval-symlinks $pwd) } catch { }
  var directory = $here
  var pins = []
  while (not-eq $directory '') {
    set pins = [$@pins ($read (path:join $directory .cowork-provider))]
    var above = (path:dir $directory)
    if (eq $above $directory) { set directory = '' } else { set directory = $above }
  }
  put [&here=$here &pins=$pins &context=[(each $get $variables)]]
}

# The program's response as a map; $false for none, $nil when it was interrupted.
var request = {|flags|
  var arguments = [flags=$flags]
  if (eq $folders [(each $get $folder-variables)]) {
    set arguments = [$@arguments state_dir=@STATE_DIR@ config_dir=@CONFIG_DIR@]
  }
  try {
    var text = ((external $request-command[0]) (all $request-command[1..]) $@arguments < /dev/null 2> /dev/null | slurp)
    if (eq $text '') { put $false } else { eval $text }
  } catch e {
    if (str:contains (to-string $e[reason]) '=interrupt') { put $nil } else { put $false }
  }
}

var show = {|text| print 'cowork-env: '$text"\n" >&2 }

# The response is applied: note that, and tell the user what is new.
var finish = {|now label problem|
  var provider-before error-before = $provider $error
  set provider error = $now $problem
  if (and (not-eq $problem '') (not-eq $problem $error-before)) {
    $show $problem
  } elif (and $interactive (not-eq $now $provider-before) (not-eq ($get COWORK_ENV_QUIET) 1)) {
    if (eq $now '') { $show 'left '$provider-before } elif (not-eq $label '') { $show $label }
  }
}

var update = {
  var before = ($snapshot)
  var read-before = [(each $read $watches)]
  if (not (and (eq $starting '') (eq $before $key) (eq $read-before $contents))) {
    var response = ($request $starting)
    var first = $nil
    if (and $response (str:contains $response[flags] pending)) {
      # A slow lookup follows. What this response asked for stays in force if that is interrupted.
      set first = $response
      eval $first[now]
      set undo = $first[undo]
      var terminal = (if $interactive { put ' terminal' } else { put '' })
      set response = ($request $starting' allow-slow'$terminal)
    }
    if (not $response) {
      # Interrupted, or gone: not tried again until something changes.
      if (eq $first $nil) { eval $undo; set undo = '' }
      set key contents = ($snapshot) $read-before
      if (not-eq $first $nil) {
        $finish '' '' $first[error]
      } elif (eq $response $nil) {
        $finish '' '' ''
      } else {
        $finish '' '' @CANNOT_RUN@
      }
    } else {
      eval $response[now]
      set undo = $response[undo]
      var after = ($snapshot)
      # If a pin was written meanwhile, or a file is watched whose content was not known before,
      # request once more.
      if (and (eq $response[watches] $watches) (eq $after[here] $before[here]) (eq $after[pins] $before[pins])) {
        set key contents = $after $read-before
      } else {
        set key watches = $nil $response[watches]
      }
      var label = $response[label]
      if (and (not-eq $starting '') (str:contains $response[flags] quiet)) { set label = '' }
      $finish $response[provider] $label $response[error]
      for notice $response[notices] {
        if (and $interactive (not (has-key $shown $notice[id]))) {
          set shown[$notice[id]] = $true
          $show $notice[text]
        }
      }
    }
  }
}

fn -cowork-env-update { $update }
fn -cowork-env-prompt { -cowork-env-update; set starting = '' }

# Of this hook, keep the newest one only.
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
