// jsforce, as released, through one session with the simulator. Reads {baseUrl, clientId, clientSecret, callback,
// username} on stdin and prints what it saw, step by step, as one JSON object.
'use strict';

const http = require('http');
const jsforce = require('jsforce');

const TRICKY = ["O'Brien", 'back\\slash', "both \\' at once \\\\", 'Ünïcödé 東京 🎟', '" % _ + & # ?'];

function post(baseUrl, path, body) {
  const isForm = body instanceof URLSearchParams;
  const text = isForm ? body.toString() : JSON.stringify(body);
  const type = isForm ? 'application/x-www-form-urlencoded' : 'application/json';
  const options = { method: 'POST', headers: { 'content-type': type, 'content-length': Buffer.byteLength(text) } };
  return new Promise((resolve, reject) => {
    const request = http.request(new URL(path, baseUrl), options, (answer) => {
      let seen = '';
      answer.on('data', (chunk) => { seen += chunk; });
      answer.on('end', () => resolve({ location: answer.headers.location, text: seen }));
    });
    request.on('error', reject);
    request.end(text);
  });
}

async function refusal(action) {
  try {
    await action();
    return null;
  } catch (error) {
    return { name: error.errorCode || error.name, message: error.message, data: error.data || null };
  }
}

// What a person does in the browser: one POST logs in and allows.
async function approved(oauth2, given) {
  const url = new URL(oauth2.getAuthorizationUrl({ scope: 'api id refresh_token', state: 'x y' }));
  const form = new URLSearchParams(url.search);
  form.set('username', given.username);
  form.set('decision', 'allow');
  const answer = await post(given.baseUrl, url.pathname, form);
  return new URL(answer.location).searchParams;
}

const STEPS = {
  async login(given, seen) {
    const oauth2 = new jsforce.OAuth2({
      loginUrl: given.baseUrl,
      clientId: given.clientId,
      clientSecret: given.clientSecret,
      redirectUri: given.callback,
      useVerifier: true,
    });
    const back = await approved(oauth2, given);
    const conn = new jsforce.Connection({ oauth2, version: '62.0' });
    seen.conn = conn;
    const user = await conn.authorize(back.get('code'));
    const identity = await conn.identity();
    return { state: back.get('state'), user, username: identity.username, isRefreshable: Boolean(conn.refreshToken) };
  },

  async describe(given, { conn }) {
    const everything = await conn.describeGlobal();
    const lead = await conn.sobject('Lead').describe();
    const email = lead.fields.find((field) => field.name === 'Email');
    return { names: everything.sobjects.map((one) => one.name), email: email.type, prefix: lead.keyPrefix };
  },

  async rows(given, { conn }) {
    const lead = conn.sobject('Lead');
    const created = await lead.create({ LastName: 'Doe', Company: 'Acme' });
    const updated = await lead.update({ Id: created.id, Title: 'CTO' });
    const read = await lead.retrieve(created.id);
    const destroyed = await lead.destroy(created.id);
    const gone = await refusal(() => lead.retrieve(created.id));
    return { created: created.success, updated: updated.success, title: read.Title, destroyed: destroyed.success, gone };
  },

  async upsert(given, { conn }) {
    const row = { External_Id__c: 'A 1', LastName: 'Doe', Company: 'Acme' };
    const first = await conn.sobject('Lead').upsert(row, 'External_Id__c');
    const second = await conn.sobject('Lead').upsert({ ...row, Title: 'CTO' }, 'External_Id__c');
    return { first, second };
  },

  // jsforce's own find() escapes quotes but no backslashes, so those go through query().
  async texts(given, { conn }) {
    const contact = conn.sobject('Contact');
    const found = [];
    for (const text of TRICKY) {
      await contact.create({ LastName: text });
      const quoted = text.replace(/\\/g, '\\\\').replace(/'/g, "\\'");
      const answer = await conn.query(`SELECT LastName FROM Contact WHERE LastName = '${quoted}'`);
      found.push({ text, rows: answer.records.map((row) => row.LastName) });
    }
    const byFind = await contact.find({ LastName: TRICKY[0] }, 'LastName');
    const backslash = await refusal(() => contact.find({ LastName: TRICKY[1] }, 'LastName'));
    return { found, byFind: byFind.map((row) => row.LastName), backslash };
  },

  async paging(given, { conn }) {
    const rows = Array.from({ length: 2100 }, (_, n) => ({ Name: `A${String(n).padStart(4, '0')}` }));
    await post(given.baseUrl, '/_simulator/records/Account', rows);
    const soql = "SELECT Name FROM Account WHERE Name LIKE 'A%' ORDER BY Name";
    const page = await conn.query(soql);
    const rest = await conn.queryMore(page.nextRecordsUrl);
    const all = await conn.query(soql, { autoFetch: true, maxFetch: 5000 });
    return { sizes: [page.records.length, rest.records.length, all.records.length], done: [page.done, rest.done] };
  },

  async collection(given, { conn }) {
    const rows = [{ LastName: 'A' }, { FirstName: 'B' }, { LastName: 'C' }];
    const loose = await conn.sobject('Contact').create(rows, { allOrNone: false });
    const strict = await conn.sobject('Contact').create(rows, { allOrNone: true });
    return { loose, strict };
  },

  async composite(given, { conn }) {
    const root = `/services/data/v${conn.version}`;
    const compositeRequest = [
      { method: 'POST', url: `${root}/sobjects/Account`, referenceId: 'acme', body: { Name: 'Acme' } },
      { method: 'POST', url: `${root}/sobjects/Contact`, referenceId: 'jane',
        body: { LastName: 'Doe', AccountId: '@{acme.id}' } },
      { method: 'GET', url: `${root}/query?q=SELECT+Account.Name+FROM+Contact+WHERE+Id='@{jane.id}'`, referenceId: 'q' },
    ];
    const answer = await conn.requestPost(`${root}/composite`, { compositeRequest });
    const replies = answer.compositeResponse;
    return { statuses: replies.map((one) => one.httpStatusCode), account: replies[2].body.records[0].Account.Name };
  },

  async members(given, { conn }) {
    const campaign = await conn.sobject('Campaign').create({ Name: 'Fair' });
    const lead = await conn.sobject('Lead').create({ LastName: 'Doe', Company: 'Acme' });
    const member = { CampaignId: campaign.id, LeadId: lead.id };
    const first = await conn.sobject('CampaignMember').create(member);
    const again = await refusal(() => conn.sobject('CampaignMember').create(member));
    return { first: first.success, again };
  },

  async identity(given, { conn }) {
    const who = await conn.identity();
    return { username: who.username, org: who.organization_id.slice(0, 3) };
  },

  async renewal(given, { conn }) {
    const before = conn.accessToken;
    const events = [];
    conn.on('refresh', (token) => events.push(token));
    await post(given.baseUrl, '/_simulator/expire-tokens', {});
    const answer = await conn.query('SELECT COUNT() FROM Lead');
    return { size: answer.totalSize, refreshes: events.length, isNew: conn.accessToken !== before };
  },

  async errors(given, { conn }) {
    return {
      column: await refusal(() => conn.query('SELECT Nothing FROM Lead')),
      token: await refusal(() => conn.query('SELECT Id FROM Lead WHERE')),
      required: await refusal(() => conn.sobject('Lead').create({ LastName: 'Doe' })),
      several: await refusal(() => conn.sobject('Lead').create({ LastName: 'Doe', Company: 'A', Email: 'x', Phone: '1'.repeat(41) })),
    };
  },
};

async function main() {
  const given = JSON.parse(require('fs').readFileSync(0, 'utf8'));
  const seen = {};
  const results = {};
  for (const [name, step] of Object.entries(STEPS)) {
    try {
      results[name] = await step(given, seen);
    } catch (error) {
      results[name] = { failed: `${error.name}: ${error.message}` };
    }
  }
  process.stdout.write(JSON.stringify(results));
}

main();
