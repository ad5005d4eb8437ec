"""Flag, case, ladder: a reply that signals danger reaches a person who answers for it."""
