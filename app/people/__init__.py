"""Programme, house, person, role, family link, consent, scope."""
