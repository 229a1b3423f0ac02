/** Addresses of operations: a page, and what it is about; a filter is written as the query of its call. */

export type Filter = Readonly<Record<string, string>>;

export function opsAddress(page: string, about: string | Filter = ""): string {
  const item = typeof about === "string" ? about : queryOf(about);
  return `#/operations${page && `/${page}`}${item && `/${encodeURIComponent(item)}`}`;
}

/** The filter of an address; what is empty says nothing. */
export function filterOf(item: string | null): Filter {
  return Object.fromEntries([...new URLSearchParams(item ?? "")].filter(([, value]) => value !== ""));
}

export function queryOf(filter: Filter): string {
  return new URLSearchParams(Object.entries(filter).filter(([, value]) => value !== "")).toString();
}
