"""How often one address may try to sign in: thirty times at once, then ten a minute.

A whole house behind one router is one address, so that this only slows down whoever tries thousands; what one account
bears is kept with the account (`app.accounts.waiting`).
"""

import ipaddress
from collections import OrderedDict

from starlette.requests import Request

from bot.channels.buckets import Bucket

AT_ONCE = 30
A_SECOND = 10 / 60
MOST = 10_000  # addresses that are remembered, those that tried last


class Addresses:
    def __init__(self) -> None:
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def may_try(self, request: Request) -> bool:
        """Count one more try from where this comes from. Behind a proxy uvicorn puts the client's address in."""
        where = _network(request.client.host if request.client else "")
        bucket = self._buckets.pop(where, None) or Bucket(A_SECOND, AT_ONCE)
        self._buckets[where] = bucket
        if len(self._buckets) > MOST:
            self._buckets.popitem(last=False)
        return not bucket.try_take()


def _network(host: str) -> str:
    """One customer of a provider has a whole /64 of IPv6 to call from."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return host if address.version == 4 else str(ipaddress.ip_network(f"{host}/64", strict=False))
