"""POST with an Idempotency-Key: done once, however often it is sent, and answered as it was the first time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from hashlib import blake2b, sha256
from http import HTTPStatus

import orjson
import structlog

from gateway.store import DONE, MIGRATIONS, RUNNING, SECRET, UNKNOWN, IdempotentCall, IdempotentCalls
from shared.db import Database
from shared.errors import Aborted, InvalidArgument, PlatformError
from shared.migrate import run_migrations
from shared.principal import Principal
from shared.rpc.status import Unreachable
from shared.telemetry_metrics import Counter
from shared.transcode.answer import Answer
from shared.transcode.endpoint import LONGEST_TIMEOUT_SECONDS
from shared.transcode.parts import Make, Question
from shared.transcode.problem import RETRY_AFTER
from shared.transcode.request import holds_secret

KEY = re.compile(rb"[\x21-\x7e]{1,255}")
LOST_AFTER_SECONDS = LONGEST_TIMEOUT_SECONDS + 5
"""A call still running then belongs to a gateway that is gone."""

log = structlog.stdlib.get_logger("gateway")
_DIGEST_BYTES = 32
LONGEST_KEPT = 1024 * 1024
"""Bytes of an answer that is kept: one a second for a day fills disks, and what made it can be read again."""


class BadKey(InvalidArgument):
    """The Idempotency-Key is not 1 to 255 printable ASCII characters."""

    reason = "IDEMPOTENCY_KEY_INVALID"


class KeyReused(InvalidArgument):
    """The Idempotency-Key was used for another request."""

    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    reason = "IDEMPOTENCY_KEY_REUSED"


class StillRunning(Aborted):
    """The first request with this Idempotency-Key has not ended."""

    reason = "IDEMPOTENCY_IN_PROGRESS"


class OutcomeUnknown(Aborted):
    """The first request with this Idempotency-Key may have been done or not."""

    reason = "IDEMPOTENCY_OUTCOME_UNKNOWN"


class AnswerNotKept(Aborted):
    """The first request with this Idempotency-Key was done; its answer holds a secret or is too long to be kept."""

    reason = "IDEMPOTENCY_ANSWER_NOT_KEPT"


class Idempotency:
    """Answers calls that carry a key. Its database is opened, and migrated, when the first of them comes."""

    def __init__(self, url: str, used: Counter, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._url, self._used, self._clock = url, used, clock
        self._calls: IdempotentCalls | None = None
        self._opening = asyncio.Lock()
        self._open = AsyncExitStack()
        self._running: set[asyncio.Task[Answer]] = set()

    async def answer(self, key: bytes, question: Question, make: Make) -> Answer:
        """Return the answer of the one call that is made with this key. Raises BadKey, KeyReused, or an Aborted."""
        if not KEY.fullmatch(key):
            raise BadKey("Idempotency-Key must be 1 to 255 printable ASCII characters, best a random UUID")
        call = new_call(key, question, self._clock())
        calls = await self._store()
        known = await calls.begin(call)
        if known is not None:
            self._used.add("repeated")
            if not may_ask_again(known, call, question):
                return replayed(known, call)
        else:
            self._used.add("first")
        # A caller who leaves will ask again with the key; so the work goes on and its answer is kept.
        task = asyncio.create_task(self._made(calls, call, question, make))
        self._running.add(task)
        task.add_done_callback(self._landed)
        return await asyncio.shield(task)

    def _landed(self, task: asyncio.Task[Answer]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # told to the caller, or to nobody when the caller has gone

    async def _made(self, calls: IdempotentCalls, call: IdempotentCall, question: Question, make: Make) -> Answer:
        try:
            answer = await make()
        except PlatformError as error:
            await (calls.release(call) if did_nothing(error) else self._ended(calls, call, UNKNOWN))
            raise
        except BaseException:
            await self._ended(calls, call, UNKNOWN)
            raise
        told_once = holds_secret(question.method.descriptor.output_type) or sets_cookie(answer)
        secret = told_once or len(answer.body) > LONGEST_KEPT
        if not secret:
            call.status, call.media_type, call.body = answer.status, answer.media_type.decode("latin-1"), answer.body
            call.headers = orjson.dumps(
                [[n.decode("latin-1"), v.decode("latin-1")] for n, v in answer.headers]
            ).decode()
        await self._ended(calls, call, SECRET if secret else DONE)
        return answer

    async def _ended(self, calls: IdempotentCalls, call: IdempotentCall, outcome: str) -> None:
        call.outcome = outcome
        try:
            await calls.end(call)
        except PlatformError as error:
            # The call is done and its answer is the caller's; a repetition will be told that the outcome is unknown.
            log.warning("the end of an idempotent call was not written", method=call.method, reason=error.error_reason)

    async def _store(self) -> IdempotentCalls:
        async with self._opening:
            if self._calls is None:
                await run_migrations(self._url, MIGRATIONS)
                database = Database(self._url)
                self._open.push_async_callback(database.close)
                self._calls = IdempotentCalls(database)
        return self._calls

    async def close(self) -> None:
        """Wait for the calls under way and close the database."""
        if self._running:
            await asyncio.wait(self._running, timeout=LONGEST_TIMEOUT_SECONDS)
        await self._open.aclose()


def new_call(key: bytes, question: Question, now: datetime) -> IdempotentCall:
    """Return the row of a call that begins. A key is the caller's own, one program's own, and one method's own."""
    caller, method = question.caller, question.method.full_name
    whose = (caller.subject.encode(), caller.client_id.encode(), method.encode(), key)
    hashed = sha256(b"\n".join(whose)).hexdigest()
    # Keyed by what is stored nowhere: a short secret in the request cannot be guessed from its fingerprint.
    secret = sha256(b"fingerprint\n" + key).digest()
    # Of what the caller may do too, since the answer may hang on it: with other rights it is another request, which
    # is refused. A key of its own would have it done a second time.
    asked = orjson.dumps(rights(caller)) + b"\n" + question.request
    fingerprint = blake2b(asked, key=secret, digest_size=_DIGEST_BYTES).hexdigest()
    return IdempotentCall(key_hash=hashed, fingerprint=fingerprint, method=method, outcome=RUNNING, started_at=now)


def may_ask_again(known: IdempotentCall, call: IdempotentCall, question: Question) -> bool:
    """Return whether a call whose answer was lost may be made again: its service tells of the same operation then."""
    lost = known.outcome == UNKNOWN or (known.outcome == RUNNING and seconds_left(known, call) <= 0)
    return lost and known.fingerprint == call.fingerprint and question.method.policy.begins_once


def seconds_left(known: IdempotentCall, call: IdempotentCall) -> float:
    """Return for how long a known call may still be running."""
    return LOST_AFTER_SECONDS - (call.started_at - known.started_at).total_seconds()


def rights(caller: Principal) -> list[list[str] | None]:
    """Return what a caller may do and where, the same for equal ones."""
    return [sorted(caller.permissions), None if caller.regions is None else sorted(caller.regions)]


def replayed(known: IdempotentCall, call: IdempotentCall) -> Answer:
    """Return the answer that a known call had. Raises KeyReused, or an Aborted that says how it stands."""
    if known.fingerprint != call.fingerprint:
        raise KeyReused(
            "this Idempotency-Key was used for another request, or when you had other permissions; use a new one"
        )
    began = f"the request that began at {known.started_at:%Y-%m-%dT%H:%M:%SZ} with this Idempotency-Key"
    left = seconds_left(known, call)
    if known.outcome == RUNNING and left > 0:
        wait = str(max(1, round(min(left, 2))))
        raise StillRunning(f"{began} is still running; ask again in {wait} s", metadata={RETRY_AFTER: wait})
    if known.outcome == SECRET:
        raise AnswerNotKept(f"{began} was done; its answer is told once: it holds a secret, or is long")
    if known.outcome != DONE:
        raise OutcomeUnknown(f"{began} may or may not have been done; look, and use a new key to do it again")
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in orjson.loads(known.headers)]
    headers.append((b"idempotency-replayed", b"true"))
    return Answer(known.status, known.body, known.media_type.encode("latin-1"), headers)


def did_nothing(error: PlatformError) -> bool:
    """Return whether a failure leaves no doubt that nothing was done: a refusal, or a call that was never sent."""
    refused = HTTPStatus.BAD_REQUEST <= error.http_status < HTTPStatus.INTERNAL_SERVER_ERROR
    return (refused and error.http_status != CLIENT_GONE) or isinstance(error, Unreachable)


CLIENT_GONE = 499


def sets_cookie(answer: Answer) -> bool:
    """Return whether an answer gives its caller a cookie."""
    return any(name == b"set-cookie" for name, _ in answer.headers)
