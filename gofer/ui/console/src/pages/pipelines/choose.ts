/** Which pipelines are shown, and in which order. */

import type { PipelineOverview } from "../../lib/api/types";
import { tookOf } from "../../lib/strip";

export const SHOWN = ["all", "favourites", "failing", "busy", "off"] as const;
export type Shown = (typeof SHOWN)[number];

export const SORTS = ["name", "last", "took", "success", "now", "next"] as const;
export type Sort = (typeof SORTS)[number];

export interface Choice {
  text: string;
  shown: Shown;
  sort: Sort;
  /** The other way round than the sort begins. */
  reversed: boolean;
}

/** What the address says; what it does not know is left out. */
export function choiceOf(query: URLSearchParams): Choice {
  const sort = query.get("sort") ?? "name";
  const name = sort.replace(/^-/, "");
  return {
    text: query.get("q") ?? "",
    shown: SHOWN.find((one) => one === query.get("show")) ?? "all",
    sort: SORTS.find((one) => one === name) ?? "name",
    reversed: sort.startsWith("-"),
  };
}

/** As it stands in the address: nothing for what is so anyway. */
export function sortText(sort: Sort, reversed: boolean): string {
  return sort === "name" && !reversed ? "" : `${reversed ? "-" : ""}${sort}`;
}

/** Every word of the text stands somewhere in its id, name or description, whatever the case. */
export function matches(item: PipelineOverview, text: string): boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const found = `${item.id}\n${item.name}\n${item.description}`.toLowerCase();
  return words.every((word) => found.includes(word));
}

export function isAmong(item: PipelineOverview, shown: Shown, isFavourite: boolean): boolean {
  if (shown === "favourites") return isFavourite;
  if (shown === "failing") return isFailing(item);
  if (shown === "busy") return item.running + item.queued > 0;
  if (shown === "off") return !item.enabled || item.holds.includes("paused");
  return true;
}

/** Its newest run that was successful or failed has failed. */
export function isFailing(item: PipelineOverview): boolean {
  const told = item.last_runs.findLast((run) => run.status === "successful" || run.status === "failed");
  return told?.status === "failed";
}

/** Favourites first, then in the order asked for; what has no value comes last, and equals by their ids. */
export function sorted(
  items: readonly PipelineOverview[],
  { sort, reversed }: Pick<Choice, "sort" | "reversed">,
  isFavourite: (id: string) => boolean,
): PipelineOverview[] {
  const sign = reversed ? -1 : 1;
  const keyed = items.map((item) => ({ item, value: valueOf(item, sort), first: isFavourite(item.id) }));
  keyed.sort((a, b) => {
    if (a.first !== b.first) return a.first ? -1 : 1;
    if (a.value === undefined || b.value === undefined) {
      if (a.value !== b.value) return a.value === undefined ? 1 : -1;
    } else if (a.value !== b.value) return sign * (a.value - b.value);
    return (sort === "name" ? sign : 1) * compare(a.item.id, b.item.id);
  });
  return keyed.map(({ item }) => item);
}

const compare = new Intl.Collator(undefined, { numeric: true }).compare;

/** So that what one looks for most comes first: the newest, the longest, the least successful, the busiest, the soonest. */
function valueOf(item: PipelineOverview, sort: Sort): number | undefined {
  const last = item.last_runs.at(-1);
  if (sort === "last") return last && -last.created_at;
  if (sort === "took") {
    const took = item.last_runs.map(tookOf).findLast((one) => one !== null);
    return took === undefined || took === null ? undefined : -took;
  }
  if (sort === "success") return item.success_rate ?? undefined;
  if (sort === "now") return -(item.running * 1000 + item.queued) || undefined;
  if (sort === "next") return item.next_start ?? undefined;
  return 0;
}
