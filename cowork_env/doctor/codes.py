"""What ``doctor`` can find: every code with its level, its message, its hint and its meaning.

This is the only place for them. A check names a code and gives the fields of its text.
``python docs/make_tables.py`` makes the table in docs/doctor.md from here. Codes and levels are an
interface: programs read them.
"""

from __future__ import annotations

from dataclasses import dataclass

OK, NOTE, WARNING, ERROR = "ok", "note", "warning", "error"


@dataclass(frozen=True)
class Text:
    """One text of a code: its level, and templates for :meth:`str.format`."""

    level: str
    message: str
    hint: str = ""


class Code:
    """One code: its meaning for the documentation, and its text, or several texts by name."""

    __slots__ = ("meaning", "name", "texts")

    def __init__(self, name: str, meaning: str, text: Text | None = None, **texts: Text) -> None:
        self.name, self.meaning = name, meaning
        self.texts = ({"": text} if text else {}) | texts

    @property
    def levels(self) -> list[str]:
        """The levels of its texts, each once."""
        return list(dict.fromkeys(text.level for text in self.texts.values()))


_ASK_DOCUMENTATION = "use the one that the provider's documentation gives for Claude Code."
_CHECK_NETWORK = "Check the URL, the network and the firewall."
_START_SERVER = "Start the server, or correct the port."
_ALLOW_HOST = "Allow the host in the proxy, or add it to NO_PROXY."
_RETRY = "Try again later."
# A message or hint that was written where the problem was found.
_AS_GIVEN = Text(ERROR, "{message}", "{hint}")

TOPICS = {
    "Results of a model": (
        Code("ok", "the model answered (only as the result of a model)"),
        Code(
            "model-ok",
            "the model answered, with the time that it took",
            Text(OK, "{model} ({uses}) answers in {seconds:.1f} s."),
        ),
        Code(
            "model",
            "the server does not know the model; the hint has the nearest names",
            nearest=Text(
                ERROR,
                "The server does not know the model {model} ({uses}).",
                "It offers {offered}.",
            ),
            different=Text(
                ERROR,
                "The server does not know the model {model} ({uses}).",
                "It offers {offered}; no name is similar.",
            ),
            unlisted=Text(
                ERROR,
                "The server does not know the model {model} ({uses}).",
                "The server lists no models; see the provider's documentation.",
            ),
        ),
        Code(
            "model-denied",
            "the key is not permitted to use the model",
            Text(
                ERROR,
                "The key is not permitted to use the model {model} ({uses}).{server_message}",
                "Choose another model, or ask for access to this one where the key was issued.",
            ),
        ),
        Code(
            "no-model",
            "no model is configured and the server lists none, so nothing could be tried",
            Text(
                ERROR,
                "No model is configured and the server lists none, so no request can be tried.",
                "Set one: cowork-env edit --default-model MODEL {argument}",
            ),
        ),
    ),
    "Connection": (
        Code(
            "works",
            "what worked: the server, the key, the models (note: not all models)",
            Text(OK, "It works: {host} accepts the key, {models} in {seconds:.1f} s."),
            partly=Text(NOTE, "{host} accepts the key, but only {good} of {total} models work."),
        ),
        Code(
            "no-list",
            "the endpoint lists no models (only in `cowork-env show NAME --models`)",
            Text(
                ERROR,
                "It lists no models (HTTP status {status}).",
                "Its documentation has their names; 'cowork-env doctor' tries those that are set.",
            ),
            account=Text(
                ERROR,
                "An account's login is for Claude Code alone, so nothing is asked with it.",
                "Claude Code lists the models with /model.",
            ),
            direct=Text(
                ERROR,
                "It has no base URL, so there is nothing to ask.",
                "The cloud's documentation has the names of its models.",
            ),
        ),
        Code(
            "dns",
            "the host name cannot be resolved",
            Text(
                ERROR,
                "The host name {host} cannot be resolved.",
                "Check the URL for typos, and whether the network (or the VPN) is up.",
            ),
        ),
        Code(
            "refused",
            "nothing listens at the address",
            Text(ERROR, "{server} refused the connection: nothing listens there.", _CHECK_NETWORK),
            local=Text(
                ERROR, "{server} refused the connection: nothing listens there.", _START_SERVER
            ),
        ),
        Code(
            "unreachable",
            "there is no route to the server",
            Text(ERROR, "{server} cannot be reached.", _CHECK_NETWORK),
            local=Text(ERROR, "{server} cannot be reached.", _START_SERVER),
        ),
        Code(
            "timeout",
            "no connection or no response in time",
            Text(
                ERROR,
                "{server} did not respond in time.",
                "Check the network and the server, or wait longer with --timeout.",
            ),
            connect=Text(
                ERROR,
                "{server} could not be reached in time.",
                "Check the network and the server, or wait longer with --timeout.",
            ),
        ),
        Code(
            "broken",
            "the connection was closed early, or the response is not HTTP",
            Text(
                ERROR,
                "{server} closed the connection, or does not speak HTTP.",
                "Check the port, and the server's log.",
            ),
        ),
        Code("name", "the host name was resolved", Text(OK, "{host} resolves to {address}{more}.")),
    ),
    "TLS": (
        Code(
            "certificate",
            "the server's certificate is not trusted",
            Text(
                ERROR,
                "The certificate of {host} is not trusted: {reason}.",
                "If your own authority issued it, set NODE_EXTRA_CA_CERTS and SSL_CERT_FILE to its "
                "certificate file.",
            ),
            mismatch=Text(
                ERROR,
                "The certificate of {host} is not trusted: {reason}.",
                "Use a host name in the URL that the certificate is for.",
            ),
            dates=Text(
                ERROR,
                "The certificate of {host} is not trusted: {reason}.",
                "Have the certificate renewed, and check this machine's clock.",
            ),
        ),
        Code(
            "tls",
            "the TLS handshake failed for another reason",
            Text(
                ERROR,
                "The TLS handshake with {server} failed.",
                "A proxy on the way, or an outdated server, may be the cause.",
            ),
        ),
        Code(
            "ca-file",
            "a file of certificate authorities cannot be read",
            Text(
                ERROR,
                "The file that {variable} names cannot be used.",
                "Correct the variable, or unset it.",
            ),
        ),
        Code(
            "not-tls",
            "the URL says https, the server speaks plain http",
            Text(
                ERROR,
                "{server} speaks plain http, but the URL says https.",
                "Use the server's https address.",
            ),
            local=Text(
                ERROR,
                "{server} speaks plain http, but the URL says https.",
                "Use http:// in the base URL; on this machine plain http is fine.",
            ),
        ),
        Code(
            "https-wanted",
            "the URL says http, the server requires https",
            Text(
                ERROR,
                "The server requires https, but the URL says http.",
                "Use https:// in the base URL.",
            ),
        ),
        Code(
            "insecure",
            "requests are not encrypted",
            Text(
                WARNING,
                "Requests to {host} are not encrypted: others on the network can read the key.",
            ),
        ),
    ),
    "Proxies": (
        Code(
            "proxy-unreachable",
            "the proxy cannot be reached",
            Text(ERROR, "Cannot connect to {proxy}.", "Correct that variable, or unset it."),
        ),
        Code(
            "proxy-refused",
            "the proxy does not let the request through",
            Text(ERROR, "Refused by {proxy}: connecting to {host}{status}.", _ALLOW_HOST),
            login=Text(
                ERROR,
                "Refused by {proxy}: connecting to {host}{status}.",
                "The proxy requires a user name and a password.",
            ),
            response=Text(
                ERROR,
                "The response (status {status}) comes from {proxy}, not from the server.",
                _ALLOW_HOST,
            ),
        ),
        Code(
            "proxy-form",
            "the proxy variable has an unsupported value",
            Text(
                ERROR,
                "The proxy that the environment names is not supported.",
                "Use an http:// or https:// proxy.",
            ),
        ),
        Code(
            "proxy-loopback",
            "a proxy would get requests, and the key, for a server on this machine",
            Text(
                ERROR,
                "Clients send requests for {host} through the proxy {address} ({variable}), "
                "key included.",
                "Add {host} to NO_PROXY.",
            ),
        ),
        Code(
            "proxy-plain",
            "a proxy would get the key unencrypted",
            Text(
                ERROR,
                "Clients send requests for {host} through the proxy {address} ({variable}), "
                "key included.",
                "Add {host} to NO_PROXY.",
            ),
        ),
        Code(
            "proxy",
            "requests go through a proxy",
            Text(NOTE, "Requests go through the proxy {address} ({variable})."),
        ),
    ),
    "URL and API": (
        Code(
            "path",
            "there is no API at the URL's `/v1/messages`",
            Text(
                ERROR,
                "Wrong path: {url}/v1/messages does not exist ({status}).",
                "Clients append /v1/messages to the base URL; " + _ASK_DOCUMENTATION,
            ),
            elsewhere=Text(
                ERROR,
                "Wrong path: {url}/v1/messages does not exist ({status}).",
                "The API is below {place}; clients append /v1/messages to the base URL.",
            ),
        ),
        Code(
            "openai",
            "the server speaks OpenAI's format, not Anthropic's",
            Text(
                ERROR,
                "This is an OpenAI-format server; Claude Code needs the Anthropic format.",
                "If the server has an Anthropic-format URL, use that. {gateway}",
            ),
        ),
        Code(
            "html",
            "the response is a web page",
            Text(
                ERROR,
                "The response is a web page, not one of the Anthropic API.",
                "The URL is that of a website or a login page; " + _ASK_DOCUMENTATION,
            ),
        ),
        Code(
            "format",
            "the response has some other format",
            Text(
                ERROR,
                "The response (status {status}) is not one of the Anthropic API.{server_message}",
                "Check the URL; " + _ASK_DOCUMENTATION,
            ),
        ),
        Code(
            "redirect",
            "the server redirects requests to another URL; redirects are not followed",
            Text(
                ERROR,
                "The server redirects requests ({status}): {place}",
                "The key was not sent there. If that URL is right, use it as the base URL.",
            ),
        ),
        Code(
            "url",
            "the URL is exported in another form, or `/v1` in it will be doubled",
            Text(NOTE, "The URL is exported as {url}, because clients append /v1/messages to it."),
            verbatim=Text(
                WARNING,
                "Clients will append /v1/messages to {url} as it is.",
                "Remove verbatimBaseUrl.",
            ),
        ),
        Code(
            "direct",
            "the client talks to a cloud itself, so nothing is tried",
            Text(
                NOTE,
                "Clients talk to the cloud directly, with its own URL and credentials: "
                "these are not checked.",
            ),
        ),
    ),
    "Key": (
        Code(
            "key",
            "the server rejects the key",
            Text(
                ERROR,
                "The server rejects the key ({status}).{server_message}",
                "Claude Code may call this 'Not logged in'. "
                "Enter the key again: cowork-env key {argument}",
            ),
            characters=Text(
                ERROR,
                "The key has characters that an HTTP header cannot contain.",
                "Enter the key again: cowork-env key {argument}",
            ),
        ),
        Code(
            "key-style",
            "the server accepts the key in the other header only",
            Text(
                ERROR,
                "The server accepts this key as {accepted}, but it is sent as {sent}.",
                "Change it: cowork-env edit --auth {auth} {argument}",
            ),
        ),
        Code(
            "forbidden",
            "access is forbidden (403)",
            Text(
                ERROR,
                "The server denies access with this key (403).{server_message}",
                "Check the key's permissions, and whether the server accepts requests from your "
                "location and client.",
            ),
        ),
        Code(
            "secret",
            "there is no key, or it cannot be fetched",
            _AS_GIVEN,
        ),
        Code(
            "encrypted",
            "the key is one that the desktop app has encrypted",
            Text(OK, "Its key, which the desktop app has encrypted, can be read."),
            offline=Text(
                NOTE,
                "Its key is encrypted by the desktop app. Whether the app's password is within "
                "reach was not asked.",
                "Run doctor without --offline.",
            ),
        ),
        Code(
            "reference",
            "the stored key looks like a reference, but is sent as it is",
            Text(
                WARNING,
                "The stored key looks like a reference, but it is sent as it is.",
                "If it is one: cowork-env edit --token-from REFERENCE {argument}",
            ),
        ),
    ),
    "Accounts": (
        Code(
            "login",
            "which login an account has (ok), that it is a token (note), or that there is none or "
            "it has expired (error)",
            error=_AS_GIVEN,
            ok=Text(OK, "Logged in{who}: {place}."),
            key=Text(OK, "Logged in{who} with an API key of the Console: {place}."),
            token=Text(NOTE, "It uses a token of 'claude setup-token'."),
            none=Text(ERROR, "There is no login yet ({place}).", "Log in: {command}"),
            expired=Text(
                ERROR,
                "The login{who} has expired on {date} and cannot be renewed: {place}.",
                "Log in again: {command}",
            ),
        ),
        Code(
            "not-asked",
            "no request was sent: `--offline`, something is wrong already, or it is an account, "
            "whose login or token is for Claude Code alone",
            Text(
                NOTE,
                "Anthropic was not asked whether it accepts this: it is for Claude Code alone.",
                "Try it: {command}",
            ),
            offline=Text(NOTE, "No request was sent, and no key was fetched: --offline was given."),
            obstacle=Text(NOTE, "No request was sent, because of the errors above."),
        ),
    ),
    "Server": (
        Code(
            "quota",
            "the quota is used up, or requests are too frequent",
            Text(
                ERROR,
                "The quota is used up, or requests are too frequent "
                "({status}){for_model}.{server_message}",
                "Wait, or check the account's balance and limits; URL and key are right.",
            ),
        ),
        Code(
            "overloaded",
            "the server is overloaded",
            Text(ERROR, "The server is overloaded ({status}){for_model}.", _RETRY),
        ),
        Code(
            "server",
            "the server failed",
            Text(ERROR, "The server failed ({status}){for_model}.{server_message}", _RETRY),
        ),
        Code(
            "request",
            "the server rejects the request for another reason",
            Text(ERROR, "The server rejects the request ({status}){for_model}.{server_message}"),
        ),
        Code(
            "beta",
            "the server rejects Claude Code's `anthropic-beta` header",
            Text(
                ERROR,
                "The server rejects Claude Code's anthropic-beta header{for_model}."
                "{server_message}",
                "Send fewer values: cowork-env edit {options} {argument}",
            ),
            unavoidable=Text(
                ERROR,
                "The server rejects Claude Code's anthropic-beta header{for_model}."
                "{server_message}",
                "No setting of Claude Code removes that header: have the server ignore it.",
            ),
        ),
    ),
    "Provider file": (
        Code(
            "provider-file",
            "the file cannot be read (error), does not exist (note), or is fine (ok)",
            error=_AS_GIVEN,
            missing=Text(NOTE, "{file} does not exist yet.", "Add a provider: cowork-env add"),
            ok=Text(OK, "{file} is valid, with {count} provider{s}."),
        ),
        Code(
            "catalog",
            "the catalogue of a team cannot be read (error), has entries that changed since you "
            "agreed to them (warning), or that a provider of your own replaces (note), or is fine "
            "(ok)",
            error=_AS_GIVEN,
            changed=Text(
                WARNING,
                "{file}: {count} changed since you agreed to it, and is not used.",
                "'cowork-env list' shows which; look at it: cowork-env allow --provider NAME",
            ),
            replaced=Text(NOTE, "{file}: a provider of your own is used instead of {names}."),
            ok=Text(
                OK,
                "{file} is a catalogue with {count} entries. Not agreed to: {new} new, "
                "{changed} changed.",
            ),
        ),
        Code(
            "permissions",
            "a file or folder of cowork-env can be read or changed by other users",
            file=Text(
                ERROR,
                "{path} is readable by other users (mode {mode:03o}), and it contains keys.",
                "Make it private: chmod 600 {argument}",
            ),
            login=Text(
                ERROR,
                "{path} is readable by other users (mode {mode:03o}), and it contains a login.",
                "Make it private: chmod 600 {argument}",
            ),
            folder=Text(
                ERROR,
                "{path} is accessible by other users (mode {mode:03o}).",
                "Make it private: chmod 700 {argument}",
            ),
            distrusted=_AS_GIVEN,
        ),
        Code(
            "plaintext",
            "keys are stored in plain text in the provider file, and could be in a key store",
            Text(
                NOTE,
                "Providers with a key in plain text in {file}: {names}.",
                "Move them to the keyring, or to pass with --to pass: cowork-env secure",
            ),
            app=Text(
                NOTE,
                "Providers with a key in plain text in {file}: {names}.",
                "The desktop app encrypts them at its next save. If it does not need them, move"
                " them to the keyring, or to pass with --to pass: cowork-env secure",
            ),
        ),
        Code(
            "entry",
            "an entry is invalid; the message has its place",
            _AS_GIVEN,
        ),
        Code(
            "duplicate",
            "two entries have the same name",
            Text(
                ERROR,
                "There are two providers named '{name}' in {file}.",
                "Rename one of them in the desktop app or in the file.",
            ),
        ),
    ),
    "This directory and shell": (
        Code(
            "choice",
            "which provider applies (ok), that none does (note), or why it cannot be used (error)",
            error=_AS_GIVEN,
            applies=Text(OK, "{provider} applies here ({source})."),
            none=Text(
                NOTE,
                "No provider applies here, so none was asked.",
                "Name one, or check all of them: cowork-env doctor --all",
            ),
        ),
        Code("untrusted", "a pin was skipped because it is not trusted", Text(WARNING, "{pin}.")),
        Code(
            "denied",
            "a pin was skipped because you have denied it",
            Text(
                NOTE,
                "You have denied {pin}, so it has no effect.",
                "To undo that: cowork-env allow {argument}",
            ),
        ),
        Code(
            "shell",
            "whether this shell's environment is what it should be",
            different=Text(ERROR, "In this shell, {state}", "{hint}"),
            ok=Text(OK, "The environment of this shell is up to date."),
        ),
        Code(
            "state",
            "the state variable is damaged",
            Text(WARNING, "{why}.", "Start a new shell."),
        ),
        Code(
            "hook",
            "where the hook is loaded, and whether it is active in this shell",
            Text(OK, "The hook is loaded in {places}."),
            active=Text(OK, "The hook is loaded in {places}, and active in this shell."),
        ),
        Code(
            "hook-displaced",
            "something after the hook line removes the hook",
            Text(
                ERROR,
                "{place} replaces {variable} after the hook was loaded, which removes the hook.",
                "Move the hook line to the end of the file.",
            ),
        ),
        Code(
            "hook-gone",
            "the program that the hook line names was moved or removed",
            Text(
                WARNING,
                "{places} loads nothing: the program that it names is gone.",
                "Put the present one in its place: cowork-env init",
            ),
        ),
        Code(
            "hook-line",
            "no startup file loads the hook",
            Text(WARNING, "{files} loads the hook.", "Add its line: cowork-env init"),
        ),
        Code(
            "program",
            "`cowork-env` is not on PATH",
            Text(
                WARNING,
                "{program} is not on PATH, so it cannot be run by its name.",
                "Add its folder to PATH.",
            ),
        ),
    ),
    "What else affects a client": (
        Code(
            "redirected",
            "a variable sends all requests elsewhere",
            Text(
                ERROR,
                "{variable} is set{in_file}: it redirects every request, key included.",
                "Unset it.",
            ),
        ),
        Code(
            "variable",
            "a variable that a provider replaces is set: in this shell (warning), or only in a "
            "startup file (note)",
            file=Text(
                NOTE,
                "{variable} is set in {place}; it is replaced while a provider is active, and "
                "applies otherwise.",
                "Remove that line if you do not want this.",
            ),
            shell=Text(
                WARNING,
                "{variable} is set in this shell; it is replaced while a provider is active, and "
                "applies otherwise.",
                "Unset it if you do not want this.",
            ),
        ),
        Code(
            "settings",
            "a setting of Claude Code overrides the environment (error), or would (note)",
            overrides=Text(
                ERROR,
                "{setting} in the {scope} settings, and overrides the environment.",
                "Remove it from that file.",
            ),
            login=Text(
                ERROR,
                "{setting} in the {scope} settings: Claude Code sends the account's login there.",
                "Remove it from that file, or start Claude Code with a launcher: "
                "cowork-env shim claude",
            ),
            blocks=Text(
                ERROR,
                "{setting} in the {scope} settings: beside the account's token, Claude Code says "
                "'Not logged in'.",
                "Remove it from that file.",
            ),
            set=Text(NOTE, "{setting} in the {scope} settings."),
            ignored=Text(
                NOTE,
                "{setting} in the {scope} settings; it is ignored while a provider is active.",
            ),
        ),
        Code(
            "host-flag",
            "what the protection from settings files costs in Claude Code",
            Text(
                NOTE,
                "Claude Code is kept from settings files that set another URL or key. In return, "
                "its Bash tool, hooks, MCP servers and status line get no key (a client that they "
                "start says 'Not logged in'), and there are no background sessions and no agent "
                "view.",
                "There, use 'cowork-env exec'. To give up the protection: "
                "cowork-env edit --env CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST= {argument}",
            ),
            account=Text(
                NOTE,
                "Claude Code is kept from settings files that send the account's token elsewhere. "
                "In return, its Bash tool, hooks, MCP servers and status line get no token (a "
                "client that they start says 'Not logged in'), and there are no background "
                "sessions and no agent view.",
                "There, use 'cowork-env exec'. An account with a directory has none of this.",
            ),
            launcher=Text(
                NOTE,
                "Claude Code is kept from settings files that set another URL or key, at a price: "
                "its Bash tool, hooks, MCP servers and status line get no key, and there are no "
                "background sessions and no agent view.",
                "{advice}",
            ),
        ),
        Code(
            "launcher",
            "whether `claude` means its launcher, which protects it at no cost",
            ok=Text(OK, "Claude Code is protected by its launcher, {launcher}."),
            login=Text(NOTE, "A settings file can send the account's login elsewhere.", "{advice}"),
            order=Text(
                WARNING,
                "The launchers' folder, {folder}, is not first on PATH here, so they may not be "
                "found.",
                "Open a new shell with the hook (cowork-env init), or put it first yourself.",
            ),
            hidden=Text(
                WARNING,
                "{place} makes {name} {what}, which hides the launcher.",
                "Remove it, and have the program itself on PATH.",
            ),
        ),
        Code(
            "settings-file",
            "a settings file of Claude Code cannot be read",
            Text(WARNING, "{message}", "Claude Code may reject it, too."),
        ),
        Code(
            "leftover",
            "another provider switcher left files or variables",
            Text(NOTE, "Found a trace of {tool}: {trace}.", "Remove it if you no longer use it."),
        ),
    ),
}

CODES = {code.name: code for codes in TOPICS.values() for code in codes}
