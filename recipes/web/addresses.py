"""Where a page can be reached: the address that a link to it has."""

from __future__ import annotations

import socket
from contextlib import closing

EVERYWHERE = frozenset({"0.0.0.0", "::"})


def page_url(host: str, port: int) -> str:
    """The address of a page that is served on ``host``. Who serves on every address is named by the one that
    leads to the network, because tablets seldom know the names of other machines."""
    name = address_in_network(host) if host in EVERYWHERE else host
    return f"http://{f'[{name}]' if ':' in name else name}:{port}/"


def address_in_network(host: str) -> str:
    """This machine's address in its network, of the kind of ``host``; its name where it has none."""
    family, elsewhere = (socket.AF_INET6, "2001:db8::1") if host == "::" else (socket.AF_INET, "192.0.2.1")
    with closing(socket.socket(family, socket.SOCK_DGRAM)) as probe:
        try:
            probe.connect((elsewhere, 9))  # of documentation: a datagram socket sends nothing to connect
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()
