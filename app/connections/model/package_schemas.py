"""Our Salesforce package in an org, as card and preflight show it."""

from typing import Literal

from pydantic import BaseModel


class MissingFields(BaseModel):
    """Fields of our package that the connected user cannot write on one object."""

    object: str
    fields: list[str]


class PackageInOrg(BaseModel):
    """Our package as the describes of the last preflight show it.

    `state`: `there`; `incomplete`, some fields cannot be written; `not_seen`, none can: it is not installed,
    or the connected user has no right to its fields, which look the same. `unique_keys` are the objects
    whose records carry our unique key.
    """

    state: Literal["there", "incomplete", "not_seen"]
    missing: list[MissingFields]
    unique_keys: list[str]
