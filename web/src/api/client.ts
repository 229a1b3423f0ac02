/** The API as the elements call it: one bearer token per request, asked of the page and never kept. */

import type {
  Attempt, BackfillShown, CampaignPage, CampaignProposal, CampaignToCreate, CampaignValidated, Card, CheckIns, ConnectedUsers, Diagnosis, DryRun, EventRows, EventsChanged, EventSettingsShown, EventSettingsToSet, EventsFilter, EventsToSet, History, HostBackfill, LinkShown, ObjectFields, OwnCredentials, OwnUserView, PersonalLink, PreflightShown, Preview, ProblemBody,
  RetryFilter, RetryOutcome, Row, Rows, SettingsShown, SettingsWanted, StartAttempt, StartConnect, StartSignIn, Stats, StatusesChosen, Unlinked, WhoIsMissing, VerificationShown,
} from "./schema";
import type {
  EventMappingToCopy, MappingExample, MappingGiven, MappingShown, MappingToCopy, MappingToPreview, MappingToSave, OwnersFound, Registrants, Sources,
} from "./schema";

export type GetToken = () => string | Promise<string>;

export interface RowsQuery {
  readonly states: readonly string[];
  readonly groupId: string | null;
  readonly q: string;
}

export type RowSort = "failed" | "-updated_at" | "-registered_at" | "name";

export const ROWS_A_PAGE = 50;
/** A search of fewer letters is none. */
export const FEWEST_LETTERS = 2;

export interface EventsQuery extends EventsFilter {
  readonly limit: number;
  readonly cursor: string | null;
}

/** What the API refused (RFC 9457), or, with status 0, that it could not be reached. */
export class ApiProblem extends Error {
  constructor(readonly body: ProblemBody) {
    super(body.title);
  }

  get isUnreachable(): boolean {
    return this.body.status === 0;
  }
}

const UNREACHABLE: ProblemBody = {
  type: "about:blank", title: "", status: 0, detail: null, code: "Unreachable", reason: null, advice: null,
  salesforce: null, request_id: "", errors: null,
};

/** Too many requests at once end within seconds: the page waits that long and asks again; a longer wait is told. */
const TOO_MANY = 429;
const LONGEST_WAIT_S = 5;
const TRIES = 4;

/** The language of what the service says; it may speak fewer than a page. Empty where it does not tell. */
export let serviceLanguage = "";

const hinted = new Set<string>();

export class Api {
  /** `reached` is called with every answer, whatever it says: the service is there. */
  constructor(
    private readonly base: string, private readonly getToken: GetToken, private readonly language = "en", private readonly reached: () => void = () => undefined,
  ) {}

  host(hostId: string): HostApi {
    return new HostApi(this, `/v1/hosts/${encodeURIComponent(hostId)}`);
  }

  event(hostId: string, eventId: string): EventApi {
    return new EventApi(this, `/v1/hosts/${encodeURIComponent(hostId)}/events/${encodeURIComponent(eventId)}/salesforce`);
  }

  mapping(hostId: string, eventId = ""): MappingApi {
    return new MappingApi(this, `/v1/hosts/${encodeURIComponent(hostId)}${eventId && `/events/${encodeURIComponent(eventId)}`}/salesforce/mapping`);
  }

  /** The answer's JSON. Raises ApiProblem. */
  async call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
    const answer = await this.send(method, path, { body, ...(signal ? { signal } : {}) });
    if (!answer.ok) throw new ApiProblem(await problemOf(answer));
    return (await answer.json()) as T;
  }

  /** A file. Raises ApiProblem. */
  async file(path: string): Promise<Blob> {
    const answer = await this.send("GET", path, {});
    if (!answer.ok) throw new ApiProblem(await problemOf(answer));
    return answer.blob();
  }

  /** The live stream of a host or an event; whoever opens it looks at the status. */
  stream(path: string, lastEventId: string | null, signal: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = { Accept: "text/event-stream" };
    if (lastEventId !== null) headers["Last-Event-ID"] = lastEventId;
    return this.send("GET", `${path}?${new URLSearchParams({ lang: this.language })}`, { headers, signal });
  }

  private async send(
    method: string, path: string, more: { body?: unknown; headers?: Record<string, string>; signal?: AbortSignal },
  ): Promise<Response> {
    const headers: Record<string, string> = { ...more.headers, "Accept-Language": this.language, Authorization: `Bearer ${await this.getToken()}` };
    const init: RequestInit = { method, headers, credentials: "omit", cache: "no-store" };
    if (more.signal) init.signal = more.signal;
    if (method !== "GET") headers["Idempotency-Key"] = crypto.randomUUID();
    if (more.body !== undefined) {
      headers["Content-Type"] = "application/json";
      init.body = JSON.stringify(more.body);
    }
    try {
      for (let tries = 1; ; tries += 1) {
        const answer = await fetch(this.base + path, init);
        serviceLanguage = answer.headers.get("Content-Language") ?? serviceLanguage;
        this.reached();
        const wait = answer.status === TOO_MANY && tries < TRIES ? Number(answer.headers.get("Retry-After") ?? NaN) : NaN;
        if (!(wait <= LONGEST_WAIT_S)) return answer;
        await new Promise((resolve) => setTimeout(resolve, wait * 1000));
      }
    } catch (error) {
      if (more.signal?.aborted) throw error;
      this.hint();
      throw new ApiProblem(UNREACHABLE);
    }
  }

  /** To the page's developers, once: a browser does not tell a page why a request to elsewhere failed. */
  private hint(): void {
    if (this.base === "" || hinted.has(this.base) || new URL(this.base).origin === location.origin) return;
    hinted.add(this.base);
    console.warn(`${this.base} could not be reached from ${location.origin}. If it is up, its DASHBOARD_ORIGINS do not name this origin, or this page's Content-Security-Policy does not let it connect there.`);
  }
}

export class HostApi {
  constructor(private readonly api: Api, private readonly path: string) {}

  readonly card = (): Promise<Card> => this.api.call("GET", `${this.path}/salesforce`);
  readonly connect = (wish: StartConnect): Promise<StartAttempt> => this.api.call("POST", `${this.path}/salesforce/connect`, wish);
  readonly connectMe = (wish: StartSignIn): Promise<StartAttempt> => this.api.call("POST", `${this.path}/salesforce/me/connect`, wish);
  readonly me = (): Promise<OwnUserView> => this.api.call("GET", `${this.path}/salesforce/me`);
  readonly forgetMe = (): Promise<OwnUserView> => this.api.call("DELETE", `${this.path}/salesforce/me`);
  readonly users = (cursor: string | null): Promise<ConnectedUsers> =>
    this.api.call("GET", `${this.path}/salesforce/users?${new URLSearchParams(cursor === null ? {} : { cursor })}`);
  readonly attempt = (id: string): Promise<Attempt> => this.api.call("GET", `${this.path}/salesforce/connect/${encodeURIComponent(id)}`);
  readonly complete = (id: string, code: string, isConfirmed: boolean): Promise<Attempt> =>
    this.api.call("POST", `${this.path}/salesforce/connect/${encodeURIComponent(id)}/complete`, { code, confirm_approval: isConfirmed });
  readonly disconnect = (): Promise<Card> => this.api.call("POST", `${this.path}/salesforce/disconnect`, { confirm: true });
  readonly setPause = (isPaused: boolean): Promise<Card> => this.api.call("POST", `${this.path}/salesforce/${isPaused ? "pause" : "resume"}`);
  readonly writeBefore = (): Promise<HostBackfill> => this.api.call("POST", `${this.path}/salesforce/backfill`, { dry_run: false });
  readonly settings = (): Promise<SettingsShown> => this.api.call("GET", `${this.path}/salesforce/settings`);
  readonly setSettings = (wish: SettingsWanted): Promise<SettingsShown> => this.api.call("PUT", `${this.path}/salesforce/settings`, wish);
  readonly events = ({ limit, cursor, ...filter }: EventsQuery): Promise<EventRows> => {
    const search = new URLSearchParams({ ...filter, limit: String(limit), ...(cursor === null ? {} : { cursor }) } as Record<string, string>);
    return this.api.call("GET", `${this.path}/salesforce/events?${search}`);
  };
  readonly changeEvents = (wish: EventsToSet): Promise<EventsChanged> => this.api.call("PUT", `${this.path}/salesforce/events`, wish);
  readonly setApp = (wish: OwnCredentials): Promise<Card> => this.api.call("PUT", `${this.path}/salesforce/app-credentials`, wish);
  readonly forgetApp = (): Promise<Card> => this.api.call("DELETE", `${this.path}/salesforce/app-credentials?confirm=true`);
  readonly diagnose = (who: WhoIsMissing): Promise<Diagnosis> => this.api.call("POST", `${this.path}/salesforce/diagnosis`, who);
  readonly preflight = (): Promise<PreflightShown> => this.api.call("GET", `${this.path}/salesforce/preflight`);
  readonly runPreflight = (): Promise<PreflightShown> => this.api.call("POST", `${this.path}/salesforce/preflight`);
  /** Users and queues whose name has this, or of this id. */
  readonly owners = (q: string): Promise<OwnersFound> => this.api.call("GET", `${this.path}/salesforce/mapping/owners?${new URLSearchParams({ q })}`);
  readonly objectFields = (object: string): Promise<ObjectFields> => this.api.call("GET", `${this.path}/salesforce/mapping/objects/${encodeURIComponent(object)}/fields`);
  readonly stream = (last: string | null, signal: AbortSignal): Promise<Response> => this.api.stream(`${this.path}/salesforce/stream`, last, signal);
}

/** The mapping of a host, or what an event has of its own. */
export class MappingApi {
  constructor(private readonly api: Api, private readonly path: string) {}

  readonly read = (): Promise<MappingShown> => this.api.call("GET", this.path);
  readonly validate = (given: MappingGiven): Promise<MappingShown> => this.api.call("POST", `${this.path}/validate`, given);
  readonly save = (given: MappingToSave): Promise<MappingShown> => this.api.call("PUT", this.path, given);
  /** Of an event: as its host has it. */
  readonly reset = (): Promise<MappingShown> => this.api.call("DELETE", this.path);
  readonly copy = (from: MappingToCopy | EventMappingToCopy): Promise<MappingShown> => this.api.call("POST", `${this.path}/copy`, from);
  readonly sources = (): Promise<Sources> => this.api.call("GET", `${this.path}/sources`);
  readonly preview = (wish: MappingToPreview): Promise<MappingExample> => this.api.call("POST", `${this.path}/preview`, wish);
  readonly registrants = (q: string): Promise<Registrants> => this.api.call("GET", `${this.path}/registrants${q.trim().length > 1 ? `?${new URLSearchParams({ q: q.trim() })}` : ""}`);
}

export class EventApi {
  constructor(private readonly api: Api, private readonly path: string) {}

  readonly stats = (): Promise<Stats> => this.api.call("GET", `${this.path}/stats`);
  readonly setPause = (isPaused: boolean): Promise<Stats> => this.api.call("POST", `${this.path}/${isPaused ? "pause" : "resume"}`);
  readonly validate = (pasted: string, signal?: AbortSignal): Promise<CampaignValidated> =>
    this.api.call("POST", `${this.path}/campaign/validate`, { campaign_id: pasted }, signal);
  readonly save = (campaignId: string, statuses: StatusesChosen, reapply: boolean): Promise<LinkShown> =>
    this.api.call("PUT", `${this.path}/campaign`, { campaign_id: campaignId, statuses, reapply });
  readonly search = (q: string, sort: "newest" | "name", cursor: string | null): Promise<CampaignPage> =>
    this.api.call("GET", `${this.path}/campaigns?${new URLSearchParams({ q, sort, limit: "10", ...(cursor === null ? {} : { cursor }) })}`);
  readonly proposal = (): Promise<CampaignProposal> => this.api.call("GET", `${this.path}/campaign/proposal`);
  readonly create = (wish: CampaignToCreate): Promise<LinkShown> => this.api.call("POST", `${this.path}/campaign/create`, wish);
  readonly unlink = (): Promise<Unlinked> => this.api.call("DELETE", `${this.path}/campaign`);
  readonly startBackfill = (why: "request" | "before_connection"): Promise<BackfillShown> => this.api.call("POST", `${this.path}/backfill`, { why });
  readonly settings = (): Promise<EventSettingsShown> => this.api.call("GET", `${this.path}/settings`);
  readonly setSettings = (wanted: EventSettingsToSet): Promise<EventSettingsShown> => this.api.call("PUT", `${this.path}/settings`, wanted);
  readonly personalLink = (salesforceId: string): Promise<PersonalLink> => this.api.call("GET", `${this.path}/links?${new URLSearchParams({ salesforce_id: salesforceId })}`);
  readonly linksFile = (campaignId: string): Promise<Blob> => this.api.file(`${this.path}/links.csv?${new URLSearchParams({ campaign_id: campaignId })}`);
  readonly retry = (filter: RetryFilter): Promise<RetryOutcome> => this.api.call("POST", `${this.path}/retry`, { filter, dry_run: false });
  readonly cancelBackfill = (): Promise<BackfillShown | null> => this.api.call("DELETE", `${this.path}/backfill`);
  readonly checkIns = (): Promise<CheckIns> => this.api.call("GET", `${this.path}/check-ins`);
  readonly verify = (): Promise<VerificationShown> => this.api.call("POST", `${this.path}/verify`);
  /** Of everything that differs; a dry run counts it. */
  readonly repair = (isDryRun: boolean): Promise<RetryOutcome> => this.api.call("POST", `${this.path}/repair`, { all: true, dry_run: isDryRun });
  readonly stream = (last: string | null, signal: AbortSignal): Promise<Response> => this.api.stream(`${this.path}/stream`, last, signal);

  /** The latest verification, from a page of its differences on; null where there was none. */
  async verification(cursor: string | null = null): Promise<VerificationShown | null> {
    const search = new URLSearchParams({ limit: "50", ...(cursor === null ? {} : { cursor }) });
    try {
      return await this.api.call("GET", `${this.path}/verify?${search}`);
    } catch (error) {
      if (error instanceof ApiProblem && error.body.code === "NeverVerified") return null;
      throw error;
    }
  }

  /** The link, or null where no campaign is linked. */
  async link(): Promise<LinkShown | null> {
    try {
      return await this.api.call("GET", `${this.path}/campaign`);
    } catch (error) {
      if (error instanceof ApiProblem && error.body.code === "CampaignNotLinked") return null;
      throw error;
    }
  }

  rows(query: RowsQuery, sort: RowSort, cursor: string | null): Promise<Rows> {
    const search = searchOf(query);
    search.set("limit", String(ROWS_A_PAGE));
    search.set("sort", sort);
    if (cursor !== null) search.set("cursor", cursor);
    return this.api.call("GET", `${this.path}/registrations?${search}`);
  }

  readonly rowsFile = (query: RowsQuery): Promise<Blob> => this.api.file(`${this.path}/registrations.csv?${searchOf(query)}`);

  registration(id: string): RegistrationApi {
    return new RegistrationApi(this.api, `${this.path}/registrations/${encodeURIComponent(id)}`);
  }
}

export class RegistrationApi {
  constructor(private readonly api: Api, private readonly path: string) {}

  readonly row = (): Promise<Row> => this.api.call("GET", this.path);
  readonly history = (cursor: string | null): Promise<History> => {
    const search = new URLSearchParams({ limit: "20", ...(cursor === null ? {} : { cursor }) });
    return this.api.call("GET", `${this.path}/history?${search}`);
  };
  readonly preview = (): Promise<Preview> => this.api.call("GET", `${this.path}/preview`);
  readonly rehearse = (): Promise<DryRun> => this.api.call("GET", `${this.path}/dry-run`);
  readonly retry = (): Promise<RetryOutcome> => this.api.call("POST", `${this.path}/retry`);
  readonly setExcluded = (isExcluded: boolean): Promise<Row> => this.api.call("POST", `${this.path}/${isExcluded ? "exclude" : "include"}`);
}

function searchOf({ states, groupId, q }: RowsQuery): URLSearchParams {
  const search = new URLSearchParams();
  for (const state of states) search.append("state", state);
  if (groupId !== null) search.set("group_id", groupId);
  if (q.trim().length >= FEWEST_LETTERS) search.set("q", q.trim());
  return search;
}

async function problemOf(answer: Response): Promise<ProblemBody> {
  const plain = { ...UNREACHABLE, title: `${answer.status} ${answer.statusText}`, status: answer.status, code: "Unexpected" };
  if (!answer.headers.get("content-type")?.includes("json")) return plain;
  const body: unknown = await answer.json().catch(() => null);
  return isProblem(body) ? body : plain;
}

function isProblem(body: unknown): body is ProblemBody {
  return typeof body === "object" && body !== null && "code" in body && "title" in body;
}
