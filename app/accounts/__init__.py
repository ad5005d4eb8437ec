"""Who may sign in to the console, and who is signed in."""
