// A trigger without the SDK: starts runs again and again. It speaks docs/trigger-protocol.md with two libraries,
// one for WebSocket and one for MessagePack, and is tried by `gofer trigger check --subscription every=1s -- node trigger.js`.
import { decode, encode } from "@msgpack/msgpack";
import WebSocket from "ws";

const { GOFER_TRIGGER_NAME: name, GOFER_TRIGGER_URL: url, GOFER_TRIGGER_SECRET: secret } = process.env;
const socket = process.env.GOFER_TRIGGER_SOCKET;
if (!name || !url || !secret) {
  console.error("This is a trigger, which Gofer starts: GOFER_TRIGGER_NAME, _URL and _SECRET are not set.");
  process.exit(2);
}

const subscriptions = new Map(); // by id: {every, due}
const unanswered = new Map(); // events that Gofer has not answered, by "event subscription"
let connection; // the open one
let finishing = false;
let pause = 0;

class Refusal extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

// What Gofer asks. Each returns the fields of the reply, or throws a Refusal.
const answers = {
  ping: () => ({}),
  info: () => ({
    description: "Starts runs again and again.",
    version: "1.0.0",
    settings: [],
    subscription_settings: [
      { name: "every", type: "duration", description: "How long between two runs.", required: true, secret: false },
    ],
    next: true,
  }),
  configure: ({ settings }) => {
    if (!isMap(settings)) throw new Refusal("invalid", "settings: expected a map.");
    return {};
  },
  check: ({ settings }) => (milliseconds(settings), {}),
  subscribe: ({ subscription, settings }) => {
    if (typeof subscription !== "string") throw new Refusal("invalid", "subscription: expected a text.");
    const every = milliseconds(settings);
    const known = subscriptions.get(subscription);
    if (known?.every !== every) subscriptions.set(subscription, { every, due: Date.now() + every });
    connection.told.add(subscription);
    return {};
  },
  unsubscribe: ({ subscription }) => (subscriptions.delete(subscription), {}),
  ready: () => {
    for (const id of subscriptions.keys()) if (!connection.told.has(id)) subscriptions.delete(id);
    connection.ready = true;
    pause = 0;
    for (const event of unanswered.values()) tell(event);
    return {};
  },
  next: ({ subscription, count }) => {
    const known = subscriptions.get(subscription);
    if (!known) throw new Refusal("unknown_subscription", `There is no subscription ${subscription}.`);
    return { times: Array.from({ length: count }, (_, n) => Math.max(known.due, Date.now()) + n * known.every) };
  },
  debug: () => ({ state: { subscriptions: subscriptions.size, unanswered: unanswered.size } }),
  shutdown: async ({ timeout }) => {
    await finish(timeout ?? 10_000);
    return {};
  },
};

function isMap(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function milliseconds(settings) {
  const units = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
  const text = isMap(settings) ? settings.every : undefined;
  if (typeof text !== "string" || !/^(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$/.test(text) || text === "") {
    throw new Refusal("refused", `every: expected a duration such as 1m30s, got ${JSON.stringify(text)}.`);
  }
  const total = [...text.matchAll(/(\d+)(ms|[dhms])/g)].reduce((sum, [, n, unit]) => sum + n * units[unit], 0);
  if (total < 100) throw new Refusal("refused", `every: expected at least 100ms, got ${text}.`);
  return total;
}

// The events.
setInterval(() => {
  for (const [subscription, one] of subscriptions) {
    if (finishing || Date.now() < one.due) continue;
    // The id says what happened: this subscription was due at this time. The same event has the same id each time.
    const event = { event: String(one.due), subscription, occurred_at: one.due, variables: { DUE: String(one.due) } };
    while (one.due <= Date.now()) one.due += one.every;
    unanswered.set(`${event.event} ${subscription}`, event);
    if (connection?.ready) tell(event);
  }
}, 50);

async function tell(event) {
  const on = connection;
  if (on.unanswered >= on.limit) return void setTimeout(() => on === connection && tell(event), 100);
  try {
    await on.request("fire", event);
  } catch (error) {
    if (error.code === "lost") return; // told again on the next connection
    if (error.code === "unavailable") return void setTimeout(() => on === connection && tell(event), 1000);
    on.log("error", `Gofer did not take the event ${event.event}: ${error.message}`);
  }
  unanswered.delete(`${event.event} ${event.subscription}`);
}

async function finish(timeout) {
  finishing = true;
  for (const end = Date.now() + timeout; unanswered.size > 0 && Date.now() < end; ) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

// One connection: requests and replies in both directions.
class Connection {
  constructor(websocket) {
    this.websocket = websocket;
    this.told = new Set();
    this.ready = false;
    this.limit = 1;
    this.lastId = 0;
    this.waiting = new Map();
  }

  get unanswered() {
    return this.waiting.size;
  }

  send(frame) {
    if (this.websocket.readyState === WebSocket.OPEN) this.websocket.send(encode(frame));
  }

  log(level, message) {
    this.send({ kind: "log", level, message });
  }

  request(kind, fields = {}) {
    return new Promise((resolve, reject) => {
      this.waiting.set(++this.lastId, { resolve, reject });
      this.send({ id: this.lastId, kind, ...fields });
    });
  }

  async received(data, isBinary) {
    let frame;
    try {
      frame = isBinary ? decode(data) : undefined;
    } catch {}
    if (!isMap(frame)) return this.websocket.close(4400, "expected a MessagePack map");
    if ("re" in frame) {
      const { resolve, reject } = this.waiting.get(frame.re) ?? {};
      this.waiting.delete(frame.re);
      if (frame.error) reject?.(new Refusal(frame.error.code, frame.error.message));
      else resolve?.(frame);
    } else if (frame.id !== undefined) {
      await this.answer(frame);
    }
  }

  async answer({ id, kind, ...fields }) {
    try {
      if (!Object.hasOwn(answers, kind)) throw new Refusal("unknown_kind", `There is no kind ${kind}.`);
      this.send({ re: id, ...(await answers[kind](fields)) });
      if (kind === "shutdown") this.websocket.close(1000);
    } catch (error) {
      this.send({ re: id, error: { code: error.code ?? "failed", message: error.message } });
    }
  }

  async hello() {
    const told = await this.request("hello", { protocol: 1, name, program: "trigger-node 1.0.0" });
    this.limit = told.max_unanswered - 2;
    let answered = Date.now();
    this.beat = setInterval(() => {
      if (Date.now() - answered > 3 * told.heartbeat) return this.websocket.terminate();
      this.request("ping").then(() => (answered = Date.now()), () => {});
    }, told.heartbeat);
  }

  lost() {
    clearInterval(this.beat);
    for (const { reject } of this.waiting.values()) reject(new Refusal("lost", "The connection has ended."));
  }
}

function dial() {
  const where = socket ? `ws+unix:${socket}:${new URL(url).pathname}` : url;
  const headers = { Authorization: `Bearer ${secret}` };
  const websocket = new WebSocket(where, { headers, perMessageDeflate: false, handshakeTimeout: 10_000 });
  const own = new Connection(websocket);
  websocket.on("open", () => {
    connection = own;
    own.hello().catch((error) => {
      console.error(`Gofer does not take this trigger: ${error.message}`);
      if (error.code !== "lost") process.exit(1);
    });
  });
  websocket.on("message", (data, isBinary) => own.received(data, isBinary));
  websocket.on("unexpected-response", (request, response) => {
    if ([401, 403, 404].includes(response.statusCode)) {
      console.error(`The secret of this trigger is dead (status ${response.statusCode}).`);
      process.exit(3);
    }
    request.destroy();
    again();
  });
  websocket.on("error", (error) => console.error(`${error.message}`));
  websocket.on("close", (code) => {
    own.lost();
    if (code === 1000) process.exit(0);
    if ([4400, 4409, 4426].includes(code)) process.exit(1);
    again();
  });
}

let waiting; // for the next try
function again() {
  clearTimeout(waiting);
  waiting = setTimeout(dial, pause * (0.8 + 0.4 * Math.random()));
  pause = Math.min(Math.max(pause * 2, 100), 5000);
}

process.on("SIGTERM", async () => {
  await finish(5000);
  if (connection?.websocket.readyState !== WebSocket.OPEN) process.exit(0);
  connection.websocket.close(1000);
});
dial();
