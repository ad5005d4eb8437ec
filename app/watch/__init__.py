"""Heartbeat, auditor, alarm: who watches the program that watches over people."""
