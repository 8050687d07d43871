"""``edit``: a provider's fields, by options, by questions, or in an editor."""

from __future__ import annotations

from typing import Any

import click

from .. import editing, securing
from ..core import provider as rules
from ..core.providers import field_of
from ..util.errors import NOTHING_CHANGED, CoworkEnvError
from . import edit_dialog, saving
from .change import Change, Changed, say_where_key_goes
from .editor import EditedFile
from .errors import usage_error
from .inputs import current_inputs
from .options import examples, provider_argument, yes_option
from .output import say
from .prompts import confirm, interactive, tell_error
from .provider_options import (
    check_kind,
    given_fields,
    no_check_option,
    provider_options,
    read_key,
)


@click.command(
    "edit",
    epilog=examples(
        "cowork-env edit openrouter               # asks what to change",
        "cowork-env edit openrouter --default-model anthropic/claude-sonnet-5",
        "cowork-env edit openrouter --editor      # the whole entry in $EDITOR",
        "cowork-env edit work --keyring           # a new key, in the keyring",
        "cowork-env edit work --haiku ''          # removes the value",
        "cowork-env edit work --env '' --env A=1  # these variables and no others",
        "cowork-env edit work --env CLAUDE_CODE_MAX_CONTEXT_TOKENS=200000",
        "cowork-env edit work --account --config-dir '~/.claude-work'",
    ),
)
@provider_argument(required=False, parameter="provider")
@provider_options
@click.option("--editor", is_flag=True, help="Edit the whole entry in $VISUAL or $EDITOR.")
@yes_option
@no_check_option
def command(
    provider: str | None,
    token_stdin: bool,
    keyring: bool,
    editor: bool,
    yes: bool,
    no_check: bool,
    **given: Any,
) -> None:
    """Change a provider.

    An empty value removes a field. Without options, asks on a terminal what to change. A new key
    replaces a reference, and is kept where 'cowork-env secure' has put the old one; a reference
    replaces a stored key, but one that gives no key only if you agree. --keyring asks for a new
    key; to move the one that is there, use 'cowork-env secure NAME'. --account makes it a login of
    Claude Code's, and another --auth makes an account an endpoint again: URL, key, directory and
    models are then given anew.
    """
    inputs = current_inputs()
    fields = given_fields(**given)
    is_asked = not editor and fields.is_empty() and not (token_stdin or keyring)
    if editor and not (fields.is_empty() and not (token_stdin or keyring)):
        raise usage_error("--editor goes with no other change.", "Make the others in the editor.")
    change = Change(inputs, saving.chosen_name(provider, "Which provider is to be changed?"))
    if is_asked and not interactive():
        raise usage_error(
            "There is nothing to change.", "See 'cowork-env edit --help' for the options."
        )
    if editor:
        name = _edit_in_editor(change, yes=yes or no_check)
    elif is_asked:
        name = _ask_and_save(change, no_check=no_check)
    else:
        _read_new_key(change, fields, token_stdin=token_stdin, keyring=keyring)
        change.check_reference(fields, yes or no_check)
        after = {**change.entry}
        fields.apply(after)
        name = change.save(fields, securing.DEFAULT if keyring else change.key_store)
        say_where_key_goes(change.entry, after)
    if not name:
        say(NOTHING_CHANGED)
    elif interactive() and not no_check:
        saving.check(inputs, name)


def _read_new_key(
    change: Change, fields: editing.Fields, *, token_stdin: bool, keyring: bool
) -> None:
    """Read the key that goes with the options, if one does, and check that they go together."""
    entry = change.entry
    account = fields.makes_account(entry)
    check_kind(fields, account=account)
    needs_key = fields.changes_kind(entry) and not account
    if needs_key and not fields.base_url:
        raise usage_error(
            "Missing --base-url.",
            "An account has no endpoint to keep; Anthropic's own is https://api.anthropic.com.",
        )
    question = "Key" if needs_key else "New key" if keyring and not account else ""
    fields.token = read_key(fields, token_stdin, question, keyring, account=account)


def _ask_and_save(change: Change, *, no_check: bool) -> str:
    """Ask what to change, and save it; the name now, or empty if nothing was changed."""
    dialog = edit_dialog.Dialog(change, ask_endpoint=not no_check)
    while True:
        fields = dialog.ask()
        if fields.is_empty():
            return ""
        try:
            change.check_reference(fields, yes=no_check)
            return change.save(fields, change.key_store)
        except Changed:
            raise
        except CoworkEnvError as error:
            tell_error(error)  # What was answered is still there.


def _edit_in_editor(change: Change, *, yes: bool) -> str:
    """Let the user edit the entry as text, and save it; the name now, or empty if unchanged."""
    text = editing.as_text(change.entry)
    with EditedFile(f"{rules.slug(change.called) or 'provider'}.json", text) as file:
        while True:
            file.edit()
            try:
                written = file.read()
                if written == text:
                    if file.at_once and interactive():
                        say(
                            "The editor ended at once. One with a window of its own has to be told "
                            "to wait, as in EDITOR='code --wait'."
                        )
                    return ""
                edited = editing.from_text(written, change.entry)
                if edited == change.entry:
                    return ""
                reference = editing.Fields(token_from=field_of(edited, "authTokenFrom"))
                change.check_reference(reference, yes)
                name = change.replace(edited)
                say_where_key_goes(change.entry, edited)
                return name
            except Changed as error:
                file.keep()
                raise CoworkEnvError(error.message, f"What you wrote is in {file.path}.") from None
            except CoworkEnvError as error:
                if not interactive():
                    raise CoworkEnvError(error.message, error.hint or NOTHING_CHANGED) from None
                tell_error(error)
                if not confirm("Edit again?", default=True):
                    raise CoworkEnvError(f"{change.called} was not changed.") from None
