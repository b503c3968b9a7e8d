"""Structured logs with trace id and service name; whatever looks like a secret is left out.

Everything goes through one chain: our own structlog loggers and the standard library's, such as uvicorn's.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

from shared import telemetry
from shared.settings import ProcessSettings

REDACTED = "[redacted]"
SECRET_WORDS = frozenset({"password", "passwd", "passphrase", "token", "authorization", "cookie", "secret", "jwt"})
CARD_WORDS = frozenset({"pan", "cvv", "cvc", "pin"})
SECRET_PHRASES = ("card_number", "cardnumber", "api_key", "apikey", "private_key", "security_code")
WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
SECRETS_IN_TEXT = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+"), rf"\1 {REDACTED}"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), REDACTED),
    (re.compile(r"\bsi_[A-Za-z0-9]{8}_[\w-]+"), REDACTED),
    (re.compile(r"(\w://[^/\s:@]*):[^/\s@]+@"), rf"\1:{REDACTED}@"),
)
"""Tokens and passwords in URLs, which error texts of libraries like to quote."""


def is_secret(key: str) -> bool:
    """Return whether values under this key are never to be written: `refresh_token`, `X-Api-Key`, `cardNumber`."""
    words = [word.lower() for word in WORD.findall(key)]
    return not (SECRET_WORDS | CARD_WORDS).isdisjoint(words) or any(
        phrase in "_".join(words) for phrase in SECRET_PHRASES
    )


def redacted(value: Any) -> Any:
    """Return the value without secrets, however deep they are."""
    if isinstance(value, str):
        return _redacted_text(value)
    if isinstance(value, Mapping):
        return {key: REDACTED if is_secret(str(key)) else redacted(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted(inner) for inner in value]
    return value if isinstance(value, bool | int | float | None) else _redacted_text(str(value))


def _redacted_text(text: str) -> str:
    for pattern, replacement in SECRETS_IN_TEXT:
        text = pattern.sub(replacement, text)
    return text


def redact(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Return the log entry without secrets."""
    kept = {key: value for key, value in event.items() if key.startswith("_")}
    return {**redacted({key: value for key, value in event.items() if key not in kept}), **kept}


def add_trace(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Return the log entry with the ids of the request being served."""
    trace = telemetry.current.get()
    if trace:
        event["trace_id"], event["span_id"] = trace.trace_id, trace.span_id
    return event


class AddService:
    """Puts the name of the process on every log entry."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, _logger: Any, _method: str, event: EventDict) -> EventDict:
        """Return the entry with `service`."""
        event["service"] = self._name
        return event


def _chain(name: str) -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        AddService(name),
        add_trace,
        structlog.processors.format_exc_info,
        redact,
    ]


def _renderer(settings: ProcessSettings) -> Processor:
    if settings.log_format == "json":
        return structlog.processors.JSONRenderer()
    plain = structlog.dev.plain_traceback
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain, pad_event_to=0)


def configure(name: str, settings: ProcessSettings) -> None:
    """Send all logs of the process called `name` to standard error, as LOG_FORMAT and LOG_LEVEL say."""
    chain = _chain(name)
    finish = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(settings)]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=chain, processors=finish))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *chain, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    for noisy in ("uvicorn", "uvicorn.error"):
        logging.getLogger(noisy).setLevel(max(root.level, logging.WARNING))
