"""Text is the same only where Python takes it for the same, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from services.auth.accounts import InvalidCredentials
from services.auth.parts import Parts
from services.auth.store import METADATA, MIGRATIONS, AuditRow, RevocationRow, UserRoleRow, UserRow
from services.auth.users import Change, LastAdmin, OwnAccount, UserNotFound
from shared.collation import compare_by_default, exact_collation
from shared.db import Database
from shared.migrate import run_migrations
from shared.principal import Principal
from tests.integration.auth.conftest import PASSWORD, caller

COLLATIONS = "SELECT table_name, collation_name FROM information_schema.columns WHERE table_schema = DATABASE()"
mariadb_alone = pytest.mark.parametrize("url", ["mariadb"], indirect=True)


@pytest.fixture
async def root(parts: Parts) -> Principal:
    return await caller(parts, "root@example.com", "admin")


@pytest.fixture
async def blind(database: Database) -> None:
    """Have the database compare as it does by default: blind to case and accents."""
    tables = {
        name: {key.parent.name: key.column.table.name for key in table.foreign_keys}
        for name, table in METADATA.tables.items()
    }
    async with database.engine.begin() as connection:
        await connection.run_sync(lambda sync: compare_by_default(sync, tables))


async def collations(database: Database) -> tuple[set[str], str | None]:
    """Return the collations of all columns of the declared tables, and the exact one."""

    def read(connection: Connection) -> tuple[set[str], str | None]:
        found = {collation for table, collation in connection.execute(text(COLLATIONS)) if table in METADATA.tables}
        return found - {None}, exact_collation(connection)

    async with database.engine.connect() as connection:
        return await connection.run_sync(read)


@mariadb_alone
async def test_every_column_of_every_table_is_compared_exactly(database: Database) -> None:
    found, exact = await collations(database)
    assert found == {exact} == {"utf8mb4_nopad_bin"}


@mariadb_alone
async def test_rows_and_foreign_keys_outlive_the_change_and_its_undoing(url: str) -> None:
    await run_migrations(url, MIGRATIONS, "0003")
    database = Database(url)
    before, exact = await collations(database)
    assert exact not in before
    async with database.transaction() as session:
        session.add(UserRow(id="u", email="a@example.com", full_name="Zoë", password_hash="x"))
        await session.flush()
        session.add(UserRoleRow(user_id="u", role="viewer"))
    for revision, wanted in (("head", {exact}), ("-2", before), ("head", {exact})):
        await run_migrations(url, MIGRATIONS, revision)
        assert (await collations(database))[0] == wanted
        with pytest.raises(IntegrityError):
            async with database.transaction() as session:
                session.add(UserRoleRow(user_id="nobody", role="viewer"))
        async with database.session() as session:
            assert (await session.get_one(UserRow, "u")).full_name == "Zoë"
            assert await session.get(UserRoleRow, ("u", "viewer"))
    await database.close()


@pytest.mark.parametrize("typed", ["àdmina@example.com", "admína@example.com", "admina@example.cøm"])
async def test_an_address_with_other_accents_is_another_address(parts: Parts, typed: str) -> None:
    await caller(parts, "admina@example.com", "viewer")
    with pytest.raises(InvalidCredentials):
        await parts.accounts.authenticate(typed, PASSWORD)
    assert (await parts.accounts.authenticate("ADMINA@example.com ", PASSWORD)).email == "admina@example.com"


async def test_an_id_in_another_spelling_is_no_users(parts: Parts, root: Principal) -> None:
    for spelling in (root.subject.upper(), root.subject + " "):
        with pytest.raises(UserNotFound):
            await parts.users.change(root, spelling, Change(roles=["viewer"]))
        with pytest.raises(UserNotFound):
            await parts.users.erase(root, spelling)
        with pytest.raises(UserNotFound):
            await parts.users.get(spelling)


@mariadb_alone
@pytest.mark.usefixtures("blind")
async def test_administrators_stay_even_where_the_database_takes_any_spelling(parts: Parts, root: Principal) -> None:
    for change in (Change(roles=["viewer"]), Change(disabled=True)):
        with pytest.raises(OwnAccount):
            await parts.users.change(root, root.subject.upper(), change)
    with pytest.raises(OwnAccount):
        await parts.users.erase(root, root.subject.upper())
    with pytest.raises(LastAdmin):
        await parts.users.change(Principal("somebody"), root.subject.upper(), Change(disabled=True))


@mariadb_alone
@pytest.mark.usefixtures("blind")
async def test_the_id_of_the_row_is_revoked_and_noted(parts: Parts, root: Principal, database: Database) -> None:
    ada = await caller(parts, "ada@example.com", "analyst")
    await parts.users.change(root, ada.subject.upper(), Change(roles=["viewer"]))
    await parts.users.erase(root, ada.subject.upper())
    async with database.session() as session:
        revoked = set(await session.scalars(select(RevocationRow.subject)))
        noted = list(await session.scalars(select(AuditRow.target).order_by(AuditRow.seq)))  # type: ignore[arg-type]
    assert revoked == {ada.subject}
    assert noted[-2:] == [ada.subject] * 2


@pytest.mark.parametrize("regions", [["North", "north", "North"], ["Nord", "Nörd", "Nord"]])
async def test_regions_that_resemble_each_other_are_two(parts: Parts, root: Principal, regions: list[str]) -> None:
    ada = await caller(parts, "ada@example.com", "viewer")
    changed = await parts.users.change(root, ada.subject, Change(regions=regions))
    made = await parts.users.invite("bob@example.com", "Bob", ["viewer"], regions)
    assert changed.account.regions == made.account.regions == tuple(sorted(set(regions)))
