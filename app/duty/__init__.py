"""Who is on duty: now, and for the days ahead. Nobody else decides it."""
