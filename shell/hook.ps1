# cowork-env's hook for PowerShell 7: cowork-env hook pwsh | Out-String | Invoke-Expression
#
# Written from PowerShell's documentation: no test has run it. At a prompt where nothing changed it
# starts no process: it compares the directory, a few variables, and a few files' contents with what
# the active response was about. The fields of a response are described in
# cowork_env/hook/protocol.py.

if (-not $global:__cowork_env) {
    $global:__cowork_env = @{
        Prompt = $function:prompt; Shown = @{}; Undo = ''; Error = ''; Provider = ''; Watches = @(); Hooked = $false
    }
}
$global:__cowork_env.Starting = 'starting'
$global:__cowork_env.Key = $null
$global:__cowork_env.Request = @(@REQUEST@)

# A file's content, or the timestamp of a folder; neither a missing file nor a FIFO is opened.
function global:__cowork_env_read([string]$file) {
    try {
        if ([IO.Directory]::Exists($file)) { return '/' + [IO.Directory]::GetLastWriteTimeUtc($file).Ticks }
        $item = [IO.FileInfo]::new($file)
        if (-not $item.Exists -or $item.Attributes.HasFlag([IO.FileAttributes]::Device)) { return '-' }
        return '=' + [Convert]::ToBase64String([IO.File]::ReadAllBytes($file))
    } catch { return '!' }
}

# A snapshot of what a response depends on: the directory, a few variables, the pins on the way up,
# and the watched files.
function global:__cowork_env_snapshot([string]$here) {
    $parts = @($here)
    foreach ($name in @CONTEXT@) {
        $parts += "$name=" + [Environment]::GetEnvironmentVariable($name)
    }
    for ($directory = $here; $directory; $directory = [IO.Path]::GetDirectoryName($directory)) {
        $parts += __cowork_env_read ([IO.Path]::Combine($directory, '.cowork-provider'))
    }
    foreach ($file in $global:__cowork_env.Watches) { $parts += __cowork_env_read $file }
    return $parts -join [string][char]0
}

# The program's response as a hashtable, $null for none.
function global:__cowork_env_request([string]$here, [string]$flags) {
    try {
        $start = [Diagnostics.ProcessStartInfo]::new($global:__cowork_env.Request[0])
        foreach ($word in $global:__cowork_env.Request[1..100] + @("flags=$flags")) { $start.ArgumentList.Add($word) }
        $start.WorkingDirectory = $here
        $start.UseShellExecute = $false
        $start.RedirectStandardInput = $start.RedirectStandardOutput = $start.RedirectStandardError = $true
        $process = [Diagnostics.Process]::Start($start)
        $process.StandardInput.Close()
        $null = $process.StandardError.ReadToEndAsync()
        $text = $process.StandardOutput.ReadToEnd()
        $process.WaitForExit()
        if ($text) { return Invoke-Expression $text }
    } catch { }
    return $null
}

function global:__cowork_env_show([string]$text) { [Console]::Error.WriteLine("cowork-env: $text") }

function global:__cowork_env_update {
    $our = $global:__cowork_env
    $here = (Get-Location -PSProvider FileSystem).ProviderPath
    $before = __cowork_env_snapshot $here
    if (-not $our.Starting -and $before -ceq $our.Key -and $env:COWORK_ENV_STATE -ceq $our.State) { return }
    $first, $response = $null, (__cowork_env_request $here $our.Starting)
    if ($response -and $response.flags.Contains(' pending ')) {
        # A slow lookup follows. What this response asked for stays in force if that fails.
        $first = $response
        if ($first.now) { Invoke-Expression $first.now }
        $our.Undo = $first.undo
        $response = __cowork_env_request $here ($our.Starting + ' allow-slow terminal')
    }
    $provider_before, $error_before = $our.Provider, $our.Error
    if (-not $response) {
        if ($our.Undo -and -not $first) { Invoke-Expression $our.Undo; $our.Undo = '' }
        $our.Key = $before
        $our.Provider, $our.Error, $label, $notices = '', $(if ($first) { $first.error } else { @CANNOT_RUN@ }), '', @()
    } else {
        if ($response.now) { Invoke-Expression $response.now }
        $our.Undo = $response.undo
        # A file that is watched from now on was read before its content was known: request once more.
        $known = ($response.watches -join [string][char]0) -ceq ($our.Watches -join [string][char]0)
        $our.Watches = $response.watches
        $our.Key = if ($known) { $before } else { $null }
        $our.Provider, $our.Error, $label = $response.provider, $response.error, $response.label
        if ($our.Starting -and $response.flags.Contains(' quiet ')) { $label = '' }
        $notices = $response.notices
    }
    $our.State = $env:COWORK_ENV_STATE
    if ($our.Error -and $our.Error -cne $error_before) {
        __cowork_env_show $our.Error
    } elseif ($our.Provider -cne $provider_before -and $env:COWORK_ENV_QUIET -ne '1') {
        if (-not $our.Provider) { __cowork_env_show "left $provider_before" } elseif ($label) { __cowork_env_show $label }
    }
    foreach ($notice in $notices) {
        if (-not $our.Shown[$notice.id]) { $our.Shown[$notice.id] = $true; __cowork_env_show $notice.text }
    }
}

function global:prompt {
    $code = $global:LASTEXITCODE
    __cowork_env_update
    $global:__cowork_env.Starting = ''
    $global:LASTEXITCODE = $code
    & $global:__cowork_env.Prompt
}

if (-not $global:__cowork_env.Hooked) {
    $global:__cowork_env.Hooked = $true
    $commands = $ExecutionContext.SessionState.InvokeCommand
    $moved = [EventHandler[System.Management.Automation.LocationChangedEventArgs]] { __cowork_env_update }
    $commands.LocationChangedAction = if ($commands.LocationChangedAction) { [Delegate]::Combine($commands.LocationChangedAction, $moved) } else { $moved }
}
