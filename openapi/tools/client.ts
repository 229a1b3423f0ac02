// What a caller writes against the types that openapi-typescript makes of openapi.json. Compiled, never run.
import type { components, operations, paths, webhooks } from "../node_modules/.client/schema";

type Json<Answer> = Answer extends { content: { "application/json": infer Body } } ? Body : never;
type Answer<Name extends keyof operations, Status extends number> =
  operations[Name]["responses"] extends Record<Status, infer Found> ? Json<Found> : never;
type Sent<Name extends keyof operations> =
  operations[Name] extends { requestBody?: { content: infer Content } } ? Content[keyof Content] : never;

/** Each is an error of the compiler if the document stops to say so. */
const address: keyof paths = "/v1/hosts/{host_id}/salesforce";
const asked: operations["getStats"]["parameters"]["path"] = { host_id: "host_1", event_id: "evt_summit" };
const paused: Sent<"pauseHost"> = { dry_run: false };
const lines: Sent<"importRegistrations"> = '{"host": {"id": "host_1"}}\n';
const checked: Answer<"checkSignature", 200>["findings"][number]["part"][] = ["headers", "clock", "signature"];
const posted: keyof webhooks = "registration.confirmed";

export function waitingOf(card: Answer<"getCard", 200>, stats: Answer<"getStats", 200>): string {
  const state: components["schemas"]["Card"]["state"] = card.state;
  return `${state}: ${stats.counts.pending} of ${stats.counts.total}`;
}

export async function received(at: string, token: string): Promise<Answer<"listReceivedDeliveries", 200>["items"]> {
  const answer = await fetch(`${at}/platform/deliveries`, { headers: { authorization: `Bearer ${token}` } });
  const page = (await answer.json()) as Answer<"listReceivedDeliveries", 200>;
  return page.items;
}

export { address, asked, checked, lines, paused, posted };
