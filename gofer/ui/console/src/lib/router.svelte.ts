/** Which view the address stands for. Every view is an address, so that it can be shared. */

export const BASE = "/ui";

export type View =
  | { page: "pipelines"; namespace: string }
  | { page: "pipeline"; namespace: string; pipeline: string }
  | { page: "run"; namespace: string; pipeline: string; run: number }
  | { page: "log"; namespace: string; pipeline: string; run: number; task: string }
  | { page: "attach"; namespace: string; pipeline: string; run: number; task: string }
  | { page: "events" }
  | { page: "system"; section: string }
  | { page: "unknown"; path: string };

/** The view of a path such as `/ui/n/default/p/nightly/runs/12`. */
export function parse(pathname: string, home: string): View {
  const unknown: View = { page: "unknown", path: pathname };
  if (pathname !== BASE && !pathname.startsWith(`${BASE}/`)) return unknown;
  let parts: string[];
  try {
    parts = pathname.slice(BASE.length).split("/").filter(Boolean).map(decodeURIComponent);
  } catch {
    return unknown;
  }
  if (parts.length === 0) return { page: "pipelines", namespace: home };
  if (parts[0] === "events" && parts.length === 1) return { page: "events" };
  if (parts[0] === "system" && parts.length <= 2) return { page: "system", section: parts[1] ?? "" };
  const [n, namespace, p, pipeline, runs, number, t, task, attach] = parts;
  if (n !== "n" || namespace === undefined) return unknown;
  if (p === undefined) return { page: "pipelines", namespace };
  if (p !== "p" || pipeline === undefined) return unknown;
  if (runs === undefined) return { page: "pipeline", namespace, pipeline };
  if (runs !== "runs" || number === undefined || !/^[1-9]\d{0,15}$/.test(number)) return unknown;
  const run = Number(number);
  if (t === undefined) return { page: "run", namespace, pipeline, run };
  if (t !== "t" || task === undefined) return unknown;
  if (attach === undefined) return { page: "log", namespace, pipeline, run, task };
  if (attach === "attach" && parts.length === 9) return { page: "attach", namespace, pipeline, run, task };
  return unknown;
}

const escape = encodeURIComponent;

/** Addresses of views. */
export const to = {
  pipelines: (namespace: string) => `${BASE}/n/${escape(namespace)}`,
  pipeline: (namespace: string, pipeline: string) => `${to.pipelines(namespace)}/p/${escape(pipeline)}`,
  run: (namespace: string, pipeline: string, run: number) =>
    `${to.pipeline(namespace, pipeline)}/runs/${run}`,
  log: (namespace: string, pipeline: string, run: number, task: string) =>
    `${to.run(namespace, pipeline, run)}/t/${escape(task)}`,
  attach: (namespace: string, pipeline: string, run: number, task: string) =>
    `${to.log(namespace, pipeline, run, task)}/attach`,
  events: () => `${BASE}/events`,
  system: (section = "") => (section === "" ? `${BASE}/system` : `${BASE}/system/${escape(section)}`),
};

class Router {
  #url = $state(new URL(globalThis.location?.href ?? "http://localhost/ui/"));

  constructor() {
    globalThis.window?.addEventListener("popstate", () => this.#read());
  }

  get path(): string {
    return this.#url.pathname;
  }

  /** Path, query and fragment. */
  get href(): string {
    return this.#url.pathname + this.#url.search + this.#url.hash;
  }

  get query(): URLSearchParams {
    return this.#url.searchParams;
  }

  get hash(): string {
    return this.#url.hash;
  }

  go(target: string): void {
    history.pushState(null, "", target);
    this.#read();
    scrollTo(0, 0);
  }

  /** Changes the address without a new step back: for what a reader sets on the way, such as a filter. An empty or
   * undefined value takes the name out. */
  set(query: Record<string, string | undefined>, hash = this.#url.hash): void {
    const url = new URL(this.#url);
    for (const [name, value] of Object.entries(query)) {
      if (value === undefined || value === "") url.searchParams.delete(name);
      else url.searchParams.set(name, value);
    }
    url.hash = hash;
    history.replaceState(null, "", url);
    this.#read();
  }

  #read(): void {
    this.#url = new URL(location.href);
  }
}

export const router = new Router();

/** For the whole page: links of ours change the view without loading anything anew. */
export function followLinks(event: MouseEvent): void {
  if (
    event.defaultPrevented ||
    event.button !== 0 ||
    event.metaKey ||
    event.ctrlKey ||
    event.shiftKey ||
    event.altKey
  )
    return;
  const link = (event.target as Element | null)?.closest("a");
  if (!link || link.target !== "" || link.hasAttribute("download") || link.origin !== location.origin) return;
  if (link.pathname !== BASE && !link.pathname.startsWith(`${BASE}/`)) return;
  event.preventDefault();
  router.go(link.pathname + link.search + link.hash);
}
