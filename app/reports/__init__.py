"""The monthly report: one value, built once, and shown by the page, the sheet and the API alike."""
