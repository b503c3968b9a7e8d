"""The demand system alone, for `BATCH_MODULES`: a run without the others, whose models take most of its time."""
