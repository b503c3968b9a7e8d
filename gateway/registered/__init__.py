"""AI systems registered at run time: read by gRPC reflection, checked, kept in the store, followed by every replica."""
