"""Flag, case, ladder, duty: a reply that signals danger reaches a person who answers for it."""
