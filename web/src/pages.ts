/** Elements that are a page of their own: loaded where they are shown, beside `index.ts`. */

export { SalesforceEventDay } from "./door/salesforce-event-day";
export { SalesforceRegistration } from "./sync/salesforce-registration";
