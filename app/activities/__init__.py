"""Series, occurrence, RSVP, attendance."""
