"""What a person has to do, because the program cannot: call, read, talk."""
