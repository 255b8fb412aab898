/** What the reader likes: kept in this browser, and nowhere else. */

export interface Preferences {
  theme: "system" | "light" | "dark";
  namespace: string;
  /** `namespace/pipeline` */
  favourites: string[];
  log: {
    times: "off" | "relative" | "local" | "utc";
    wrap: boolean;
  };
  notify: boolean;
}

const KEY = "gofer";

const DEFAULTS: Preferences = {
  theme: "system",
  namespace: "default",
  favourites: [],
  log: { times: "off", wrap: true },
  notify: false,
};

function read(): Preferences {
  try {
    const kept = JSON.parse(globalThis.localStorage?.getItem(KEY) ?? "{}") as Partial<Preferences>;
    return { ...DEFAULTS, ...kept, log: { ...DEFAULTS.log, ...kept.log } };
  } catch {
    return { ...DEFAULTS, log: { ...DEFAULTS.log } };
  }
}

/** Changed in place; call `keep` afterwards. */
export const preferences = $state(read());

export function keep(change: Partial<Preferences>): void {
  Object.assign(preferences, change);
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences));
  } catch {
    // A browser that keeps nothing: they hold for as long as the page is open.
  }
  if (change.theme !== undefined) applyTheme();
}

export function applyTheme(): void {
  const { theme } = preferences;
  if (theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
}
