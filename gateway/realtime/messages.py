"""What callers may say over the connection."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import orjson

from shared.errors import InvalidArgument

MOST_TOPICS = 64
TOPIC = re.compile(r"[a-z][a-z0-9_.]{0,79}")
LONGEST_SEQ = 40
OPERATIONS = ("subscribe", "unsubscribe", "ping")


class MessageInvalid(InvalidArgument):
    """The message is no JSON object of ours."""

    reason = "MESSAGE_INVALID"


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a caller."""

    operation: str
    topics: tuple[str, ...] = ()
    resume: dict[str, str] = field(default_factory=dict)
    """Topic → sequence id of the last event that the caller has."""


def read(text: str) -> Said:
    """Return the message in a text. Raises MessageInvalid."""
    try:
        found: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise MessageInvalid('send JSON, such as {"op": "subscribe", "topics": ["alerts"]}') from None
    if not isinstance(found, dict) or found.get("op") not in OPERATIONS:
        raise MessageInvalid(f"a message is an object whose op is one of {', '.join(OPERATIONS)}")
    if found["op"] == "ping":
        return Said("ping")
    topics, resume = found.get("topics"), found.get("resume") or {}
    if not isinstance(topics, list) or not 0 < len(topics) <= MOST_TOPICS or not all(map(is_topic, topics)):
        raise MessageInvalid(f"topics must be a list of 1 to {MOST_TOPICS} names, such as alerts")
    if not isinstance(resume, dict) or not all(map(is_seq, resume.values())):
        raise MessageInvalid("resume must be an object: topic to the seq of the last event received")
    known = {topic: resume[topic] for topic in topics if topic in resume}
    return Said(found["op"], tuple(dict.fromkeys(topics)), known)


def is_topic(name: Any) -> bool:
    """Return whether a value has the form of a topic's name."""
    return isinstance(name, str) and TOPIC.fullmatch(name) is not None


def is_seq(value: Any) -> bool:
    """Return whether a value may be a sequence id."""
    return isinstance(value, str) and len(value) <= LONGEST_SEQ
