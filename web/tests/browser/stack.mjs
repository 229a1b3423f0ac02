// The whole service on this machine, started and stopped by its own command, and the doors that a story needs.
import { execFile, spawn } from "node:child_process";
import { createHmac, randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const ROOT = new URL("../../../", import.meta.url).pathname;
const COMMAND = join(ROOT, ".venv/bin/eventship-salesforce");
const READY_MS = 180_000;
export const PACKAGE_URL = "https://login.salesforce.com/packaging/installPackage.apexp?p0=04t5g000000AbCd";
const run = promisify(execFile);

export class Stack {
  static async start(settings = {}) {
    const stack = new Stack();
    stack.home = await mkdtemp(join(tmpdir(), "eventship-browser-"));
    [stack.port, stack.simulatorPort] = [await freePort(), await freePort()];
    stack.url = `http://127.0.0.1:${stack.port}`;
    stack.org = `http://127.0.0.1:${stack.simulatorPort}/_simulator`;
    const places = ["--home", stack.home, "--port", String(stack.port), "--simulator-port", String(stack.simulatorPort)];
    stack.process = spawn(COMMAND, ["up", ...places], { cwd: ROOT, env: { ...process.env, SALESFORCE_PACKAGE_URL: PACKAGE_URL, ...settings } });
    stack.said = "";
    for (const stream of [stack.process.stdout, stack.process.stderr]) stream.on("data", (text) => { stack.said += text; });
    await stack.waitUntilReady();
    stack.secret = JSON.parse(await readFile(join(stack.home, "secrets.json"), "utf8")).webhook_secret;
    return stack;
  }

  async waitUntilReady() {
    const deadline = Date.now() + READY_MS;
    while (!this.said.includes("Ctrl-C stops")) {
      if (this.process.exitCode !== null || Date.now() > deadline) throw new Error(`the service did not start:\n${this.said}`);
      await sleep(100);
    }
  }

  async stop() {
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    if (this.process.exitCode === null) {
      this.process.kill("SIGTERM");
      await ended;
    }
    await rm(this.home, { recursive: true, force: true });
  }

  /** An address of the console that lets its reader in with this role. */
  async address(hostId, role = "owner") {
    const given = ["--home", this.home, "--port", String(this.port), "--host", `${hostId}=${role}`];
    const { stdout } = await run(COMMAND, ["console", ...given], { cwd: ROOT });
    return stdout.trim();
  }

  async token(hostId, role = "owner") {
    return decodeURIComponent((await this.address(hostId, role)).split("#token=")[1]);
  }

  /** The token of another person than the console's. */
  async tokenOf(user, hostId, role = "owner") {
    const given = ["--home", this.home, "--user", user, "--host", `${hostId}=${role}`];
    const { stdout } = await run(COMMAND, ["token", ...given], { cwd: ROOT });
    return stdout.trim();
  }

  /** Begins an attempt to connect, as the bearer of the token; the answer is where the sign-in starts. */
  async begin(token, hostId, wish) {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const answer = await fetch(`${this.url}/v1/hosts/${hostId}/salesforce/connect`, { method: "POST", headers, body: JSON.stringify(wish) });
    if (!answer.ok) throw new Error(`connect: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  /** What the API says of an event now. */
  async stats(hostId, eventId) {
    this.owner ??= await this.token(hostId);
    const answer = await fetch(`${this.url}/v1/hosts/${hostId}/events/${eventId}/salesforce/stats`, { headers: { authorization: `Bearer ${this.owner}` } });
    if (!answer.ok) throw new Error(`stats: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  /** The simulator's own door. */
  async door(method, path, body) {
    const answer = await fetch(`${this.org}/${path}`, { method, body: body === undefined ? undefined : JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  /** Deletes a record, as a Salesforce user does. */
  async deleteRecord(object, id) {
    const session = await this.door("GET", "session");
    const address = `${session.instance_url}/services/data/v62.0/sobjects/${object}/${id}`;
    const answer = await fetch(address, { method: "DELETE", headers: { authorization: `Bearer ${session.access_token}` } });
    if (!answer.ok) throw new Error(`DELETE ${object}: ${answer.status} ${await answer.text()}`);
  }

  async campaign(name) {
    const { ids: [id] } = await this.door("POST", "records/Campaign", [{ Name: name, Type: "Conference", IsActive: true }]);
    const statuses = [["Registered", 3, false], ["Attended", 4, true], ["No Show", 5, false]];
    await this.door("POST", "records/CampaignMemberStatus", statuses.map(([Label, SortOrder, HasResponded]) => (
      { CampaignId: id, Label, SortOrder, HasResponded, IsDefault: false })));
    return id;
  }

  async publish(hostId, eventId, title, more = {}) {
    await this.webhook("event.published", hostId, { id: eventId, title, ...more });
  }

  async register(hostId, eventId, title, attendee, number) {
    const registration = { id: `reg_${number}`, status: "confirmed", registered_at: "2026-11-20T09:00:00Z", attendee };
    await this.webhook("registration.confirmed", hostId, { id: eventId, title }, registration);
  }

  /** One genuine delivery, signed as https://github.com/standard-webhooks/standard-webhooks says. */
  async webhook(type, hostId, event, registration, more = {}) {
    const whole = { kind: "in_person", starts_at: "2026-12-01T08:00:00Z", timezone: "Europe/Berlin", version: 1, ...event };
    const data = { host: { id: hostId, name: "Otter Events" }, event: whole, ...(registration ? { registration } : {}), ...more };
    const body = JSON.stringify({ type, timestamp: new Date().toISOString(), data });
    const [id, at] = [`msg_${randomUUID()}`, String(Math.floor(Date.now() / 1000))];
    const key = Buffer.from(this.secret.replace("whsec_", ""), "base64");
    const signature = createHmac("sha256", key).update(`${id}.${at}.${body}`).digest("base64");
    const headers = { "content-type": "application/json", "webhook-id": id, "webhook-timestamp": at, "webhook-signature": `v1,${signature}` };
    const answer = await fetch(`${this.url}/webhooks/eventship`, { method: "POST", headers, body });
    if (answer.status !== 202) throw new Error(`the webhook was refused: ${answer.status} ${await answer.text()}`);
  }
}

export function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
