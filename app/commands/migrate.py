"""Brings the database to the newest schema; needs nothing but DATABASE_URL."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from pydantic import Field
from pydantic_settings import BaseSettings

from app.settings import PostgresUrl, read_settings

MIGRATIONS = Path(__file__).parents[2] / "migrations"


class MigrationSettings(BaseSettings):
    """The one setting that a migration reads."""

    database_url: PostgresUrl = Field(description="a login that may create roles, or is the owner's")


def migrate() -> int:
    """Upgrade to head. Raises SettingsInvalid, DatabaseUnreachable."""
    command.upgrade(alembic_config(read_settings(MigrationSettings).database_url), "head")
    return 0


def alembic_config(url: str) -> Config:
    """Alembic's configuration for our migrations, wherever the process stands."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    return config
