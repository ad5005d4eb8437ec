"""A second opinion about messages that our own reading is not sure of: off unless an endpoint is set. Raise-only."""
