"""Everyday tools: reset, health, statistics."""
