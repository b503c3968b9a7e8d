"""What a mapping file may say."""

from __future__ import annotations

from typing import Literal, Self
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

KINDS = ("column", "const", "expr", "email", "card", "address", "nth_in")
ALL = "*"


class Strict(BaseModel):
    """A part of a mapping file: no key but those named here."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ColumnMapping(Strict):
    """Where the values of one column of the contract come from."""

    column: str | None = None
    """A column of the file."""
    const: str | None = None
    """The same value in every row."""
    expr: str | None = None
    """An expression over columns of the file, such as `subtotal + shipping`."""
    email: str | None = None
    """A column of e-mail addresses: masked for email_masked, its HMAC for email_hmac."""
    card: str | None = None
    """A column of card numbers: token, BIN, last four digits or brand, by the target."""
    address: tuple[str, ...] = ()
    """Columns that together are a postal address: its HMAC."""
    nth_in: str | None = None
    """A column whose equal values make a group: the place of the row in it, from 1, as for line numbers."""
    values: dict[str, str | None] = Field(default_factory=dict, alias="map")
    """Value in the file → value of the contract; others stay as they are."""
    default: str | None = None
    """Stands where the file has nothing."""
    date_format: str | None = None
    """Of this column alone, as in strptime: `%d.%m.%Y %H:%M`."""

    @field_validator("address", mode="before")
    @classmethod
    def one_is_a_list(cls, value: object) -> object:
        """Return a single column as a list of one."""
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def says_one_thing(self) -> Self:
        """Return the column if it has exactly one origin."""
        given = [name for name in KINDS if getattr(self, name) not in (None, ())]
        if len(given) != 1:
            raise ValueError(f"has {' and '.join(given) or 'no origin'}; give exactly one of {', '.join(KINDS)}")
        return self

    @property
    def kind(self) -> str:
        """Return which origin it has."""
        return next(name for name in KINDS if getattr(self, name) not in (None, ()))


class TableMapping(Strict):
    """How one table of the contract is read from files."""

    file: str
    """Glob below the folder: `orders*.csv`."""
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", ",", " ", "'"] = ""
    date_format: str | None = None
    columns: dict[str, ColumnMapping]
    ignore: tuple[str, ...] = ()
    """Columns of the file that nothing is taken from; `*`: all that are not mapped."""

    @field_validator("columns", mode="before")
    @classmethod
    def text_is_a_column(cls, value: object) -> object:
        """Return each plain text as the column of that name."""
        if not isinstance(value, dict):
            return value
        return {name: {"column": each} if isinstance(each, str) else each for name, each in value.items()}

    @field_validator("ignore", mode="before")
    @classmethod
    def one_is_a_list(cls, value: object) -> object:
        """Return a single column as a list of one."""
        return (value,) if isinstance(value, str) else value or ()


class FileMapping(Strict):
    """A whole mapping file."""

    version: Literal["1"]
    source: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")
    """Name that the rows carry in `_source`, and of the folder in raw."""
    time_zone: str = "UTC"
    """IANA name of the clock that times without an offset are told by."""
    tables: dict[str, TableMapping] = Field(min_length=1)

    @field_validator("time_zone")
    @classmethod
    def zone_is_known(cls, value: str) -> str:
        """Return the zone if there is one of that name."""
        if value not in available_timezones():
            raise ValueError(f"no time zone {value!r}; write an IANA name such as Europe/Berlin")
        return value
