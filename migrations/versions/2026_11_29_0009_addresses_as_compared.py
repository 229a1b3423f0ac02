"""Compare addresses without invisible characters: the keys of registrations, and what an erasure finds."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

SYSTEM = "eventship_system"
INDEX, TABLE = "ix_deliveries_attendee_email", "deliveries"
ADDRESS = "payload #>> '{data,registration,attendee,email}'::text[]"
# The same characters as in app/addresses.py: control and format characters, then white space at both ends.
INVISIBLE = (
    r"[\u0001-\u0008\u000e-\u001f\u007f-\u009f"
    r"\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    r"\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0001\U000e0020-\U000e007f]"
)
SPACE = r"[\u0009-\u000d\u0020\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+"
FUNCTION = f"""
CREATE FUNCTION address_key(address text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT lower(regexp_replace(
        regexp_replace(address, '{INVISIBLE}', '', 'g'), '^{SPACE}|{SPACE}$', '', 'g'
    ))
$$
"""
KEYS = """
UPDATE registrations SET email_key = nullif(address_key(email_key), '')
WHERE email_key <> address_key(email_key)
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(FUNCTION)
    op.drop_index(INDEX, table_name=TABLE)
    op.create_index(INDEX, TABLE, ["host_id", sa.text(f"address_key({ADDRESS})")])
    # The tables are walled in for their owner, too.
    op.execute(f"SET LOCAL ROLE {SYSTEM}")
    op.execute(KEYS)
    op.execute("RESET ROLE")


def downgrade() -> None:
    op.drop_index(INDEX, table_name=TABLE)
    op.create_index(INDEX, TABLE, ["host_id", sa.text(f"lower(btrim({ADDRESS}))")])
    op.execute("DROP FUNCTION address_key")
