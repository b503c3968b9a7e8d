"""Every table of the gateway's store in one MetaData: what migrations are compared with."""

from gateway.realtime.store import RealtimeTicket
from gateway.registered.store import RegisteredSystem
from gateway.store import METADATA, IdempotentCall

__all__ = ["METADATA", "IdempotentCall", "RealtimeTicket", "RegisteredSystem"]
