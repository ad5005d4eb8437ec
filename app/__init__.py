"""What is true, and who may look at it."""
