"""What a new password puts an end to: all that was begun with the one before it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from services.auth.links import PASSWORD_LINKS, void
from services.auth.post import Purpose
from services.auth.revocations import end_codes
from services.auth.store import ApiKeyRow, MfaChallengeRow, MfaFactorRow, OAuthConsentRow


async def end_begun(session: AsyncSession, user_id: str, moment: datetime) -> None:
    """End what the old password may still lead to: links, logins that wait for a code, unspent OAuth codes.

    And remembered consents, and an authenticator app that was enrolled and is not turned on yet. The caller holds the
    user's row. An intruder who knew the old password must not keep a link to another address, since whoever reads
    mail there may choose the next password, nor an app that would then shut the owner out.
    """
    await void(session, user_id, [*PASSWORD_LINKS, Purpose.CHANGE], moment)
    await session.execute(delete(MfaChallengeRow).where(col(MfaChallengeRow.user_id) == user_id))
    await session.execute(delete(OAuthConsentRow).where(col(OAuthConsentRow.user_id) == user_id))
    begun = col(MfaFactorRow.user_id) == user_id, col(MfaFactorRow.enabled_at).is_(None)
    await session.execute(delete(MfaFactorRow).where(*begun))
    await end_codes(session, user_id)


async def end_keys(session: AsyncSession, user_id: str, moment: datetime) -> None:
    """End the user's API keys; the tokens they were swapped for end with `revoke_subject`."""
    mine = update(ApiKeyRow).where(col(ApiKeyRow.user_id) == user_id, col(ApiKeyRow.revoked_at).is_(None))
    await session.execute(mine.values(revoked_at=moment))
