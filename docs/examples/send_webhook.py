"""Sends one registration to Eventship for Salesforce. Python 3.10 or later, nothing to install.

EVENTSHIP_URL=https://salesforce.eventship.example WEBHOOK_SECRET=whsec_… python send_webhook.py
"""

import base64
import hashlib
import hmac
import json
import os
import time
import urllib.error
import urllib.request
import uuid

URL = os.environ["EVENTSHIP_URL"] + os.environ.get("EVENTSHIP_PATH", "/webhooks/eventship")
KEY = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))

PAYLOAD = {
    "type": "registration.confirmed",
    "timestamp": "2026-11-10T14:03:00Z",
    "data": {
        "host": {"id": "host_acme", "name": "Acme Events"},
        "event": {"id": "evt_summit", "title": "Autumn Summit", "starts_at": "2026-11-24T08:00:00Z"},
        "registration": {
            "id": "reg_8842",
            "status": "confirmed",
            "attendee": {"email": "zoe@example.com", "first_name": "Zoë", "last_name": "Ångström 李"},
        },
    },
}


def send(payload: dict) -> int:
    # The id and the bytes stay the same in every attempt; timestamp and signature are made for each.
    webhook_id = f"msg_{uuid.uuid4().hex}"
    body = json.dumps(payload, ensure_ascii=False).encode()
    for attempt in range(5):
        timestamp = str(int(time.time()))
        signed = f"{webhook_id}.{timestamp}.".encode() + body
        signature = base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256)).decode()
        request = urllib.request.Request(
            URL,
            body,
            {
                "content-type": "application/json",
                "webhook-id": webhook_id,
                "webhook-timestamp": timestamp,
                "webhook-signature": f"v1,{signature}",
            },
        )
        wait = 2**attempt
        try:
            with urllib.request.urlopen(request, timeout=15) as answer:
                print(answer.status, answer.read().decode())
                return 0
        except urllib.error.HTTPError as error:
            print(error.code, error.read().decode())
            if error.code not in (408, 429) and error.code < 500:
                return 1
            wait = int(error.headers.get("Retry-After") or wait)
        except OSError as error:
            print(error)
        time.sleep(wait)
    return 1


raise SystemExit(send(PAYLOAD))
