/** Where the reader is: an address of the console, and back. */

/** `#/hosts/{host}`, `/{page}`, `/events/{event}`, `/events/{event}/{page}`, `/events/{event}/{page}/{item}`; `#/operations`, `/{page}`, `/{page}/{item}`. */
export interface Place {
  readonly hostId: string | null;
  readonly eventId: string | null;
  /** A page beside the first one of the operations, the host or the event. */
  readonly page: string | null;
  /** What the page is about, for example a registration. */
  readonly itemId: string | null;
  readonly isOperations: boolean;
}

export function placeOf(hash: string, search: string): Place {
  const [, kind, ...rest] = hash.slice(1).split("/").map(decoded);
  if (kind === "operations") return { hostId: null, eventId: null, page: rest[0] ?? null, itemId: rest[1] ?? null, isOperations: true };
  const [hostId, part, ...more] = kind === "hosts" ? rest : [kind === undefined ? new URLSearchParams(search).get("host") : null];
  const isEvent = part === "events" && more[0] !== undefined;
  const [eventId, page, itemId] = isEvent ? more : [null, part, more[0]];
  return { hostId: hostId ?? null, eventId: eventId ?? null, page: page ?? null, itemId: itemId ?? null, isOperations: false };
}

/** A part of an address; one that nobody can have made is taken as it is. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function hostAddress(hostId: string, page = ""): string {
  return `#/hosts/${encodeURIComponent(hostId)}${page && `/${page}`}`;
}

export function eventAddress(hostId: string, eventId: string, page = "", itemId = ""): string {
  return `${hostAddress(hostId)}/events/${encodeURIComponent(eventId)}${page && `/${page}`}${itemId && `/${encodeURIComponent(itemId)}`}`;
}
