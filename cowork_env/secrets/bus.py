"""Calls on the D-Bus session bus, where the key stores of Linux desktops are."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..util.errors import CoworkEnvError
from ..util.system import add_site_packages
from .tool import TIMEOUT

add_site_packages()
from jeepney import (  # noqa: E402
    DBusAddress,
    HeaderFields,
    MatchRule,
    MessageType,
    message_bus,
    new_method_call,
)
from jeepney.io.blocking import DBusConnection, open_dbus_connection  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECT_TIMEOUT = 2.0  # seconds


class BusError(Exception):
    """A call was answered with an error of this D-Bus ``name``."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def is_any(self, *endings: str) -> bool:
        """Whether the name ends with one of these."""
        return self.name.endswith(endings)

    @property
    def absent(self) -> bool:
        """Whether there is nobody of the name that was called, or no such object."""
        return self.is_any(
            *(".ServiceUnknown", ".NameHasNoOwner", ".UnknownObject", ".UnknownMethod"),
            *(".UnknownInterface", ".Spawn.ExecFailed", ".Spawn.ServiceNotFound"),
            ".Spawn.ChildExited",
        )


class Bus:
    """The session bus of an environment; ``service`` is the name of what is called there.

    A context manager. The constructor raises :class:`CoworkEnvError` if there is no bus.
    """

    def __init__(self, env: Mapping[str, str], service: str) -> None:
        self.service = service
        try:
            self.connection: DBusConnection = open_dbus_connection(
                bus=_address(env), auth_timeout=CONNECT_TIMEOUT
            )
        except CoworkEnvError:
            raise
        except Exception as error:
            # Of the library's many errors, none says more than that nobody answers.
            raise no_bus() from error

    def __enter__(self) -> Bus:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def call(
        self, path: str, interface: str, method: str, signature: str = "", *arguments: Any
    ) -> tuple[Any, ...]:
        """The values that a method returns; raises :class:`BusError` or :class:`CoworkEnvError`."""
        address = DBusAddress(path, bus_name=self.service, interface=interface)
        message = new_method_call(address, method, signature or None, arguments)
        try:
            reply = self.connection.send_and_get_reply(message, timeout=TIMEOUT)
        except TimeoutError:
            raise CoworkEnvError(
                f"timed out: {self.service} did not answer within {TIMEOUT:.0f} seconds."
            ) from None
        except OSError:
            raise no_bus() from None
        if reply.header.message_type == MessageType.error:
            raise BusError(str(reply.header.fields.get(HeaderFields.error_name, "")))
        return tuple(reply.body)

    def wait_for(self, path: str, interface: str, signal: str, start: Any) -> tuple[Any, ...]:
        """The values of a signal, which the call ``start()`` leads to."""
        rule = MatchRule(type="signal", interface=interface, member=signal, path=path)
        self.connection.send_and_get_reply(message_bus.AddMatch(rule), timeout=CONNECT_TIMEOUT)
        with self.connection.filter(rule) as queue:
            start()
            try:
                reply = self.connection.recv_until_filtered(queue, timeout=TIMEOUT)
            except TimeoutError:
                raise CoworkEnvError(
                    f"timed out: nobody answered within {TIMEOUT:.0f} seconds."
                ) from None
        return tuple(reply.body)


def no_bus() -> CoworkEnvError:
    """What to raise where there is no session bus."""
    return CoworkEnvError(
        "tool missing: there is no D-Bus session here, so no keyring.",
        "Over ssh and in containers, keep the key elsewhere: pass:, file:, env:.",
    )


def _address(env: Mapping[str, str]) -> str:
    """The address of the session bus, as the reference implementation finds it."""
    if address := env.get("DBUS_SESSION_BUS_ADDRESS"):
        return address
    runtime = env.get("XDG_RUNTIME_DIR", "")
    if runtime.startswith("/") and os.path.exists(f"{runtime}/bus"):
        return f"unix:path={runtime}/bus"
    raise no_bus()
