"""Advice about connecting and staying connected, for people who organise events."""

from typing import Final

from app.user_messages.row import AdviceRow

DOCS: Final = "/docs/connecting"
POLICIES: Final = "Setup → External Client Apps → Eventship → Policies"
RECONNECT: Final = "Reconnect with an active Salesforce user who has API access."
PICKS_UP: Final = "Syncing then picks up where it left off."
LOOK_AGAIN: Final = "We look again every hour by ourselves; a preflight looks at once."
TRY_AGAIN: Final = "Start again from the Salesforce card."

REASON_ROWS: Final[tuple[AdviceRow, ...]] = (
    (
        "access_revoked",
        "Salesforce no longer accepts this connection",
        "Access was revoked in Salesforce, or the user who connected was deactivated. What is waiting is not "
        "lost.",
        (RECONNECT, PICKS_UP),
        f"{DOCS}#revoked",
    ),
    (
        "user_inactive",
        "The Salesforce user who connected is inactive",
        "Salesforce refuses this connection because its user was deactivated or frozen.",
        (RECONNECT, PICKS_UP),
        f"{DOCS}#user_inactive",
    ),
    (
        "app_uninstalled",
        "The Eventship package is no longer installed in Salesforce",
        "Salesforce does not know the Eventship app in your org any more, so it refuses the connection.",
        ("Ask a Salesforce admin to install the Eventship package again.", "Then reconnect.", PICKS_UP),
        f"{DOCS}#uninstalled",
    ),
    (
        "app_blocked",
        "A Salesforce admin has blocked Eventship",
        "Your org blocks the Eventship app, so Salesforce refuses the connection.",
        ("Ask a Salesforce admin to unblock it under Setup → Connected Apps OAuth Usage.", "Then reconnect."),
        f"{DOCS}#blocked",
    ),
    (
        "api_disabled",
        "This Salesforce org does not allow API access",
        "Salesforce switches the API on for certain editions only, and for users whose profile allows it.",
        (
            "Look up the edition under Setup → Company Information → Organization Edition.",
            "Starter Suite, Pro Suite, Essentials and Group: an upgrade is needed.",
            "Professional: ask your Salesforce account executive for the API add-on.",
            "Enterprise, Unlimited, Performance, Developer: tick API Enabled in the user's profile.",
        ),
        f"{DOCS}#api_disabled",
    ),
    (
        "edition_without_api",
        "This Salesforce edition has no API",
        "{edition} does not expose the API at any tier, whatever is configured in Salesforce.",
        ("Upgrade to Enterprise, or to Professional with the API add-on.", LOOK_AGAIN),
        f"{DOCS}#editions",
    ),
    (
        "edition_needs_api_addon",
        "Professional Edition needs the API add-on",
        "Salesforce switches the API on in Professional Edition only with its paid add-on.",
        ("Ask your Salesforce account executive for the API add-on.", LOOK_AGAIN),
        f"{DOCS}#editions",
    ),
    (
        "api_not_enabled_for_user",
        "The connected Salesforce user may not use the API",
        "{edition} has the API, so the user's profile or permission set does not allow it.",
        ("Tick API Enabled under System Permissions of the user's profile.", LOOK_AGAIN),
        f"{DOCS}#api_disabled",
    ),
    (
        "session_not_for_api",
        "The connected Salesforce user may not use the API",
        "Salesforce lets this user in, but not to its API. Asking again does not help.",
        ("Tick API Enabled for the user, or reconnect with a user who has it.", PICKS_UP),
        f"{DOCS}#session_not_for_api",
    ),
    (
        "credentials_cleared",
        "The app's credentials were removed here",
        "Your own app's Consumer Key and Secret were cleared, so the connection cannot be renewed.",
        ("Save the credentials again.", "Then reconnect."),
        f"{DOCS}#own_app",
    ),
    (
        "credentials_rejected",
        "Salesforce rejects the app's credentials",
        "The Consumer Key or Secret is not the one that Salesforce has now.",
        ("Copy Consumer Key and Consumer Secret from Salesforce and save them again.", "Then reconnect."),
        f"{DOCS}#own_app",
    ),
    (
        "org_inactive",
        "The Salesforce org is inactive",
        "Salesforce says that the org is closed, expired or locked.",
        ("Ask Salesforce to activate the org again.", "Then reconnect, or connect another org."),
        f"{DOCS}#org_inactive",
    ),
    (
        "ip_restricted",
        "Salesforce does not accept our network address",
        "Your org only lets in certain IP addresses, and ours are not among them.",
        (
            f"Set IP Relaxation to Relax IP restrictions under {POLICIES}.",
            "Or add our addresses to the trusted ranges; write to {support_email} for the list.",
            "Then reconnect.",
        ),
        f"{DOCS}#ip_restricted",
    ),
    (
        "grant_evicted",
        "A newer connection of the same Salesforce user ended this one",
        "Salesforce keeps five approvals per user and app; a sixth ended the oldest, which was this one.",
        ("Reconnect with another Salesforce user, such as one made for integrations.", PICKS_UP),
        f"{DOCS}#approvals",
    ),
    (
        "disconnected_by_host",
        "Salesforce is disconnected",
        "Somebody disconnected it here. What was synced stays in Salesforce; new changes wait.",
        ("Connect again whenever you like.", PICKS_UP),
        f"{DOCS}#disconnected",
    ),
)

FAULT_ROWS: Final[tuple[AdviceRow, ...]] = (
    (
        "credentials_unreadable",
        "The stored Salesforce access cannot be opened",
        "It was stored with an encryption key that this service does not have, or it was changed since. "
        "Nothing is sent to Salesforce; what is waiting is not lost.",
        ("Write to Eventship support.", "Or reconnect, which stores new access.", PICKS_UP),
        f"{DOCS}#faults",
    ),
    (
        "instance_not_allowed",
        "The stored address of the Salesforce org is not trusted",
        "Access to Salesforce is sent only to Salesforce's own servers, and the stored address is none of "
        "them. What is waiting is not lost.",
        ("Reconnect, which stores the address anew.", PICKS_UP),
        f"{DOCS}#faults",
    ),
    (
        "session_refused",
        "Salesforce does not take its own new session",
        "Salesforce gave us a new session and then refused it, which usually passes. What is waiting is not "
        "lost.",
        ("Nothing to do: we try again by ourselves, and say so here if you must reconnect.",),
        f"{DOCS}#faults",
    ),
    (
        "grant_doubted",
        "Salesforce refused to renew this connection, without a reason that we know",
        "It may pass, so we ask again by ourselves after 1, 5 and 30 minutes. What is waiting is not lost.",
        ("Nothing to do yet: this card says so if you must reconnect.",),
        f"{DOCS}#faults",
    ),
    (
        "instance_moved",
        "The Salesforce org has moved to another address",
        "Its old address is gone or sends us elsewhere, and Salesforce has not told us the new one yet. "
        "Access is never sent to an address that we were only pointed to. What is waiting is not lost.",
        ("Nothing to do: we ask again by ourselves. Reconnect if it lasts for more than an hour.",),
        f"{DOCS}#faults",
    ),
    (
        "internal_fault",
        "Syncing stopped over a fault of ours",
        "Something in this host's registrations met a fault in our software. We try again by ourselves, with "
        "fewer registrations at a time; what is waiting is not lost.",
        ("Nothing to do. Write to Eventship support if it lasts for more than an hour.",),
        f"{DOCS}#faults",
    ),
)

ATTEMPT_ROWS: Final[tuple[AdviceRow, ...]] = (
    (
        "package_not_installed",
        "Eventship isn't installed in your Salesforce org yet",
        "The Eventship package hasn't been installed in this org, or the install hasn't fully propagated "
        "yet.",
        (
            "Open the install link in a tab signed in as a Salesforce admin and complete the install.",
            'Wait about a minute, then try again. It can take 5–10 minutes after Salesforce says "Install '
            'Complete".',
        ),
        f"{DOCS}#oauth_ec_app_not_found",
    ),
    (
        "access_denied",
        "Access was not approved in Salesforce",
        "Somebody clicked Deny, or Salesforce did not let this user approve Eventship.",
        (TRY_AGAIN, "Click Allow when Salesforce asks."),
        f"{DOCS}#access_denied",
    ),
    (
        "approval_error",
        "Salesforce could not approve Eventship",
        "The org's policy keeps users from approving the app by themselves, or the app is not installed.",
        (
            f"Look at Permitted Users under {POLICIES}: your admins may have changed what it was at first.",
            "Let all users authorize themselves there, or let an admin approve this user's profile.",
            TRY_AGAIN,
        ),
        f"{DOCS}#approval_error",
    ),
    (
        "app_not_allowed",
        "A Salesforce admin has blocked Eventship",
        "Your org blocks the Eventship app, or does not allow this user to use it.",
        (
            "Ask a Salesforce admin to unblock it under Setup → Connected Apps OAuth Usage.",
            f"Look at Permitted Users under {POLICIES}: your admins may have let in approved users only.",
        ),
        f"{DOCS}#blocked",
    ),
    (
        "scope_refused",
        "Salesforce refused the permissions that we ask for",
        "The app must allow access to data by API and access at any time.",
        ("Add the scopes api, refresh_token and id to the app in Salesforce.", TRY_AGAIN),
        f"{DOCS}#scopes",
    ),
    (
        "scope_missing",
        "Salesforce did not grant lasting access",
        "Without a refresh token the connection would end after some hours, so it was not kept.",
        ("Add the scope refresh_token (offline_access) to the app in Salesforce.", TRY_AGAIN),
        f"{DOCS}#scopes",
    ),
    (
        "client_rejected",
        "Salesforce rejects the app's credentials",
        "The Consumer Key or Secret used here is not the one that Salesforce has.",
        ("Write to {support_email}.",),
        f"{DOCS}#invalid_client",
    ),
    (
        "redirect_uri_mismatch",
        "Salesforce refused our return address",
        "The app's callback URL must be exactly {redirect_uri}.",
        ("Set exactly this callback URL in the app, then try again.",),
        f"{DOCS}#redirect_uri_mismatch",
    ),
    (
        "code_expired",
        "The approval came too late",
        "Salesforce's approval is good for some minutes and for one use.",
        (TRY_AGAIN,),
        f"{DOCS}#code_expired",
    ),
    (
        "other_browser",
        "The sign-in ended in another browser",
        "For safety, connecting must start and end in the same browser.",
        (TRY_AGAIN, "Allow cookies for this address, and stay in one browser window."),
        f"{DOCS}#other_browser",
    ),
    (
        "role_lost",
        "You may no longer connect Salesforce for this host",
        "Your role changed while you were signing in, so the sign-in was not used.",
        ("Ask an owner or admin of the host to connect.",),
        f"{DOCS}#role_lost",
    ),
    (
        "not_for_production",
        "This is a sandbox",
        "You chose production, but signed in to a sandbox org.",
        ("Sign in to the production org.", "Or choose Sandbox when you connect."),
        f"{DOCS}#environment",
    ),
    (
        "not_for_sandbox",
        "This is a production org",
        "You chose sandbox, but signed in to a production org.",
        ("Sign in to the sandbox, with its own user name.", "Or choose Production when you connect."),
        f"{DOCS}#environment",
    ),
    (
        "host_not_allowed",
        "Salesforce named an address that we do not trust",
        "The sign-in pointed to a server that is not one of Salesforce's own, so nothing was sent there.",
        ("Write to {support_email}.",),
        f"{DOCS}#answer_refused",
    ),
    (
        "answer_not_genuine",
        "The answer did not come from Salesforce",
        "Its signature does not fit the app's secret, so it was not used.",
        (TRY_AGAIN, "If it happens again, write to {support_email}."),
        f"{DOCS}#answer_refused",
    ),
    (
        "salesforce_away",
        "Salesforce did not answer",
        "The sign-in worked, but Salesforce could not be reached to finish it.",
        ("Wait a minute, then start again from the Salesforce card.",),
        f"{DOCS}#salesforce_away",
    ),
    (
        "api_version_missing",
        "This org does not speak the API version we use",
        "We use version {api_version}; the org does not offer it yet.",
        ("Write to {support_email}.",),
        f"{DOCS}#api_version",
    ),
    (
        "oauth_other",
        "Salesforce refused to connect",
        "Salesforce answered with an error that we have no explanation for. Its own words stand beside.",
        (TRY_AGAIN, "If it happens again, write to {support_email}."),
        f"{DOCS}#oauth_other",
    ),
    (
        "not_confirmed",
        "The sign-in was not confirmed",
        "Nobody confirmed within ten minutes that this org is to be connected, so the access was given back.",
        (TRY_AGAIN,),
        f"{DOCS}#confirm",
    ),
    (
        "other_user",
        "Somebody else signed in than the person who began",
        "The sign-in ended with another Eventship user than it began with, so the access was given back.",
        ("Begin and end it yourself.", TRY_AGAIN, "Never sign in by a link that somebody sent to you."),
        f"{DOCS}#confirm",
    ),
    (
        "wrong_codes",
        "The sign-in could not be confirmed",
        "It was tried five times with a code that is not this sign-in's, so the access was given back.",
        (TRY_AGAIN,),
        f"{DOCS}#confirm",
    ),
    (
        "attempt_expired",
        "The attempt to connect has ended",
        "Nobody came back from Salesforce within ten minutes.",
        (TRY_AGAIN,),
        f"{DOCS}#attempt_expired",
    ),
)

HINT_ROWS: Final[tuple[AdviceRow, ...]] = (
    (
        "saw_invalid_client_id",
        'Did Salesforce show "invalid_client_id"?',
        "Salesforce does not know the Consumer Key that was used.",
        ("Write to {support_email}.",),
        f"{DOCS}#invalid_client",
    ),
    (
        "saw_redirect_uri_mismatch",
        'Did Salesforce show "redirect_uri_mismatch"?',
        "The app's callback URL must be exactly {redirect_uri}.",
        ("Write to {support_email}.",),
        f"{DOCS}#redirect_uri_mismatch",
    ),
    (
        "saw_missing_challenge",
        'Did the browser save a file named "authorize", or show "missing required code challenge"?',
        "Salesforce did not take the sign-in request as it was sent.",
        (TRY_AGAIN, "If it happens again, write to {support_email}."),
        f"{DOCS}#missing_challenge",
    ),
    (
        "saw_no_popup",
        "Did no window open, or was it closed?",
        "The browser may have blocked the popup, or it was closed before the end.",
        ("Allow popups for the dashboard, then try again.",),
        f"{DOCS}#popup",
    ),
    (
        "saw_invalid_scope",
        'Did Salesforce show "invalid_scope"?',
        "The app in your org does not offer the permissions that we ask for.",
        ("Write to {support_email}.",),
        f"{DOCS}#scopes",
    ),
    (
        "saw_approval_error",
        'Did Salesforce show "OAUTH_APPROVAL_ERROR_GENERIC"?',
        "The app is not installed in your org, or its policy keeps users from approving it by themselves.",
        (
            "Install the package, and wait 5–10 minutes.",
            f"Look whether Permitted Users under {POLICIES} lets this user in.",
            TRY_AGAIN,
        ),
        f"{DOCS}#approval_error",
    ),
    (
        "saw_my_domain_policy",
        "Could you not sign in at login.salesforce.com, although the password is right?",
        "Your org may let people sign in only at its own address (My Domain), or by single sign-on there.",
        (
            "Choose My Domain, and enter your org's address: Setup → My Domain → Current My Domain URL.",
            "Then sign in there as you do every day.",
        ),
        f"{DOCS}#environment",
    ),
    (
        "saw_wrong_login",
        "Did Salesforce not accept user name and password?",
        "A sandbox has its own sign-in page; production users cannot sign in there, and the other way round.",
        ("Choose the environment that the user belongs to.",),
        f"{DOCS}#environment",
    ),
)

WARNING_ROWS: Final[tuple[AdviceRow, ...]] = (
    (
        "fourth_approval",
        "This Salesforce user has approved Eventship three times already",
        "Salesforce keeps five approvals per user and app; the sixth ends the oldest one without notice.",
        ("Connect with another Salesforce user, or disconnect a host that is no longer needed.",),
        f"{DOCS}#approvals",
    ),
    (
        "fifth_approval",
        "This Salesforce user has approved Eventship four times already",
        "Salesforce keeps five approvals per user and app; the sixth ends the oldest one without notice.",
        ("Connect with another Salesforce user, or disconnect a host that is no longer needed.",),
        f"{DOCS}#approvals",
    ),
    (
        "sixth_approval",
        "This Salesforce user has approved Eventship five times already",
        "Salesforce keeps five approvals per user and app; the sixth ends the oldest one without notice. Its "
        "host must connect again.",
        ("Connect with another Salesforce user, or disconnect a host that is no longer needed.",),
        f"{DOCS}#approvals",
    ),
    (
        "not_confirmable",
        "This sign-in cannot be confirmed",
        "It was confirmed before, took longer than ten minutes, or its address was opened again since.",
        (TRY_AGAIN,),
        f"{DOCS}#confirm",
    ),
    (
        "my_domain_invalid",
        "This is not a My Domain",
        "It looks like acme.my.salesforce.com, or for a sandbox like acme--uat.sandbox.my.salesforce.com.",
        ("Look it up under Setup → My Domain → Current My Domain URL.", "Paste it without a path."),
        f"{DOCS}#environment",
    ),
    (
        "partition_off",
        "This Salesforce partition is not switched on here",
        "Orgs at .my.salesforce.mil and .my.sfcrmproducts.cn are Salesforce's own, and can be connected only "
        "where that was set up for them.",
        ("Write to {support_email}: it is one setting, SALESFORCE_PARTITIONS.",),
        f"{DOCS}#environment",
    ),
)

CONNECTION_ROWS: Final = (*REASON_ROWS, *FAULT_ROWS, *ATTEMPT_ROWS, *HINT_ROWS, *WARNING_ROWS)
