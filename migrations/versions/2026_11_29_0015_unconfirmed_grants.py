"""Grants that nobody confirmed yet, apart from the connections, and what an attempt keeps for it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

APP, SYSTEM = "eventship_app", "eventship_system"
OWN = "host_id = nullif(current_setting('app.host_id', true), '')"
REQUIRED = (
    "host_id", "attempt_id", "login_url", "client_id", "org_id", "instance_url", "user_id", "identity_url",
    "scope", "api_version",
)  # fmt: skip
OPTIONAL = ("org_name", "org_edition", "username", "user_name")
OF_ATTEMPTS = ("origin", "begun_by", "code_hash", "wrong_codes", "arrived_at")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "unconfirmed_grants",
        *(sa.Column(name, sa.Text(), nullable=False) for name in REQUIRED),
        *(sa.Column(name, sa.Text(), nullable=True) for name in OPTIONAL),
        sa.Column("org_is_sandbox", sa.Boolean(), nullable=True),
        sa.Column("access_token", sa.LargeBinary(), nullable=False),
        sa.Column("refresh_token", sa.LargeBinary(), nullable=False),
        sa.Column("is_sixth", sa.Boolean(), nullable=False),
        sa.Column(
            "granted_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("host_id", "attempt_id", name=op.f("pk_unconfirmed_grants")),
    )
    op.create_index("ix_unconfirmed_grants_org_id", "unconfirmed_grants", ["org_id", "user_id", "client_id"])
    op.execute("ALTER TABLE unconfirmed_grants ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON unconfirmed_grants TO {APP} USING ({OWN}) WITH CHECK ({OWN})")
    op.execute(f"CREATE POLICY across_hosts ON unconfirmed_grants TO {SYSTEM} USING (true) WITH CHECK (true)")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON unconfirmed_grants TO {SYSTEM}")
    op.add_column("oauth_attempts", sa.Column("origin", sa.Text(), nullable=True))
    op.add_column("oauth_attempts", sa.Column("begun_by", sa.Text(), nullable=True))
    op.add_column("oauth_attempts", sa.Column("code_hash", sa.LargeBinary(), nullable=True))
    op.add_column(
        "oauth_attempts", sa.Column("wrong_codes", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column("oauth_attempts", sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    for column in OF_ATTEMPTS:
        op.drop_column("oauth_attempts", column)
    op.drop_table("unconfirmed_grants")
