"""A verification tells which records were made before the org had their unique key."""

from alembic import op

revision: str = "0112"
down_revision: str | None = "0111"
branch_labels: str | None = None
depends_on: str | None = None
needs_code: bool = False

CONSTRAINT = "ck_verification_differences_kind"
KINDS = """
    'missing_person', 'missing_activity', 'missing_member', 'missing_case', 'missing_email',
    'status_differs', 'times_differ', 'other_person', 'not_visible', 'without_key'
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(f"ALTER TABLE verification_differences DROP CONSTRAINT {CONSTRAINT}")
    op.execute(f"ALTER TABLE verification_differences ADD CONSTRAINT {CONSTRAINT} CHECK (kind IN ({KINDS}))")
