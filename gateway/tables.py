"""Every table of the gateway's store in one MetaData: what migrations are compared with."""

from gateway.alerts.store import AlertEvent, AlertNotice, AlertRule, GatewayLease
from gateway.realtime.store import RealtimeTicket
from gateway.registered.batches import SystemBatch
from gateway.registered.store import RegisteredSystem
from gateway.store import METADATA, IdempotentCall

__all__ = [
    "METADATA",
    "AlertEvent",
    "AlertNotice",
    "AlertRule",
    "GatewayLease",
    "IdempotentCall",
    "RealtimeTicket",
    "RegisteredSystem",
    "SystemBatch",
]
