"""Measurements: a figure of ours beside a peer's, in the same run on the same machine."""
