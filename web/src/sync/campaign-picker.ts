/** Other ways to a campaign than pasting its Id: find one by name, or let us create one. */

import { css, html, nothing, type PropertyDeclarations } from "lit";
import type { ApiProblem, EventApi } from "../api/client";
import type { CampaignFound, CampaignProposal } from "../api/schema";
import { t } from "../texts";
import { define, EventshipElement } from "../ui/element";
import { problemView, type View } from "../ui/views";
import { controls, look } from "../ui/styles";
import { factsOf } from "./campaign-facts";

type Busy = "search" | "more" | "look" | "create";

export class CampaignPicker extends EventshipElement {
  static override styles = [look, controls, css`
    form .ask { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 0.5em; }
    .fields { display: grid; gap: 0.75em 1em; grid-template-columns: repeat(auto-fit, minmax(12em, 1fr)); margin-block: 0.5em; }
    ul:focus { outline: none; }
    li + li { border-block-start: 1px solid var(--line); }
    li { padding-block: 0.5em; }
  `];
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties,
    eventId: {}, q: { state: true }, sort: { state: true }, found: { state: true }, cursor: { state: true }, proposal: { state: true },
    problem: { state: true }, busy: { state: true },
  };

  declare eventId: string;
  private declare q: string;
  private declare sort: "newest" | "name";
  private declare found: readonly CampaignFound[] | null;
  private declare cursor: string | null;
  private declare proposal: CampaignProposal | null;
  private declare problem: ApiProblem | null;
  private declare busy: Busy | null;
  /** What the campaigns that are listed were searched by; more of them are, too, whatever was typed since. */
  private searched: readonly [string, "newest" | "name"] = ["", "newest"];

  constructor() {
    super();
    Object.assign(this, { eventId: "", q: "", sort: "newest", found: null, cursor: null, proposal: null, problem: null, busy: null });
  }

  private get event(): EventApi {
    return this.api.event(this.hostId, this.eventId);
  }

  protected override render() {
    return html`<div class="stack">
      <details><summary>${t.campaign.find}</summary><div class="stack">${this.searchView()}
        ${this.found ? this.foundView(this.found) : nothing}</div></details>
      <details @toggle=${this.opened}><summary>${t.campaign.create}</summary><div class="stack">
        ${this.proposal ? this.proposalView(this.proposal) : this.busy === "look" ? html`<p class="dim">${t.general.loading}</p>` : nothing}</div></details>
      ${this.problem ? problemView(this.problem, { docsBase: this.docsBase, isAction: true }) : nothing}
      <p class="sr" role="status">${this.announced}</p></div>`;
  }

  private searchView(): View {
    return html`<form @submit=${this.search}><label class="name" for="name">${t.campaign.findLabel}</label>
      <div class="ask"><input id="name" type="search" .value=${this.q} @input=${(event: Event) => { this.q = (event.target as HTMLInputElement).value; }}>
        <button class="quiet" ?disabled=${this.busy !== null}>${this.busy === "search" ? t.campaign.validating : t.campaign.search}</button></div>
      <div class="line small">${(["newest", "name"] as const).map((sort) => html`<label class="pick"><input type="radio" name="sort" .checked=${this.sort === sort}
        @change=${() => { this.sort = sort; }}>${t.campaign.sorts[sort]}</label>`)}</div></form>`;
  }

  private foundView(found: readonly CampaignFound[]): View {
    if (found.length === 0) return html`<p class="dim">${t.campaign.noneFound}</p>`;
    return html`<ul tabindex="-1" aria-label=${t.campaign.foundCount(found.length)}>${found.map((each) => html`<li class="line apart"><div><strong>${each.name}</strong><div class="small dim">${factsOf(each)}</div></div>
      <button class="quiet" @click=${() => this.tell("campaign-picked", each.id)}>${t.campaign.pick}<span class="sr"> ${each.name}</span></button></li>`)}</ul>
      ${this.cursor ? html`<p><button class="quiet" ?disabled=${this.busy !== null} @click=${this.more}>${this.busy === "more" ? t.campaign.validating : t.campaign.moreFound}</button></p>`
        : html`<p class="small dim">${t.campaign.allFound(found.length)}</p>`}`;
  }

  /** What will be made, to be looked at and changed before it stands in a real org. */
  private proposalView(proposal: CampaignProposal): View {
    if (!proposal.can_create) return html`<p class="dim">${t.campaign.isOver}</p>`;
    const field = (name: string, label: string, type: string, value: string | null, most = 80): View => html`<div><label class="name" for=${name}>${label}</label>
      <input id=${name} name=${name} type=${type} maxlength=${type === "date" ? nothing : most} ?required=${name === "campaign-name"} .value=${value ?? ""}></div>`;
    return html`<p class="note wait">${t.campaign.createText(proposal.org ?? "", proposal.is_sandbox === true)}</p>
      <form @submit=${this.create}><div class="fields">${field("campaign-name", t.campaign.name, "text", proposal.name)}${field("type", t.campaign.type, "text", proposal.type, 40)}
        ${field("start", t.campaign.start, "date", proposal.start_date)}${field("end", t.campaign.end, "date", proposal.end_date)}</div>
        <p class="small dim">${t.campaign.createdWith(proposal.statuses)}</p>
        <p><button class="quiet" ?disabled=${this.busy !== null}>${this.busy === "create" ? t.campaign.creating : t.campaign.createNow}</button></p></form>`;
  }

  private readonly search = async (event: Event): Promise<void> => {
    event.preventDefault();
    await this.act("search", async () => {
      const searched = [this.q.trim(), this.sort] as const;
      const page = await this.event.search(...searched, null);
      this.searched = searched;
      Object.assign(this, { found: page.items, cursor: page.next_cursor });
      this.announced = page.items.length === 0 ? t.campaign.noneFound : t.campaign.foundCount(page.items.length);
    });
  };

  private readonly more = async (): Promise<void> => {
    const before = this.found ?? [];
    await this.act("more", async () => {
      const page = await this.event.search(...this.searched, this.cursor);
      Object.assign(this, { found: [...before, ...page.items], cursor: page.next_cursor });
      this.announced = t.campaign.foundCount(before.length + page.items.length);
    });
    await this.updateComplete;
    const buttons = this.renderRoot.querySelectorAll<HTMLElement>("li button");
    (buttons[before.length] ?? buttons[before.length - 1])?.focus();
  };

  private readonly opened = (event: Event): void => {
    if (!(event.target as HTMLDetailsElement).open || this.proposal !== null) return;
    void this.act("look", async () => {
      this.proposal = await this.event.proposal();
    });
  };

  private readonly create = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const { proposal } = this;
    const given = new FormData(event.target as HTMLFormElement);
    const of = (name: string): string | null => String(given.get(name) ?? "").trim() || null;
    const wish = { name: of("campaign-name"), type: of("type"), start_date: of("start"), end_date: of("end") };
    // Days that nobody changed follow the event.
    const isOfEvent = wish.start_date === proposal?.start_date && wish.end_date === proposal.end_date;
    await this.act("create", async () => {
      this.tell("campaign-created", await this.event.create({ ...wish, ...(isOfEvent ? { start_date: null, end_date: null } : {}) }));
    });
  };

  private async act(what: Busy, deed: () => Promise<void>): Promise<void> {
    Object.assign(this, { busy: what, problem: null, announced: "" });
    try {
      await deed();
    } catch (error) {
      this.problem = this.problemIn(error);
    } finally {
      this.busy = null;
    }
  }
}

define("salesforce-campaign-picker", CampaignPicker);
