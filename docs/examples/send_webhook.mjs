// Sends one registration to Eventship for Salesforce. Node 20 or later, nothing to install.
//
// EVENTSHIP_URL=https://salesforce.eventship.example WEBHOOK_SECRET=whsec_… node send_webhook.mjs
import { createHmac, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

const url = process.env.EVENTSHIP_URL + (process.env.EVENTSHIP_PATH ?? "/webhooks/eventship");
const key = Buffer.from(process.env.WEBHOOK_SECRET.replace(/^whsec_/, ""), "base64");

const payload = {
  type: "registration.confirmed",
  timestamp: "2026-11-10T14:03:00Z",
  data: {
    host: { id: "host_acme", name: "Acme Events" },
    event: { id: "evt_summit", title: "Autumn Summit", starts_at: "2026-11-24T08:00:00Z" },
    registration: {
      id: "reg_8842",
      status: "confirmed",
      attendee: { email: "zoe@example.com", first_name: "Zoë", last_name: "Ångström 李" },
    },
  },
};

async function send(payload) {
  // The id and the bytes stay the same in every attempt; timestamp and signature are made for each.
  const id = `msg_${randomUUID()}`;
  const body = Buffer.from(JSON.stringify(payload), "utf8");
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const timestamp = String(Math.floor(Date.now() / 1000));
    const signature = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64");
    let wait = 2 ** attempt;
    try {
      const answer = await fetch(url, {
        method: "POST",
        body,
        headers: {
          "content-type": "application/json",
          "webhook-id": id,
          "webhook-timestamp": timestamp,
          "webhook-signature": `v1,${signature}`,
        },
        signal: AbortSignal.timeout(15_000),
      });
      console.log(answer.status, await answer.text());
      if (answer.ok) return 0;
      if (![408, 429].includes(answer.status) && answer.status < 500) return 1;
      wait = Number(answer.headers.get("retry-after") ?? wait);
    } catch (error) {
      console.log(String(error));
    }
    await sleep(wait * 1000);
  }
  return 1;
}

process.exitCode = await send(payload);
