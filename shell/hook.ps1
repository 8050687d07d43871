# cowork-env's hook for PowerShell 7: cowork-env hook pwsh | Out-String | Invoke-Expression
#
# Written from PowerShell's documentation: no test has run it. At a prompt where nothing changed it means to start no
# process: it compares the directory, a few variables, and a few files' contents with what the last answer was about.

if (-not $global:__cowork_env) {
    $global:__cowork_env = @{ Prompt = $function:prompt; Said = @{}; Undo = ''; Error = ''; Name = ''; Files = @(); Hooked = $false }
}
# A state that was inherited names its provider until the first answer.
if ($env:COWORK_ENV_STATE -and $env:COWORK_ENV_ACTIVE) { $global:__cowork_env.Name = $env:COWORK_ENV_ACTIVE }
$global:__cowork_env.Fresh = 'f'
$global:__cowork_env.Question = $null
$global:__cowork_env.Ask = @(@ASK@)
$global:__cowork_env.Package = @PACKAGE@
$global:__cowork_env.Gone = 'the program cannot be run any more; install it again, or take its line out of your start-up file'

# A file's content, or the time stamp of a folder; neither something that is missing nor a FIFO is opened.
function global:__cowork_env_read([string]$file) {
    try {
        if ([IO.Directory]::Exists($file)) { return '/' + [IO.Directory]::GetLastWriteTimeUtc($file).Ticks }
        $item = [IO.FileInfo]::new($file)
        if (-not $item.Exists -or $item.Attributes.HasFlag([IO.FileAttributes]::Device)) { return '-' }
        return '=' + [Convert]::ToBase64String([IO.File]::ReadAllBytes($file))
    } catch { return '!' }
}

# What an answer depends on: the directory, a few variables, the pins on the way up, and the watched files.
function global:__cowork_env_look([string]$here) {
    $parts = @($here)
    foreach ($name in 'COWORK_PROVIDER', 'COWORK_ENV_PROVIDERS_FILE', 'COWORK_ENV_PROVIDERS_JSON', 'HOME', 'XDG_CONFIG_HOME', 'XDG_STATE_HOME') {
        $parts += "$name=" + [Environment]::GetEnvironmentVariable($name)
    }
    for ($directory = $here; $directory; $directory = [IO.Path]::GetDirectoryName($directory)) {
        $parts += __cowork_env_read ([IO.Path]::Combine($directory, '.cowork-provider'))
    }
    foreach ($file in $global:__cowork_env.Files) { $parts += __cowork_env_read $file }
    return $parts -join [string][char]0
}

# The program's answer as a list, empty for none.
function global:__cowork_env_run([string]$here, [string]$flags) {
    try {
        $start = [Diagnostics.ProcessStartInfo]::new($global:__cowork_env.Ask[0])
        # One by one, as an empty argument would be lost on a command line.
        foreach ($word in $global:__cowork_env.Ask[1..100] + @('pwsh', $flags, '', '', '', $global:__cowork_env.Package)) { $start.ArgumentList.Add($word) }
        $start.WorkingDirectory = $here
        $start.UseShellExecute = $false
        $start.RedirectStandardInput = $start.RedirectStandardOutput = $start.RedirectStandardError = $true
        $process = [Diagnostics.Process]::Start($start)
        $process.StandardInput.Close()
        $null = $process.StandardError.ReadToEndAsync()
        $text = $process.StandardOutput.ReadToEnd()
        $process.WaitForExit()
        return , @(Invoke-Expression $text)
    } catch { return , @() }
}

function global:__cowork_env_say([string]$text) { [Console]::Error.WriteLine("cowork-env: $text") }

function global:__cowork_env_update {
    $our = $global:__cowork_env
    $here = (Get-Location -PSProvider FileSystem).ProviderPath
    $before = __cowork_env_look $here
    if (-not $our.Fresh -and $before -ceq $our.Question -and $env:COWORK_ENV_STATE -ceq $our.State) { return }
    $reply = __cowork_env_run $here $our.Fresh
    if ($reply.Count -ge 14 -and $reply[2].Contains('m')) {
        # A slow look-up follows. What was active is left by now, if the provider is another.
        if ($reply[8]) { Invoke-Expression $reply[8] }
        $reply = __cowork_env_run $here ($our.Fresh + 'p')
    }
    $was, $error_before = $our.Name, $our.Error
    if ($reply.Count -lt 14) {
        if ($our.Undo) { Invoke-Expression $our.Undo }
        $our.Undo = ''
        $our.Question = $before
        $our.Name, $our.Error, $label, $notices = '', $our.Gone, '', @()
    } else {
        if ($reply[8]) { Invoke-Expression $reply[8] }
        $count = 14 + 2 * [int]$reply[13]
        $our.Undo = $reply[11]
        $files = @(for ($i = $count; $i -lt $reply.Count; $i += 2) { $reply[$i] })
        # A file that is watched from now on was read before we knew its content: ask once more.
        $known = ($files -join [string][char]0) -ceq ($our.Files -join [string][char]0)
        $our.Files = $files
        $our.Question = if ($known) { $before } else { $null }
        $our.Name, $our.Error, $label = $reply[4], $reply[6], $reply[5]
        if ($our.Fresh -and $reply[2].Contains('c')) { $label = '' }
        $notices = @(for ($i = 14; $i -lt $count; $i += 2) { , @($reply[$i], $reply[$i + 1]) })
    }
    $our.State = $env:COWORK_ENV_STATE
    if ($our.Error -and $our.Error -cne $error_before) {
        __cowork_env_say $our.Error
    } elseif ($our.Name -cne $was -and $env:COWORK_ENV_QUIET -ne '1') {
        if (-not $our.Name) { __cowork_env_say "left $was" } elseif ($label) { __cowork_env_say $label }
    }
    foreach ($notice in $notices) {
        if (-not $our.Said[$notice[0]]) { $our.Said[$notice[0]] = $true; __cowork_env_say $notice[1] }
    }
}

function global:prompt {
    $code = $global:LASTEXITCODE
    __cowork_env_update
    $global:__cowork_env.Fresh = ''
    $global:LASTEXITCODE = $code
    & $global:__cowork_env.Prompt
}

if (-not $global:__cowork_env.Hooked) {
    $global:__cowork_env.Hooked = $true
    $commands = $ExecutionContext.SessionState.InvokeCommand
    $moved = [EventHandler[System.Management.Automation.LocationChangedEventArgs]] { __cowork_env_update }
    $commands.LocationChangedAction = if ($commands.LocationChangedAction) { [Delegate]::Combine($commands.LocationChangedAction, $moved) } else { $moved }
}
