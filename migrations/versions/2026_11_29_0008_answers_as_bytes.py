"""Answers kept for repeated requests as sealed bytes, in a column that a change of keys visits.

`body` stays for the release before, which may run beside this one.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

MOVE = """
    UPDATE idempotent_answers SET sealed = decode(body ->> 'sealed', 'hex'), body = '{}' WHERE body ? 'sealed'
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("idempotent_answers", sa.Column("sealed", sa.LargeBinary(), nullable=True))
    op.alter_column("idempotent_answers", "body", server_default=sa.text("'{}'"))
    # The owner sees no row of a walled table.
    op.execute("ALTER TABLE idempotent_answers NO FORCE ROW LEVEL SECURITY")
    op.execute(MOVE)
    op.execute("ALTER TABLE idempotent_answers FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.drop_column("idempotent_answers", "sealed")
    op.alter_column("idempotent_answers", "body", server_default=None)
