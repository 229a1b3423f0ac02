/** The calls that only the console makes. */

import type { Api } from "../api/client";
import type { Acted, EventList, HostList, Overview } from "../api/schema";

export interface FailureFilter {
  readonly state: "failed";
  readonly class: string | null;
  readonly error_code: string | null;
}

export const listHosts = (api: Api): Promise<HostList> => api.call("GET", "/v1/hosts");

export function listEvents(api: Api, hostId: string, cursor: string | null): Promise<EventList> {
  const search = new URLSearchParams(cursor === null ? {} : { cursor });
  return api.call("GET", `/v1/hosts/${encodeURIComponent(hostId)}/events?${search}`);
}

export const readOverview = (api: Api): Promise<Overview> => api.call("GET", "/ops/overview");

export const retryFailures = (api: Api, filter: FailureFilter, isDryRun: boolean): Promise<Acted> =>
  api.call("POST", "/ops/jobs/retry", { filter, dry_run: isDryRun });
