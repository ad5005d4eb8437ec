"""Inbox, outbox, window ledger, open question."""
