"""Which city a request is for, and being in it."""
