"""gRPC between our processes: servers, channels and what happens around every call."""
