"""What the gateway's OpenAPI document says beside the contracts: the hand-written endpoints."""

from __future__ import annotations

from gateway import cache_admin, dashboards, operations_document, systems
from gateway.live import PATHS as LIVE_PATHS
from gateway.live import TAGS as LIVE_TAGS
from gateway.registered import document as registered
from shared.transcode.by_hand import joined
from shared.transcode.openapi import Document

TITLE = "Shop Insight"
BY_HAND = joined(
    systems.PATHS, registered.PATHS, cache_admin.PATHS, dashboards.PATHS, operations_document.PATHS, LIVE_PATHS
)


def document(password_grant: bool = False) -> Document:
    """Return the document's own part."""
    tags = (*systems.TAGS, *LIVE_TAGS)
    return Document(title=TITLE, extra_paths=BY_HAND, extra_tags=tags, takes_keys=True, password_grant=password_grant)
