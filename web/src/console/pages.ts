/** The console's pages beside a host's own: what each shows, in one table for hosts and one for events. */

import { html } from "lit";
import type { GetToken } from "../api/client";
import { t, words } from "../texts";
import type { View } from "../ui/views";
import "./audit-view";
import "./erase-view";
import { eventAddress, hostAddress } from "./place";

/** The service that serves the console serves the documents, too, at /docs/…. */
export const DOCUMENTS = location.origin;

/** What every page needs to know. */
export interface At {
  readonly hostId: string;
  readonly eventId: string;
  readonly itemId: string | null;
  readonly getToken: GetToken | null;
}

export interface Page {
  /** What it is called in the window's title, and for who hears it; empty for the event itself. */
  readonly title: () => string;
  /** For tables of many columns. */
  readonly isWide?: boolean;
  readonly view: (at: At) => View;
}

export const HOST_PAGES: Readonly<Record<string, Page>> = {
  mapping: {
    title: () => words.mapping,
    view: (at) => html`<salesforce-mapping host-id=${at.hostId} .getToken=${at.getToken} docs-base=${DOCUMENTS}></salesforce-mapping>`,
  },
  settings: {
    title: () => words.settings,
    view: (at) => html`<salesforce-settings host-id=${at.hostId} .getToken=${at.getToken} docs-base=${DOCUMENTS}></salesforce-settings>
      <eventship-erase host-id=${at.hostId} .getToken=${at.getToken} docs-base=${DOCUMENTS}></eventship-erase>`,
  },
  audit: {
    title: () => words.audit.heading,
    view: (at) => html`<eventship-audit host-id=${at.hostId} .getToken=${at.getToken} docs-base=${DOCUMENTS}></eventship-audit>`,
  },
  matrix: {
    title: () => words.matrix,
    isWide: true,
    view: (at) => html`<salesforce-events host-id=${at.hostId} .getToken=${at.getToken} docs-base=${DOCUMENTS}
      event-address="${hostAddress(at.hostId)}/events/{event_id}"></salesforce-events>`,
  },
};

/** An event's own page is the one without a name. */
export const EVENT_PAGES: Readonly<Record<string, Page>> = {
  "": {
    title: () => "",
    view: (at) => html`<salesforce-event-sync host-id=${at.hostId} event-id=${at.eventId} .getToken=${at.getToken} docs-base=${DOCUMENTS} card-address=${hostAddress(at.hostId)}
      registration-address="${eventAddress(at.hostId, at.eventId, "registrations")}/{registration_id}" door-address=${eventAddress(at.hostId, at.eventId, "door")}></salesforce-event-sync>`,
  },
  registrations: {
    title: () => t.proof.registration,
    view: (at) => html`<div class="panel"><salesforce-registration host-id=${at.hostId} event-id=${at.eventId} registration-id=${at.itemId ?? ""} .getToken=${at.getToken}
      docs-base=${DOCUMENTS}></salesforce-registration></div>`,
  },
  door: {
    title: () => t.sync.door,
    view: (at) => html`<salesforce-event-day host-id=${at.hostId} event-id=${at.eventId} .getToken=${at.getToken} docs-base=${DOCUMENTS}></salesforce-event-day>`,
  },
  mapping: {
    title: () => words.eventMapping,
    view: (at) => html`<salesforce-mapping host-id=${at.hostId} event-id=${at.eventId} .getToken=${at.getToken} docs-base=${DOCUMENTS}></salesforce-mapping>`,
  },
};

/** Back to where the reader came from: of an event's pages to the event, else to the host. */
export function backAddress(hostId: string, eventId: string | null, page: string | null): string {
  return eventId !== null && page !== null ? eventAddress(hostId, eventId) : hostAddress(hostId);
}
