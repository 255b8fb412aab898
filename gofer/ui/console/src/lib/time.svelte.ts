/** Times and durations for people. All times are milliseconds since the Unix epoch. */

class Ticker {
  now = $state(Date.now());

  constructor() {
    // Whole seconds: what counts up on the page does so together.
    const tick = (): void => {
      this.now = Date.now();
      setTimeout(tick, 1000 - (this.now % 1000));
    };
    if (globalThis.window !== undefined) tick();
  }
}

export const ticker = new Ticker();

/** `340 ms`, `12.4 s`, `3 m 20 s`, `2 h 05 m`, `3 d 4 h`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  const seconds = Math.floor(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} m ${two(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${two(minutes % 60)} m`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** `now`, `12 s ago`, `3 m ago`, `in 2 h`. */
export function ago(at: number, now = ticker.now): string {
  const ms = now - at;
  const text = rough(Math.abs(ms));
  if (text === "") return "now";
  return ms < 0 ? `in ${text}` : `${text} ago`;
}

function rough(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 1) return "";
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** In the reader's zone, to the millisecond: what one sees on hover. */
export function exact(at: number): string {
  const date = new Date(at);
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  const offset = -date.getTimezoneOffset();
  const zone = `${offset < 0 ? "−" : "+"}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
  return `${day} ${time}.${String(date.getMilliseconds()).padStart(3, "0")} ${zone}`;
}

/** `14:03:05` today, else with the day: `11-20 14:03`. */
export function clock(at: number, now = ticker.now): string {
  const date = new Date(at);
  const time = `${two(date.getHours())}:${two(date.getMinutes())}`;
  if (date.toDateString() === new Date(now).toDateString()) return `${time}:${two(date.getSeconds())}`;
  const day = `${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return date.getFullYear() === new Date(now).getFullYear()
    ? `${day} ${time}`
    : `${date.getFullYear()}-${day}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
