"""How `python -m pipeline` ends."""

DONE, FAILED, WRONG, BUSY = 0, 1, 2, 3
INTERRUPTED = 130
