"""The pages of the staff: sign in, see what waits, do it."""
