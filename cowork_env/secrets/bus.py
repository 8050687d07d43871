"""Calls on the D-Bus session bus, where the key stores of Linux desktops are."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from ..util.errors import CoworkEnvError
from ..util.system import add_site_packages
from . import waiting

add_site_packages()
from jeepney import (  # noqa: E402
    DBusAddress,
    HeaderFields,
    MatchRule,
    MessageType,
    message_bus,
    new_method_call,
)
from jeepney.bus import get_connectable_addresses  # noqa: E402
from jeepney.io.blocking import DBusConnection, prep_socket  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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


class _Connection(DBusConnection):  # type: ignore[misc]  # the library has no types
    """A connection that waits until ``deadline`` (time.monotonic) at most, whatever it waits for.

    The library's own waits for the first answer of the bus without a limit.
    """

    def __init__(self, address: str) -> None:
        self.deadline = time.monotonic() + CONNECT_TIMEOUT
        socket = prep_socket(address, timeout=CONNECT_TIMEOUT)
        try:
            super().__init__(socket)
        except BaseException:
            socket.close()
            raise
        self.deadline = time.monotonic() + waiting.TIMEOUT

    def receive(self, *, timeout: float | None = None) -> Any:
        left = max(0.0, self.deadline - time.monotonic())
        return super().receive(timeout=left if timeout is None else min(left, timeout))


class Bus:
    """The session bus of an environment; ``service`` is the name of what is called there.

    A context manager. All calls together have :data:`.waiting.TIMEOUT`. The constructor raises
    :class:`CoworkEnvError` if there is no bus.
    """

    def __init__(self, env: Mapping[str, str], service: str) -> None:
        self.service = service
        self.connection = _connect(_address(env))

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
        reply = self._wait(lambda: self.connection.send_and_get_reply(message))
        if reply.header.message_type == MessageType.error:
            error = BusError(str(reply.header.fields.get(HeaderFields.error_name, "")))
            if error.is_any(".NoReply", ".TimedOut", ".Timeout"):
                raise _timed_out()
            raise error
        return tuple(reply.body)

    def wait_for(self, path: str, interface: str, signal: str, start: Any) -> tuple[Any, ...]:
        """The values of a signal, which the call ``start()`` leads to."""
        rule = MatchRule(type="signal", interface=interface, member=signal, path=path)
        self._wait(lambda: self.connection.send_and_get_reply(message_bus.AddMatch(rule)))
        with self.connection.filter(rule) as queue:
            start()
            reply = self._wait(lambda: self.connection.recv_until_filtered(queue))
        return tuple(reply.body)

    def _wait(self, receive: Callable[[], Any]) -> Any:
        """What is received. No error of the library stays attached: it may hold what was sent."""
        try:
            return receive()
        except CoworkEnvError:
            raise
        except TimeoutError:
            error = _timed_out()
        except OSError:
            error = no_bus()
        except Exception:  # the library's own, and those of parsing what was sent
            error = unintelligible()
        raise error


def _timed_out() -> CoworkEnvError:
    return CoworkEnvError(
        f"timed out: the keyring did not answer within {waiting.TIMEOUT:.0f} seconds.",
        "Look whether it asks for something, or start it again.",
    )


def unintelligible() -> CoworkEnvError:
    """What to raise for an answer that is none."""
    return CoworkEnvError(
        "bad value: the keyring answered something that cannot be understood.",
        "Look for the key with your desktop's password manager.",
    )


def no_bus() -> CoworkEnvError:
    """What to raise where there is no session bus."""
    return CoworkEnvError(
        "tool missing: there is no D-Bus session here, so no keyring.",
        "Over ssh and in containers, keep the key elsewhere: pass:, file:, env:.",
    )


def _connect(addresses: str) -> _Connection:
    """A connection to the first of these that answers; a socket of the directory is none."""
    try:
        for address in get_connectable_addresses(addresses):
            if address.startswith(("/", "\0")):
                try:
                    return _Connection(address)
                except OSError:
                    continue
    except CoworkEnvError:
        raise
    except Exception:
        # Of the library's many errors, none says more than that nobody answers.
        raise no_bus() from None
    raise no_bus()


def _address(env: Mapping[str, str]) -> str:
    """The address of the session bus, as the reference implementation finds it."""
    if address := env.get("DBUS_SESSION_BUS_ADDRESS"):
        return address
    runtime = env.get("XDG_RUNTIME_DIR", "")
    if runtime.startswith("/") and os.path.exists(f"{runtime}/bus"):
        return f"unix:path={runtime}/bus"
    raise no_bus()
