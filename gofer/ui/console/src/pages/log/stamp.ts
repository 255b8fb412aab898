/** When a line was printed, in the forms that a reader may choose. */

export type Form = "off" | "relative" | "local" | "utc";

export const FORMS: readonly Form[] = ["off", "relative", "local", "utc"];

/** `start`: what relative times count from, in milliseconds. `time`: RFC 3339 with nanoseconds. */
export function stamp(time: string, form: Form, start: number): string {
  if (form === "off") return "";
  if (form === "utc") return `${time.slice(0, 10)} ${time.slice(11, 23)}Z`;
  const at = Date.parse(time);
  if (Number.isNaN(at)) return "";
  // What the engine has seen just before Gofer knew of the start stands at the start.
  return form === "relative" ? relative(Math.max(0, at - start)) : local(new Date(at));
}

function relative(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${three(ms % 1000)}`;
  const hours = Math.floor(seconds / 3600);
  return hours === 0 ? rest : `${hours}:${rest}`;
}

function local(date: Date): string {
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${day} ${time}.${three(date.getMilliseconds())}`;
}

const two = (value: number): string => String(value).padStart(2, "0");
const three = (value: number): string => String(Math.floor(value)).padStart(3, "0");
