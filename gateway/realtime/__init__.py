"""Events as they happen, over WebSocket: tickets, topics with sequence ids, and what becomes of slow readers."""
