/** The console's own English words. */

import { formsOf } from "../forms";
import { ops } from "./ops";

const { number } = formsOf("en");

export const words = {
  title: "Eventship for Salesforce",
  hosts: "Hosts",
  events: "Events",
  operations: "Operations",
  language: "Language",
  skip: "Skip to the content",
  event: "Event",
  navigation: "Hosts and events",
  noTokenTitle: "This address needs a token",
  noTokenText: "It has expired, or was opened without one. Print a fresh address and open that:",
  noTokenCommand: "eventship-salesforce console",
  noHosts: "Your token names no host.",
  noEvents: "No event of this host has come in yet. Events appear here with their first webhook.",
  moreEvents: "More events",
  integrations: "Integrations",
  allEvents: "All events",
  backToEvent: "Back to the event",
  mapping: "People and fields",
  eventMapping: "People and fields of this event",
  settings: "What is written",
  matrix: "What is written of each event",
  roles: { owner: "owner", admin: "admin", member: "member" } as Record<string, string>,
  campaign: (name: string) => `Campaign: ${name}`,
  noCampaign: "No campaign linked",
  cancelled: "Cancelled",
  paused: "Paused",
  noDate: "No date",
  /** A number as the language writes it. */
  number,
  ops,
};

export type ConsoleWords = typeof words;
