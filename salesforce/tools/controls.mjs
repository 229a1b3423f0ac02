// Ways to break the source; `npm run check` must find each in a copy.
const MAIN = "force-app/main/default";
const KEY = `${MAIN}/objects/Activity/fields/Eventship_Key__c.field-meta.xml`;
const REASON = `${MAIN}/objects/Activity/fields/Cancel_Reschedule_Reason__c.field-meta.xml`;
const SET = `${MAIN}/permissionsets/Eventship_Fields.permissionset-meta.xml`;
const APP = `${MAIN}/externalClientApps/Eventship.eca-meta.xml`;
const OAUTH = `${MAIN}/extlClntAppOauthSettings/Eventship_oauth.ecaOauth-meta.xml`;
const KEYS = `${MAIN}/extlClntAppOauthSettings/Eventship.ecaGlblOauth-meta.xml`;
const BUTTON = `${MAIN}/objects/Lead/webLinks/Schedule_with_Eventship.webLink-meta.xml`;
const REPORT = `${MAIN}/reports/Eventship/Event_attendance_by_campaign.report-meta.xml`;
const SCRATCH_ORG = "config/project-scratch-def.json";
const KEYS_TEXT = `<ExtlClntAppGlobalOauthSettings xmlns="http://soap.sforce.com/2006/04/metadata">
    <callbackUrl>https://a.example/</callbackUrl>
    <externalClientApplication>Eventship</externalClientApplication>
    <label>Eventship</label>
</ExtlClntAppGlobalOauthSettings>
`;

const swap = (from, to) => (text) => text.replaceAll(from, to);

// What is broken, where, how, and the fault that must be found.
const EDITS = [
  ["a type's name", APP, swap("ExternalClientApplication", "ExternalClientApp"), /holds ExternalClientApp, not/],
  ["a field's type that is none", KEY, swap(">Text<", ">String<"), /"String" is no FieldType/],
  ["a field's type that is another", KEY, swap(">Text<", ">DateTime<"), /DateTime takes no length/],
  ["a type that needs nothing more", REASON, swap(">TextArea<", ">DateTime<"), /is DateTime, not TextArea/],
  ["a member that the type has not", KEY, swap("inlineHelpText", "helpText"), /CustomField has no helpText/],
  ["a number that is none", KEY, swap(">64<", ">sixty-four<"), /length is no number/],
  ["a member that is missing", BUTTON, swap(/.*<protected>.*\n/g, ""), /protected is missing/],
  ["a member that is there twice", BUTTON, swap(/.*<protected>.*\n/g, "$&$&"), /protected is there 2 times/],
  ["a window without a position", BUTTON, swap(/.*<position>.*\n/g, ""), /needs position/],
  ["a right on no field", SET, swap("Lead.Eventship_Key__c", "Lead.Key__c"), /no field Lead.Key__c/],
  ["a scope that nobody needs", OAUTH, swap("Basic, Api", "Full, Api"), /scopes are not/],
  ["a column of no field", REPORT, swap("Ticket__c", "Tickets__c"), /report type has no Campaign.CampaignMembers\$Tickets__c/],
  ["a setting of no org", SCRATCH_ORG, swap("TranslationWorkbench", "Translations"), /has no enableTranslations/],
  ["keys in the source", KEYS, () => KEYS_TEXT, /holds keys or policies/],
  ["a file of nothing", `${MAIN}/externalClientApps/notes.txt`, () => "x", /part of no component/],
].map(([name, file, edit, expects]) => ({ name, file, edit, expects }));

const MOVES = [
  ["a type's name in a suffix", OAUTH, OAUTH.replace(".ecaOauth-meta", ".ecaOAuth-meta"), /could not infer|no component/i],
  ["a field on Task instead of Activity", KEY, KEY.replace("Activity", "Task"), /Task or Event is one of Activity/],
].map(([name, file, moveTo, expects]) => ({ name, file, moveTo, expects }));

export const CONTROLS = [...EDITS, ...MOVES];
