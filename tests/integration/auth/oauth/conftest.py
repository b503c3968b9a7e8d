"""The rig of the OAuth tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.auth.settings import AuthSettings
from tests.integration.auth.oauth.rig import Rig
from tests.integration.auth.test_service import Stack


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    stack = Stack(AuthSettings(var_dir=tmp_path, oauth_password_grant=True))
    await stack.start()
    stack.connect()
    rig = Rig(stack)
    await rig.prepare()
    yield rig
    await rig.close()
    await stack.remote.close()
    await stack.channel.close()
    await stack.stop()
