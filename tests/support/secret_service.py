"""A Secret Service that answers what a test wants, and buses that answer nothing."""

from __future__ import annotations

import os
import socket
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jeepney import DBusAddress, HeaderFields, Message, new_error, new_method_return
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection

SERVICE = "org.freedesktop.secrets"
ITEM, SESSION = "/org/freedesktop/secrets/collection/c/1", "/session"
Reply = tuple[str, tuple[Any, ...]]  # a signature and the values, or an error's name and nothing


class FakeSecretService:
    """Answers on a bus session. ``answers``: by method, what to reply; None: nothing, ever.

    A context manager. ``asked`` are the methods that were called.
    """

    def __init__(self, address: str, answers: dict[str, Reply | None]) -> None:
        self.answers: dict[str, Reply | None] = {
            "SearchItems": ("aoao", ([ITEM], [])),
            "OpenSession": ("vo", (("s", ""), SESSION)),
            **answers,
        }
        self.asked: list[str] = []
        self._connection = open_dbus_connection(address)
        self._connection.send_and_get_reply(message_bus.RequestName(SERVICE), timeout=10)
        self._stop = False
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def __enter__(self) -> FakeSecretService:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop = True
        self._thread.join()
        self._connection.close()

    def _serve(self) -> None:
        while not self._stop:
            try:
                message = self._connection.receive(timeout=0.05)
            except TimeoutError:
                continue
            if message.header.message_type.name == "method_call":
                self._answer(message)

    def _answer(self, message: Message) -> None:
        method = message.header.fields[HeaderFields.member]
        self.asked.append(method)
        answer = self.answers.get(method, ("org.freedesktop.DBus.Error.UnknownMethod", ()))
        if answer is None:
            return
        signature, values = answer
        reply = (
            new_error(message, signature)
            if "." in signature
            else new_method_return(message, signature, values)
        )
        self._connection.send(reply)


def secrets(*values: bytes) -> Reply:
    """What GetSecrets returns for one item with this secret; of several, see ``several``."""
    return (
        "a{o(oayays)}",
        ({ITEM + str(i) * i: (SESSION, b"", v, "text/plain") for i, v in enumerate(values)},),
    )


class SilentBus:
    """A socket that takes connections and never answers; with ``authenticates`` it lets one in.

    ``address`` is what to put into DBUS_SESSION_BUS_ADDRESS. A context manager.
    """

    def __init__(self, authenticates: bool = False) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="bus-")
        path = Path(self._folder.name) / "bus"
        self.address = f"unix:path={path}"
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(os.fspath(path))
        self._socket.listen()
        self._opened: list[socket.socket] = []
        if authenticates:
            threading.Thread(target=self._authenticate, daemon=True).start()

    def _authenticate(self) -> None:
        connection, _ = self._socket.accept()
        self._opened.append(connection)
        data = b""
        while b"\r\n" not in data:
            data += connection.recv(1024)
        connection.sendall(b"OK 0123456789abcdef0123456789abcdef\r\n")

    def __enter__(self) -> SilentBus:
        return self

    def __exit__(self, *_: object) -> None:
        for one in (*self._opened, self._socket):
            one.close()
        self._folder.cleanup()


Fake = Callable[..., FakeSecretService]
__all__ = ["ITEM", "DBusAddress", "FakeSecretService", "SilentBus", "secrets"]
