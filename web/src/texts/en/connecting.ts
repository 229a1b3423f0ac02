/** The English words around connecting: an own Salesforce app, editions. */

export const ownApp = {
  summary: "Use your own Salesforce app",
  summaryOwn: (key: string) => `Your own Salesforce app, key ending in ${key}`,
  intro: "Create an External Client App in Salesforce, and paste its Consumer Key and Consumer Secret here. No package is needed then.",
  guide: "How to create it",
  steps: (scopes: string) => [
    "Setup → App Manager → New External Client App. Give it a name; Distribution State: Local.",
    "Under Settings switch OAuth on, and paste the callback URL from below, exactly as it is.",
    `Scopes: ${scopes}. Nothing more is needed.`,
    "Security: require PKCE, and require the secret for the Web Server Flow and for the Refresh Token Flow.",
    "Policies: Permitted Users is All users may self-authorize, or Admin approved users are pre-authorized with the connecting user's profile; IP Relaxation is Relax IP restrictions; Refresh Token Policy is valid until revoked.",
    "Settings → OAuth Settings → Consumer Key and Secret (in older orgs Manage Consumer Details) shows both, after a code that Salesforce sends by e-mail.",
  ],
  minutes: "Salesforce takes up to ten minutes until a new or changed app works.",
  onlyLightning: "Only New Lightning App is offered? Then your user may not create apps: ask a Salesforce administrator.",
  redirect: "Its callback URL must be:",
  copy: "Copy callback URL",
  copied: "Callback URL copied.",
  key: "Consumer Key",
  secret: "Consumer Secret",
  save: "Save credentials",
  saved: (key: string, secret: string, when: string) => `Saved ${when}: key ending in ${key}, secret ending in ${secret}.`,
  inUse: "The connection lives by them.",
  notInUse: "They are used from the next connection on.",
  rotate: "To rotate, paste the pair as it is now. A new Secret of the same Key is used at once. With another Key the connection lives by the old pair until you connect again.",
  fingerprint: "Fingerprint",
  savedNow: "Credentials saved. They are never shown again.",
  useShared: "Forget them, and use Eventship's app",
  forgetQuestion: "Forget Key and Secret?",
  forgetInUse: "The connection ends with them, and you must connect again through Eventship's app, which needs its package in your org. What waits is not lost; records in Salesforce stay.",
  forgetIdle: "They are deleted here. In Salesforce your app stays as it is.",
  forget: "Yes, forget them",
  sharedNow: "Eventship's own app is used.",
};

export const missing = {
  summary: "Someone is missing?",
  intro: "Connected, but somebody or everybody is not in Salesforce: we look why. Nothing is changed by looking.",
  label: "E-mail address or registration id; empty for everybody",
  look: "Find out why",
  looking: "Looking…",
  notLooked: "Not looked up.",
  found: (count: number) => (count === 1 ? "One answer" : `${count} answers`),
  lastNews: (when: string) => `The last news of a registration came ${when}.`,
  open: "Open",
  cures: {
    resume_host: "Resume syncing", resume_event: "Resume the event", switch_on: "Switch the event on", kinds_on: "Switch them on for this event",
    include: "Take it in again", write: "Write it now", retry: "Retry",
  },
  notDone: (name: string) => `Not done: ${name}.`,
  done: (name: string) => `Done: ${name}.`,
};

export const editions = {
  summary: "Does your Salesforce edition have the API?",
  where: "Your edition stands under Setup → Company Information → Organization Edition.",
  rows: [
    "Enterprise, Unlimited, Performance: yes.",
    "Developer Edition, free: yes, good for trying it out.",
    "Professional: only with Salesforce's paid API add-on. Ask your Salesforce account executive for it.",
    "Starter Suite, Pro Suite, Essentials, Group: no, at no price. An upgrade is needed.",
  ],
};
