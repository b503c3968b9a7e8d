"""The models: one file each, one line in the registry."""
