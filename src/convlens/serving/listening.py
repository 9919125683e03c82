"""The socket that the server listens on."""

import socket

from ..errors import ConvlensError


def listen(host: str, port: int) -> socket.socket:
    """Listen on an address, before anything else is made: who reads the address may come at once.

    Args:
        host: A name or an address, IPv4 or IPv6.
        port: 0 to 65,535; 0 is any that is free.

    Returns:
        A listening socket. It says that it is TCP, without which asyncio leaves Nagle's algorithm
        on: the second answer on a connection then waits 40 ms for an acknowledgement.

    Raises:
        ConvlensError: The address is not this machine's, or the port is taken.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        # on Windows SO_REUSEADDR would share a port that another server listens on
        own = getattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_REUSEADDR)
        listening.setsockopt(socket.SOL_SOCKET, own, 1)
        listening.bind((host, port))
        listening.listen(256)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ConvlensError(
            f"cannot listen on {host}, port {port}: {why}; name another --port, or 0 for any"
        ) from error
    return listening
