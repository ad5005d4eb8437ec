"""JSON for programs, over the same verbs as chat, the button and the pages: `/api/v1`."""
