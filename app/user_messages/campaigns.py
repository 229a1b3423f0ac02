"""Rows of advice about linking an event to a campaign."""

from typing import Final

from app.user_messages.row import AdviceRow

CAMPAIGN_ROWS: Final[tuple[AdviceRow, ...]] = (
    (
        "campaign_used_by_other_event",
        "Another event of this host writes to this campaign",
        "A person in both events has one member; the higher status wins.",
        (),
        None,
    ),
    (
        "campaign_inactive",
        "The campaign is not active",
        "Members are written all the same, but many reports and lists leave inactive campaigns out.",
        ("Tick Active on the campaign in Salesforce.",),
        None,
    ),
    (
        "campaign_ended",
        "The campaign's end date has passed",
        "Members are written all the same.",
        ("Check that this is the campaign you mean, or move its end date in Salesforce.",),
        None,
    ),
    (
        "same_status_for_both",
        "Registered and attended have the same status",
        "The campaign will not tell who came from who only registered.",
        ("Choose another status for attended, or add one to the campaign in Salesforce.",),
        None,
    ),
    (
        "attended_not_responded",
        "The attended status does not count as a response",
        "Salesforce counts responses by the Responded tick of a status; attendees would not be among them.",
        ("Tick Responded on this status in Salesforce, or choose a status that has it.",),
        None,
    ),
    (
        "campaign_create_failed",
        "Salesforce refused to create the campaign",
        "The connected user may lack the right to create campaigns, or a rule of your org refused it.",
        (
            "Give the user Create on campaigns and tick Marketing User, or correct the rule.",
            "Create it again, or link a campaign that exists.",
        ),
        "/docs/campaigns#create",
    ),
    (
        "member_statuses_not_created",
        "The campaign's own statuses are used",
        "Your org does not let us add member statuses, so the ones that the campaign came with were chosen.",
        ("Add Registered and Attended to the campaign in Salesforce.", "Then choose them here."),
        "/docs/campaigns#statuses",
    ),
    (
        "campaign_in_other_org",
        "The linked campaign is in another Salesforce org",
        "It was linked while another org was connected. People and activities go on in the connected org; "
        "campaign members wait.",
        ("Unlink, and link a campaign of the connected org.", "Or reconnect the org of the campaign."),
        "/docs/campaigns#broken",
    ),
)
