"""The monthly report of a house that was lived in: what is counted, on the page and in the sheet alike."""
