"""After three attempts that failed, each further one waits longer: 2, 4, 8 seconds and so on, five minutes at most.

It is kept with the account, so that neither another address nor a restart starts it afresh. An attempt is counted
before it is looked at: of many at the same moment, three are looked at.
"""

from datetime import datetime, timedelta

from app.accounts.models import Account

FREE = 3
LONGEST = timedelta(minutes=5)


def wait_after(failed: int) -> timedelta:
    """How long nobody may try after so many attempts in a row that failed."""
    over = failed - FREE
    return min(timedelta(seconds=2 ** min(over, 30)), LONGEST) if over > 0 else timedelta()


def is_waiting(account: Account, now: datetime) -> bool:
    return account.wait_until is not None and now < account.wait_until


def count(account: Account, now: datetime) -> bool:
    """Count one more attempt. False: it comes too early, must not be looked at and was not counted."""
    if is_waiting(account, now):
        return False
    account.failed += 1
    wait = wait_after(account.failed)
    account.wait_until = now + wait if wait else None
    return True


def take_back(account: Account) -> None:
    """That attempt was right, but there is another step before it is a success."""
    account.failed = max(0, account.failed - 1)
    account.wait_until = None


def forget(account: Account) -> None:
    account.failed, account.wait_until = 0, None
