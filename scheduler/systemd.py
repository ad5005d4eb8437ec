"""What systemd wants to hear of a service of `Type=notify` (sd_notify(3)): a datagram on a socket it names."""

import os
import socket

import structlog

log = structlog.get_logger()
READY = "READY=1"
ALIVE = "WATCHDOG=1"


def notify(state: str) -> None:
    """Tell systemd; nothing happens where it does not ask. It never raises."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):  # a socket without a file
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
            line.setblocking(False)
            line.sendto(state.encode(), address)
    except OSError as error:
        log.warning("systemd not told", error=type(error).__name__)
