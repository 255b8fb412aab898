/** Why a stream does not open: a browser tells a page only that it has not. */

import { ApiError, forget, get, whoIsThere } from "../api/client";

/** In the server's words what keeps this reader from events for good; empty: nothing does, and trying again helps.
 * Who is not signed in any more is sent to sign in. */
export async function whyRefused(): Promise<string> {
  try {
    forget();
    await whoIsThere();
    await get("/api/v1/events", { query: { limit: 1, newest_first: true } });
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return error.message;
  }
  return "";
}
