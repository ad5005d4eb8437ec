"""The menu at the foot of the account's chat: what it should be, what it is, and who sees which."""
