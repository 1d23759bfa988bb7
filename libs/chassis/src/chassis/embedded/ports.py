"""Ports on loopback for servers that will be started again on the same one."""

import random
import socket

HOST = "127.0.0.1"
# Below the range (from 32768 on Linux) that the kernel gives to outgoing connections: one of those could hold the port
# of a server that has just died, and the server could not come back.
_RANGE = range(20_000, 32_000)
_TRIES = 1000


def hold(port: int) -> socket.socket | None:
    """Return a listening socket on `port`, to be closed by the caller; None when the port is in use."""
    probe = socket.socket()
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that have just ended do not count
    try:
        probe.bind((HOST, port))
        probe.listen(1)
    except OSError:
        probe.close()
        return None
    return probe


def hold_free() -> socket.socket:
    """Return a listening socket on a free port, to be closed by the caller. Raises OSError when there is none."""
    for _ in range(_TRIES):
        held = hold(random.choice(_RANGE))  # noqa: S311 - a port is no secret
        if held is not None:
            return held
    raise OSError(f"no free port on {HOST}")


def free_port() -> int:
    """Return a port that is free now. Raises OSError when there is none."""
    with hold_free() as held:
        return int(held.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether something may listen on this port now."""
    held = hold(port)
    if held is None:
        return False
    held.close()
    return True
