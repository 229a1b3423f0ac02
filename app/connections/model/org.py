"""The org of a grant, as the API returns it."""

from app.connections.model.schemas import Org
from app.models import Connection, UnconfirmedGrant
from app.salesforce.allowed_hosts import lightning_url


def org_view(row: Connection | UnconfirmedGrant) -> Org:
    """The org that a grant is for, confirmed or not."""
    return Org(
        id=row.org_id,
        name=row.org_name,
        edition=row.org_edition,
        is_sandbox=row.org_is_sandbox,
        instance_url=row.instance_url,
        lightning_url=lightning_url(row.instance_url),
    )
