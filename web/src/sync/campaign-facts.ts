/** A campaign's own facts in one line. */

import type { CampaignFound } from "../api/schema";
import { day, t } from "../texts";

export function factsOf(campaign: CampaignFound): string {
  const dates = [campaign.start_date, campaign.end_date].flatMap((each) => (each ? [day(each)] : [])).join(" – ");
  const activity = campaign.is_active ? "" : t.campaign.inactive;
  return [campaign.type, campaign.status, dates, t.campaign.members(campaign.members), activity].filter(Boolean).join(" · ");
}
