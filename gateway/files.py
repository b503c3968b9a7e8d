"""The files of the built web application, kept in memory with their compressed forms."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from starlette.types import Scope

from gateway.compression import LEAST_BYTES, accept_encoding, accepted, compressed

TEXT = (".html", ".js", ".css", ".svg", ".json", ".map", ".txt", ".webmanifest")


@dataclass(frozen=True, slots=True)
class Stored:
    """One file in one encoding."""

    body: bytes
    etag: str
    encoding: str


class Files:
    """Reads each file once a version and compresses it once an encoding; nothing outside the root is read."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._stored: dict[tuple[Path, int, str], Stored] = {}

    async def read(self, name: str, scope: Scope) -> Stored | None:
        """Return a file as the caller accepts it, None when there is none of that name."""
        path = await asyncio.to_thread(self._path, name)
        if path is None:
            return None
        codec = accepted(accept_encoding(scope)) if path.suffix in TEXT else ""
        key = (path, path.stat().st_mtime_ns, codec)
        if key not in self._stored:
            self._forget_older(path, key[1])
            self._stored[key] = await self._made(path, codec)
        return self._stored[key]

    async def text(self, name: str) -> str | None:
        """Return a text file as it is now."""
        path = await asyncio.to_thread(self._path, name)
        return None if path is None else await asyncio.to_thread(path.read_text, "utf-8")

    def _path(self, name: str) -> Path | None:
        try:
            path = (self._root / name).resolve()
            inside = path.is_relative_to(self._root) and path.is_file()
            # What a build left beside its files, such as `.git` or `.env`, is no part of the application.
            inside = inside and not any(part.startswith(".") for part in path.relative_to(self._root).parts)
        except (OSError, ValueError):
            return None
        return path if inside else None

    def _forget_older(self, path: Path, version: int) -> None:
        for key in [key for key in self._stored if key[0] == path and key[1] != version]:
            del self._stored[key]

    async def _made(self, path: Path, codec: str) -> Stored:
        body = await asyncio.to_thread(path.read_bytes)
        tag = blake2b(body, digest_size=12).hexdigest()
        if codec and len(body) > LEAST_BYTES:
            return Stored(await compressed(body, codec), f'"{tag}-{codec}"', codec)
        return Stored(body, f'"{tag}"', "")
