"""Reports that were given out: which numbers left the house, when, by whom."""
