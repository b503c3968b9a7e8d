"""Rows that a caller hands over: held against the contract, tokenised, and durable in raw before the answer."""
