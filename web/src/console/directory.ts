/** The calls that only the console makes. */

import type { Api } from "../api/client";
import type { EventList, HostList } from "../api/schema";

export const listHosts = (api: Api): Promise<HostList> => api.call("GET", "/v1/hosts");

export function listEvents(api: Api, hostId: string, cursor: string | null): Promise<EventList> {
  const search = new URLSearchParams(cursor === null ? {} : { cursor });
  return api.call("GET", `/v1/hosts/${encodeURIComponent(hostId)}/events?${search}`);
}
