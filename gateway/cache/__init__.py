"""Answers kept for a while: where, under which key, and until the lake moves on."""
