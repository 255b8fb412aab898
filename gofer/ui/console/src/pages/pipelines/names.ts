/** What the columns and the choices are called. */

import type { Shown, Sort } from "./choose";

export const SORT_NAMES: Record<Sort, string> = {
  name: "Pipeline",
  last: "Last runs",
  took: "Duration",
  success: "Success",
  now: "Now",
  next: "Next start",
};

export const SHOWN_NAMES: Record<Shown, string> = {
  all: "All",
  favourites: "Favourites",
  failing: "Failing",
  busy: "Running",
  off: "Off",
};
