"""The systems' own tables: what makes them, when they are to be made, and the process of its own that each has."""
