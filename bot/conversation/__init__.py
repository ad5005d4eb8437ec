"""What a member says, and what is said back: one file a dialogue."""
