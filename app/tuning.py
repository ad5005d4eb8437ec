"""How a process that serves is set up in Python itself; measured with `tongxing bench delivery`."""

import gc
import sys

HAND_OVER = 0.0005  # seconds
YOUNG = 50_000  # objects


def tune() -> None:
    """Let the database's thread have its turn quickly, and do not look through everything for garbage all the time.

    SQLite is asked in a thread. While the loop is busy that thread waits for the interpreter, up to 5 ms each
    time by default, and a unit of work has dozens of such times. What was imported is never garbage, and with
    thousands of messages under way the collector would look at the same objects over and over.
    """
    sys.setswitchinterval(HAND_OVER)
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 50)
