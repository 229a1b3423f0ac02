/** The elements of a dashboard, registered by importing this file. */

export { SalesforceCard } from "./card/salesforce-card";
export { SalesforceUser } from "./card/salesforce-user";
export { SalesforceMapping } from "./mapping/salesforce-mapping";
export { SalesforceEventSync } from "./sync/salesforce-event-sync";
export { SalesforceEvents } from "./writes/salesforce-events";
export { SalesforceSettings } from "./writes/salesforce-settings";
export type { Texts } from "./texts/en";
export { loadTexts, setTexts } from "./texts";
