"""A stand-in for KWallet on a D-Bus session, which answers as kwalletd5 5.103 does.

``python kwallet.py NAME CONFIGURATION``: with NAME as in ``kwalletd6``. It reads the file
CONFIGURATION at each call, and appends the call's name to the file CONFIGURATION.log.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

HANDLE = 1277447236
INTERFACE = "org.kde.KWallet"


def answer(method: str, arguments: tuple[Any, ...], wallet: dict[str, Any]) -> tuple[str, Any]:
    """The signature and the value that a method returns; ``wallet`` may be opened by it."""
    entries = wallet["entries"]
    if method == "isEnabled":
        return "b", wallet.get("enabled", True)
    if method == "networkWallet":
        return "s", "kdewallet"
    if method == "keyDoesNotExist":
        return "b", arguments[0] != "kdewallet" or "/".join(arguments[1:3]) not in entries
    if method == "isOpen":
        return "b", wallet["open"]
    if method == "open":
        wallet["open"] = wallet["open"] or wallet.get("answers", False)  # the user's, when asked
        return "i", HANDLE if wallet["open"] and not wallet.get("denies") else -1
    known = arguments[0] == HANDLE and "/".join(arguments[1:3]) in entries
    if method == "hasEntry":
        return "b", known
    if method == "readPassword":
        return "s", entries["/".join(arguments[1:3])] if known else ""
    raise KeyError(method)


def main(name: str, path: Path) -> None:
    """Answer until the process is killed."""
    from jeepney import (
        HeaderFields,
        MessageType,
        message_bus,
        new_error,
        new_method_return,
    )
    from jeepney.io.blocking import open_dbus_connection

    with open_dbus_connection() as connection:
        connection.send_and_get_reply(message_bus.RequestName(f"org.kde.{name}"))
        while True:
            call = connection.receive()
            if call.header.message_type != MessageType.method_call:
                continue
            fields = call.header.fields
            method = fields[HeaderFields.member]
            with path.with_suffix(".log").open("a", encoding="utf-8") as log:
                log.write(f"{method}\n")
            wallet = json.loads(path.read_text(encoding="utf-8"))
            here = (fields[HeaderFields.path], fields[HeaderFields.interface])
            try:
                assert here == (f"/modules/{name}", INTERFACE)
                signature, value = answer(method, call.body, wallet)
            except (AssertionError, KeyError):
                connection.send(new_error(call, "org.freedesktop.DBus.Error.UnknownMethod"))
                continue
            path.write_text(json.dumps(wallet), encoding="utf-8")
            if wallet.get("answers_wrongly"):
                signature, value = "as", ["x"]
            connection.send(new_method_return(call, signature, (value,)))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
