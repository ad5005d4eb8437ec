"""Read before any house is forked off, and with it what a house reads at its start: then each is there at once."""

from bot.discretion import discreet
from bot.screening import screen
from bot.wording import wording
from tests.crash import house  # noqa: F401

discreet(wording())
screen("你好")
