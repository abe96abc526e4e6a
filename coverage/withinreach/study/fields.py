"""What the parts of a study are made of: frozen models that refuse unknown keys, and fields that check themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

DATUMS = ("wgs84", "cgcs2000", "gcj02", "bd09")


FROM_FILE = "file"


def _known_datum(value: str) -> str:
    prefix, _, number = value.partition(":")
    if value in DATUMS or (prefix == "EPSG" and number.isdigit()):
        return value
    raise ValueError(f"'{value}' is not one of {', '.join(DATUMS)} or EPSG:<number>")


def _known_datum_or_file(value: str) -> str:
    return value if value == FROM_FILE else _known_datum(value)


Datum = Annotated[str, AfterValidator(_known_datum)]
DatumOrFile = Annotated[str, AfterValidator(_known_datum_or_file)]
Code = Annotated[str, Field(min_length=1)]
Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class Strict(BaseModel):
    """Base of every table of a study: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def file_named(value: object) -> object:
    """A file that a study names by its path alone, as the table that its model reads."""
    return {"path": value} if isinstance(value, str) else value


class TemplateFile(Strict):
    """A Word document whose page, header, footer, letterhead and styles the briefs take."""

    path: Path


BriefTemplate = Annotated[TemplateFile, BeforeValidator(file_named)]
