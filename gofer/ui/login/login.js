// The page of /login: sign in, see who one is, sign out. The token goes into the body of one request, and nowhere else.
"use strict";

const SESSION = "/api/v1/session";
const { state, next: wanted } = document.documentElement.dataset;
// The server has seen to that already.
const next = wanted && new URL(wanted, location.href).origin === location.origin ? wanted : "";
const at = (id) => document.getElementById(id);

async function ask(method, path, { body, csrf } = {}) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (csrf !== undefined) headers["X-Gofer-CSRF"] = csrf;
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body && JSON.stringify(body), redirect: "error", cache: "no-store" });
  } catch {
    throw { status: 0, text: "The server does not answer. Try again in a moment." };
  }
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  const wait = answer.headers.get("Retry-After");
  const detail = [said.detail || `The server answers ${answer.status}.`, said.hint].filter(Boolean).join(" ");
  throw { status: answer.status, text: answer.status === 429 && wait ? `${detail} Try again in ${wait} seconds.` : detail };
}

function time(milliseconds) {
  return new Date(milliseconds).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

function busy(button, is) {
  button.setAttribute("aria-busy", String(is));
}

function prepareForm() {
  const secret = at("secret"), show = at("show"), error = at("error"), submit = at("submit");
  show.addEventListener("click", () => {
    const shown = secret.type === "password";
    secret.type = shown ? "text" : "password";
    show.setAttribute("aria-pressed", String(shown));
    show.textContent = shown ? "Hide" : "Show";
  });
  secret.addEventListener("input", () => secret.removeAttribute("aria-invalid"));
  document.forms[0].addEventListener("submit", async (event) => {
    event.preventDefault();
    if (submit.getAttribute("aria-busy") === "true") return;
    error.textContent = "";
    busy(submit, true);
    try {
      await ask("POST", SESSION, { body: { token: secret.value.trim() } });
      await seeWhetherItIsKept();
      // Not kept in the page, should somebody come back to it; and hidden, so that a password manager offers to.
      at("enter").hidden = true;
      secret.value = "";
      location.replace(next || "/login");
    } catch (refused) {
      error.textContent = refused.text;
      secret.setAttribute("aria-invalid", "true");
      secret.focus();
      secret.select();
      busy(submit, false);
    }
  });
}

// Else the page would come back as it was, and say nothing.
async function seeWhetherItIsKept() {
  try {
    await ask("GET", SESSION);
  } catch (refused) {
    if (refused.status !== 401) throw refused;
    const how = "Allow cookies for this address. Behind a proxy, it must say truly whether this page came by https (X-Forwarded-Proto).";
    throw { status: 401, text: `The token is good, but this browser has not kept the cookie of the session. ${how}` };
  }
}

async function showAccount() {
  const trouble = at("trouble");
  let session;
  try {
    session = await ask("GET", SESSION);
  } catch (refused) {
    // It has ended since the page was made.
    if (refused.status === 401) location.reload();
    else trouble.textContent = refused.text;
    return;
  }
  const { token, kind, namespaces = [] } = session.who;
  at("description").textContent = token?.description ?? "";
  at("token").textContent = token?.id ?? "";
  at("roles").textContent = kind === "management" ? "everything" : (token?.roles ?? []).join(", ");
  at("namespaces").textContent = kind === "management" ? "all" : namespaces.join(", ");
  at("expires").textContent = token?.expires_at ? time(token.expires_at) : "never";
  at("until").textContent = time(session.expires_at);
  at("idle").textContent = time(session.idle_until);
  at("account").hidden = false;
  if (next) {
    at("onward").hidden = false;
    at("onward").firstElementChild.href = next;
  }
  for (const [id, path] of [["out", SESSION], ["everywhere", `${SESSION}?everywhere=true`]]) {
    at(id).addEventListener("click", async () => {
      busy(at(id), true);
      try {
        await ask("DELETE", path, { csrf: session.csrf });
        location.replace("/login");
      } catch (refused) {
        if (refused.status === 401 || refused.status === 403) location.reload();
        else trouble.textContent = refused.text;
        busy(at(id), false);
      }
    });
  }
}

if (state === "session") {
  showAccount();
} else if (state === "unclaimed") {
  at("unclaimed").hidden = false;
} else {
  prepareForm();
  at("enter").hidden = false;
  if (state === "local") {
    at("local").hidden = false;
    at("other").hidden = false;
    at("other").append(at("enter"));
  } else {
    at("secret").focus();
  }
}
