"""Advice for hosts that connect through a Salesforce app of their own: nothing here speaks of our package."""

from typing import Final

from app.user_messages.connections import DOCS, PICKS_UP, TRY_AGAIN
from app.user_messages.row import AdviceRow

OWN_POLICIES: Final = "Setup → External Client Apps → your app → Policies"
OWN_OAUTH: Final = "Setup → External Client Apps → your app → Settings → OAuth Settings"

OWN_APP_ROWS: Final[tuple[AdviceRow, ...]] = (
    (
        "own_app_not_found",
        "Salesforce doesn't know your app yet",
        "The app of this Consumer Key isn't in the org you signed in to, or isn't published there yet.",
        (
            "Wait 10–15 minutes after creating or changing the app, then try again.",
            "Check that the Consumer Key saved here is the one shown in Salesforce.",
            "Sign in to the org in which the app was created.",
        ),
        f"{DOCS}#own_app",
    ),
    (
        "own_app_rejected",
        "Salesforce rejects your app's credentials",
        "The Consumer Key or Secret saved here is not the one that Salesforce has now.",
        (
            f"Copy both again from {OWN_OAUTH}; Salesforce may ask for a code by e-mail first.",
            "Save them here, wait 10 minutes if the app is new, then try again.",
        ),
        f"{DOCS}#own_app",
    ),
    (
        "own_app_not_allowed",
        "This Salesforce user may not use your app",
        "The app is blocked in the org, or its policy lets in only users who were approved before.",
        (
            f"Set Permitted Users to All users may self-authorize under {OWN_POLICIES}.",
            "Or add the user's profile or permission set to the app, then try again.",
        ),
        f"{DOCS}#own_app",
    ),
    (
        "own_approval_error",
        "Salesforce could not approve your app",
        "The org's policy keeps users from approving the app by themselves.",
        (f"Set Permitted Users to All users may self-authorize under {OWN_POLICIES}.", TRY_AGAIN),
        f"{DOCS}#own_app",
    ),
    (
        "own_app_uninstalled",
        "Salesforce does not know your app any more",
        "The app of this Consumer Key was deleted in your org, or its Key has changed.",
        (
            "Create the app again, or look up its Key in Salesforce.",
            "Save Consumer Key and Secret here, then reconnect.",
            PICKS_UP,
        ),
        f"{DOCS}#own_app",
    ),
    (
        "own_app_blocked",
        "A Salesforce admin has blocked your app",
        "Your org blocks the app, so Salesforce refuses the connection.",
        (f"Unblock it and check Permitted Users under {OWN_POLICIES}.", "Then reconnect."),
        f"{DOCS}#own_app",
    ),
    (
        "own_ip_restricted",
        "Salesforce does not accept our network address",
        "Your org or your app only lets in certain IP addresses, and ours are not among them.",
        (
            f"Set IP Relaxation to Relax IP restrictions under {OWN_POLICIES}.",
            "Or add our addresses to the trusted ranges; write to {support_email} for the list.",
            "We look again every hour by ourselves.",
        ),
        f"{DOCS}#ip_restricted",
    ),
    (
        "own_saw_invalid_client_id",
        'Did Salesforce show "invalid_client_id"?',
        "Salesforce does not know the Consumer Key that is saved here.",
        ("Copy the Consumer Key from Salesforce again and save it, then try again.",),
        f"{DOCS}#own_app",
    ),
    (
        "own_saw_redirect_uri_mismatch",
        'Did Salesforce show "redirect_uri_mismatch"?',
        "Your app's callback URL must be exactly {redirect_uri}.",
        (f"Set exactly this callback URL under {OWN_OAUTH}, one line per URL, then try again.",),
        f"{DOCS}#own_app",
    ),
    (
        "own_saw_invalid_scope",
        'Did Salesforce show "invalid_scope"?',
        "Your app lacks a scope that we ask for.",
        (f"Add api, refresh_token and id under {OWN_OAUTH}, then try again in ten minutes.",),
        f"{DOCS}#own_app",
    ),
    (
        "own_saw_approval_error",
        'Did Salesforce show "OAUTH_APPROVAL_ERROR_GENERIC"?',
        "Your app's policy keeps users from approving it by themselves, or the app is not in this org.",
        (f"Look whether Permitted Users under {OWN_POLICIES} lets this user in, then try again.",),
        f"{DOCS}#own_app",
    ),
    (
        "clear_needs_confirmation",
        "A connection lives by these credentials",
        "Without them the connection ends, and you must connect again. What is waiting is not lost.",
        ("Confirm to go on.",),
        f"{DOCS}#own_app",
    ),
)

OWN_APP_ADVICE: Final[dict[str, str]] = {
    "package_not_installed": "own_app_not_found",
    "client_rejected": "own_app_rejected",
    "app_not_allowed": "own_app_not_allowed",
    "approval_error": "own_approval_error",
    "ip_restricted": "own_ip_restricted",
    "app_uninstalled": "own_app_uninstalled",
    "app_blocked": "own_app_blocked",
    "saw_invalid_client_id": "own_saw_invalid_client_id",
    "saw_redirect_uri_mismatch": "own_saw_redirect_uri_mismatch",
    "saw_invalid_scope": "own_saw_invalid_scope",
    "saw_approval_error": "own_saw_approval_error",
}
"""Where an own app needs another next step than the shared one."""
