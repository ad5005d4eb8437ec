"""Second opinions about messages: which are to be asked for, and what came of each."""
