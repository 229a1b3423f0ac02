"""Transaction security: an administrator's policy that stops reading an object through the API."""

from salesforce_simulator.errors import refusal
from salesforce_simulator.org import Org

_MESSAGE = (
    "The operation you requested isn't allowed due to a security policy in your organization. "
    "Contact your administrator."
)


def check(org: Org, name: str) -> None:
    """Raise TXN_SECURITY_NO_ACCESS for an object that a policy guards."""
    if name in org.config.security_policy_objects:
        raise refusal("TXN_SECURITY_NO_ACCESS", _MESSAGE, status=org.config.security_policy_status)
