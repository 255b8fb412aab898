/** What a tab is called and marked with: which of many tabs has failed is to be seen without looking into them. */

import { SIGNS, type Status } from "./status";
import type { View } from "./router.svelte";

/** `✗ dump · nightly #12 · Gofer` */
export function titleOf(view: View, status: string): string {
  const sign = SIGNS[status as Status];
  const names = namesOf(view);
  return (sign === undefined ? "" : `${sign} `) + [...names, "Gofer"].join(" · ");
}

function namesOf(view: View): string[] {
  switch (view.page) {
    case "pipelines":
      return [view.namespace];
    case "pipeline":
      return [view.pipeline];
    case "run":
      return [`${view.pipeline} #${view.run}`];
    case "log":
      return [view.task, `${view.pipeline} #${view.run}`];
    case "attach":
      return [`Terminal in ${view.task}`, `${view.pipeline} #${view.run}`];
    case "events":
      return ["Events"];
    case "system":
      return [view.section === "" ? "System" : `System: ${view.section}`];
    case "unknown":
      return ["No such page"];
  }
}

// Strong enough on the tab bars of both themes, which a page does not know.
const MARKS: Partial<Record<Status, { fill: string; path: string }>> = {
  queued: { fill: "#6b7775", path: "M10 16h.01M16 16h.01M22 16h.01" },
  running: { fill: "#0063a8", path: "M13 10l9 6-9 6z" },
  successful: { fill: "#00734f", path: "M9.5 16.5l4.5 4.5 8.5-9.5" },
  failed: { fill: "#b3440b", path: "M11 11l10 10M21 11L11 21" },
  cancelled: { fill: "#8a4a78", path: "M10 16h12" },
};

/** The address of the tab's picture: Gofer's own, or the run's status as a disc with its sign. */
export function iconOf(status: string): string {
  const mark = MARKS[status as Status];
  if (mark === undefined) return "/login.svg";
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">' +
    `<circle cx="16" cy="16" r="15" fill="${mark.fill}"/><path d="${mark.path}" fill="none" stroke="#fff" ` +
    'stroke-width="4" stroke-linecap="round" stroke-linejoin="round"/></svg>';
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
