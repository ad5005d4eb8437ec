"""How something reaches a person: the ladder and its rungs."""
