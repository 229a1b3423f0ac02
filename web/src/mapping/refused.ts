/** What the service did not take of a mapping: at which rule, or at which other part. */

import type { ApiProblem } from "../api/client";
import { t } from "../texts";
import type { Draft } from "./draft";

/** The place of a rule in what the service did not take. */
const RULE_PATH = /^body(?:\.mapping)?\.fields\.(\d+)/;

export function refusedRules(refusal: ApiProblem | null): ReadonlyMap<number, string> {
  return new Map((refusal?.body.errors ?? []).flatMap(({ path, message }) => {
    const place = RULE_PATH.exec(path)?.[1];
    return place === undefined ? [] : [[Number(place), message] as const];
  }));
}

/** The words about this part, such as `owner`; empty where nothing of it was refused. */
export function refusedAt(refusal: ApiProblem | null, part: string): string {
  return refusal?.body.errors?.find(({ path }) => path.startsWith(`body.${part}`))?.message ?? "";
}

export function refusedOwner(refusal: ApiProblem | null, { owner }: Draft): string {
  const said = refusedAt(refusal, "owner");
  return said !== "" && owner.how === "fixed" && !owner.id ? t.trial.ownerMissing : said;
}
