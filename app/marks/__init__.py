"""What people say about what screening said, and the rules that were ever put in force."""
