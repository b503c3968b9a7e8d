"""Open-loop load on the gateway: what it holds of its targets when callers do not wait for each other."""
