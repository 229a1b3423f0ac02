// Ways to break the source; `npm run check` must find each in a copy.
const MAIN = "force-app/main/default";
const KEY = `${MAIN}/objects/Activity/fields/Eventship_Key__c.field-meta.xml`;
const REASON = `${MAIN}/objects/Activity/fields/Cancel_Reschedule_Reason__c.field-meta.xml`;
const SET = `${MAIN}/permissionsets/Eventship_Fields.permissionset-meta.xml`;
const APP = `${MAIN}/externalClientApps/Eventship.eca-meta.xml`;
const OAUTH = `${MAIN}/extlClntAppOauthSettings/Eventship_oauth.ecaOauth-meta.xml`;
const BUTTON = `${MAIN}/objects/Lead/webLinks/Schedule_with_Eventship.webLink-meta.xml`;

const swap = (from, to) => (text) => text.replaceAll(from, to);

export const CONTROLS = [
  {
    name: "a type's name in the document",
    file: APP,
    edit: swap("ExternalClientApplication", "ExternalClientApp"),
    expects: /holds ExternalClientApp, not ExternalClientApplication|no type ExternalClientApp\b/,
  },
  {
    name: "a type's name in the file's suffix",
    file: OAUTH,
    moveTo: OAUTH.replace(".ecaOauth-meta", ".ecaOAuthSettings-meta"),
    expects: /TypeInferenceError|part of no component/,
  },
  { name: "a field's type that is none", file: KEY, edit: swap(">Text<", ">String<"), expects: /"String" is no FieldType/ },
  { name: "a field's type that is another", file: KEY, edit: swap(">Text<", ">DateTime<"), expects: /DateTime takes no length/ },
  {
    name: "a field's type that needs nothing else",
    file: REASON,
    edit: swap(">TextArea<", ">DateTime<"),
    expects: /Cancel_Reschedule_Reason__c is DateTime, not TextArea/,
  },
  { name: "a member that the type has not", file: KEY, edit: swap("inlineHelpText", "helpText"), expects: /CustomField has no helpText/ },
  { name: "a number that is none", file: KEY, edit: swap(">64<", ">sixty-four<"), expects: /length is no number/ },
  { name: "a member that is missing", file: BUTTON, edit: swap(/.*<protected>.*\n/g, ""), expects: /protected is missing/ },
  { name: "a window without a position", file: BUTTON, edit: swap(/.*<position>.*\n/g, ""), expects: /needs position/ },
  { name: "a right on a field that is not there", file: SET, edit: swap("Lead.Eventship_Key__c", "Lead.Key__c"), expects: /no field Lead.Key__c/ },
  { name: "a scope that nobody needs", file: OAUTH, edit: swap("Basic, Api", "Full, Api"), expects: /scopes are not/ },
  {
    name: "a field on Task instead of Activity",
    file: KEY,
    moveTo: KEY.replace("Activity", "Task"),
    expects: /field of Task or Event is one of Activity/,
  },
  {
    name: "keys in the source",
    file: `${MAIN}/extlClntAppOauthSettings/Eventship.ecaGlblOauth-meta.xml`,
    edit: () =>
      '<ExtlClntAppGlobalOauthSettings xmlns="http://soap.sforce.com/2006/04/metadata"><callbackUrl>https://a.example/</callbackUrl>' +
      "<externalClientApplication>Eventship</externalClientApplication><label>x</label></ExtlClntAppGlobalOauthSettings>",
    expects: /holds keys or policies/,
  },
  {
    name: "a setting that Salesforce has not",
    file: "config/project-scratch-def.json",
    edit: swap("enableTranslationWorkbench", "enableTranslations"),
    expects: /LanguageSettings has no enableTranslations/,
  },
  { name: "a file of nothing", file: `${MAIN}/externalClientApps/notes.txt`, edit: () => "x", expects: /part of no component/ },
];
