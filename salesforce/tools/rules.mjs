// What Salesforce asks of the package beyond the types of its metadata, as far as that shows without an org.

const NOT_PACKAGED = new Set([
  "ExtlClntAppConfigurablePolicies",
  "ExtlClntAppGlobalOauthSettings",
  "ExtlClntAppOauthConfigurablePolicies",
]);
const OF_UNIQUE_FIELDS = ["caseSensitive", "externalId", "unique"];
const OF_NUMBERS = ["precision", "scale"];
const FIELD_TYPES = {
  DateTime: { needs: [], refuses: ["length", "valueSet", ...OF_UNIQUE_FIELDS, ...OF_NUMBERS] },
  Picklist: { needs: ["valueSet"], refuses: ["length", ...OF_UNIQUE_FIELDS, ...OF_NUMBERS] },
  Text: { needs: ["length"], refuses: ["valueSet", ...OF_NUMBERS] },
  TextArea: { needs: [], refuses: ["length", "valueSet", ...OF_UNIQUE_FIELDS, ...OF_NUMBERS] },
};
const LONGEST = {
  CustomField: { description: 1000, inlineHelpText: 255, label: 40 },
  CustomFieldTranslation: { help: 255, label: 40 },
  PermissionSet: { description: 255, label: 80 },
};
const SCOPES = new Set(["Basic", "Api", "RefreshToken"]);
const ACTIVITIES = new Set(["Task", "Event"]);
const MEMBERS = "Campaign.CampaignMembers";
const SETTING = /\{!\$Setup\.(\w+)\.(\w+)\}/g;

const list = (value) => (value === undefined ? [] : [value].flat());

/** What is wrong, a line each. `types` names each field's type: the table that the source is made from. */
export function* brokenRules(documents, types) {
  const names = (kind) => new Set(documents.filter((each) => each.kind === kind).map((each) => each.name));
  const known = { fields: names("CustomField"), buttons: names("WebLink"), apps: names("ExternalClientApplication") };
  known.reportTypes = new Map(documents.filter((each) => each.kind === "ReportType").map((each) => [each.name, each]));
  for (const document of documents) {
    if (NOT_PACKAGED.has(document.kind)) yield `${document.path}: ${document.kind} holds keys or policies of an org`;
    yield* lengths(document);
    for (const fault of RULES[document.kind]?.(document, known, types) ?? []) yield `${document.path}: ${fault}`;
  }
  for (const name of Object.keys(types)) if (!known.fields.has(name)) yield `the field ${name} is missing`;
}

function* lengths({ kind, path, body }) {
  for (const [member, most] of Object.entries(LONGEST[kind] ?? {})) {
    if ((body[member] ?? "").length > most) yield `${path}: ${member} has more than ${most} characters`;
  }
}

const RULES = {
  *CustomField({ name, body, path }, known, types) {
    const rule = FIELD_TYPES[body.type];
    if (!path.endsWith(`/${body.fullName}.field-meta.xml`)) yield `the file is not named after ${body.fullName}`;
    if (name in types && types[name] !== body.type) yield `${name} is ${body.type}, not ${types[name]}`;
    if (!rule) yield `no rule says what ${body.type} needs`;
    for (const member of rule?.needs ?? []) if (!(member in body)) yield `${body.type} needs ${member}`;
    for (const member of rule?.refuses ?? []) if (member in body) yield `${body.type} takes no ${member}`;
    if (body.type === "Text" && Number(body.length) > 255) yield "Text has at most 255 characters";
    if (/^(Task|Event)\./.test(name)) yield "a field of Task or Event is one of Activity";
  },
  *CustomFieldTranslation({ owner, body, path }, known) {
    const sobject = owner.replace(/-\w+$/, "");
    if (!known.fields.has(`${sobject}.${body.name}`)) yield `${sobject} has no ${body.name}`;
    if (!path.endsWith(`/${body.name}.fieldTranslation-meta.xml`)) yield `the file is not named after ${body.name}`;
  },
  *CustomObjectTranslation({ owner, body }, known) {
    const sobject = owner.replace(/-\w+$/, "");
    for (const { name } of list(body.webLinks)) {
      if (!known.buttons.has(`${sobject}.${name}`)) yield `${sobject} has no button ${name}`;
    }
  },
  *ExtlClntAppOauthSettings({ body }, known) {
    if (!known.apps.has(body.externalClientApplication)) yield `there is no app ${body.externalClientApplication}`;
    const scopes = body.commaSeparatedOauthScopes?.split(/,\s*/) ?? [];
    const areThese = scopes.length === SCOPES.size && scopes.every((each) => SCOPES.has(each));
    if (!areThese) yield `scopes are not ${[...SCOPES]}`;
  },
  *PermissionSet({ body }, known) {
    for (const { field } of list(body.fieldPermissions)) {
      const [sobject, name] = field.split(".");
      const home = ACTIVITIES.has(sobject) ? "Activity" : sobject;
      if (name.endsWith("__c") && !known.fields.has(`${home}.${name}`)) yield `there is no field ${field}`;
    }
  },
  *Report({ body }, known) {
    const type = known.reportTypes.get(body.reportType.replace(/__c$/, ""));
    if (!type) yield `there is no report type ${body.reportType}`;
    const there = new Set(columnsOf(type).map(({ table, field }) => `${table}$${field}`));
    for (const { field } of [...list(body.columns), ...list(body.groupingsDown)]) {
      if (!there.has(field)) yield `the report type has no ${field}`;
    }
  },
  *ReportType(document, known) {
    for (const { table, field } of columnsOf(document)) {
      const sobject = table === MEMBERS ? "CampaignMember" : table;
      const path = `${sobject}.${field}`;
      if (field.endsWith("__c") && !known.fields.has(path)) yield `there is no field ${path}`;
    }
  },
  *Translations({ body }, known) {
    for (const { name } of list(body.reportTypes)) {
      if (!known.reportTypes.has(name)) yield `there is no report type ${name}`;
    }
  },
  *WebLink({ name, body }, known) {
    const needed = body.openType === "newWindow" ? ["height", "position"] : [];
    for (const member of needed) if (!(member in body)) yield `a new window needs ${member}`;
    if (!body.url?.endsWith(`{!${name.split(".")[0]}.Id}`)) yield "the link does not end in the record's id";
    for (const [, setting, field] of body.url?.matchAll(SETTING) ?? []) {
      if (!known.fields.has(`${setting}.${field}`)) yield `there is no setting ${setting}.${field}`;
    }
  },
};

function columnsOf(reportType) {
  return list(reportType?.body.sections).flatMap((section) => list(section.columns));
}
