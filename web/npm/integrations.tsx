import "@eventship/salesforce-elements";
import type {} from "@eventship/salesforce-elements/react";

const getToken = async () => (await fetch("/my/own/token")).text();

export function Integrations({ hostId, eventId }: { hostId: string; eventId: string }) {
  return (
    <>
      <salesforce-card host-id={hostId} getToken={getToken} onsalesforce-connected={(event) => console.log(event.detail.hostId)} />
      <salesforce-event-sync host-id={hostId} event-id={eventId} getToken={getToken}
        onsalesforce-rows-changed={(event) => console.log(event.detail.counts["failed"])} />
    </>
  );
}
