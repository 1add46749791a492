// The page of a session: signs in with a token, listens to events, shows what they say, and asks.
// Every text that comes from the host is put in as text. Amounts are exact decimals as text; they
// become numbers only where something is drawn.
"use strict";

const KEY = "sandpit-token";
// A second passes between two events; after so much silence the connection counts as lost.
const SILENCE_MS = 6000;
const RETRY_MS_MAX = 8000;
const ROWS_MAX = 50;

const byId = (id) => document.getElementById(id);
const app = byId("app");
const known = {};
let token = null;
let role = "viewer";
let listening = null;
let shownState = null;

// ---- small tools ----

function element(name, properties = {}, ...children) {
  const { className, text, ...rest } = properties;
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(rest)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function put(target, text, className) {
  const at = typeof target === "string" ? byId(target) : target;
  if (at.textContent !== text) at.textContent = text;
  if (className !== undefined && at.className !== className) at.className = className;
}

// Children of a container by key: those that stay are changed in place, so focus stays, too.
function keyed(container, items, key, make, change) {
  const before = new Map([...container.children].map((child) => [child.dataset.key, child]));
  let at = container.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    let child = before.get(name);
    before.delete(name);
    if (!child) {
      child = make(item);
      child.dataset.key = name;
    }
    change(child, item);
    if (child === at) at = at.nextElementSibling;
    else container.insertBefore(child, at);
  }
  for (const gone of before.values()) gone.remove();
}

function announce(text) {
  put("announce", text);
}

const grouped = (whole) => whole.replace(/\B(?=(\d{3})+(?!\d))/g, " ");

// An exact decimal for people: grouped, cut at so many digits after the point.
function decimal(text, digits) {
  const match = /^(-?)(\d+)(?:\.(\d*))?$/.exec(text ?? "");
  if (!match) return text ?? "–";
  const [, sign, whole, fraction = ""] = match;
  const kept = digits === undefined ? fraction : fraction.padEnd(digits, "0").slice(0, digits);
  const number = grouped(whole) + (kept ? "." + kept : "");
  return (sign && /[1-9]/.test(number) ? "−" : "") + number;
}
const money = (text) => decimal(text, 2);
const signed = (text) => (/[1-9]/.test(text ?? "") && !text.startsWith("-") ? "+" : "") + money(text);
const tone = (text) => (!/[1-9]/.test(text ?? "") ? "" : text.startsWith("-") ? "bad" : "good");
const clock = (text) => (text ?? "").slice(11, 19);
const moment = (text) => (text ? text.slice(0, 10) + " " + clock(text) : "");
const words = (name) => name.replaceAll("-", " ").replaceAll("_", " ");

function bytes(value) {
  const units = ["B", "KiB", "MiB", "GiB"];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) { value /= 1024; unit += 1; }
  return value.toFixed(value < 10 && unit ? 1 : 0) + " " + units[unit];
}
function nanos(value) {
  if (value < 1e3) return value + " ns";
  if (value < 1e6) return (value / 1e3).toFixed(0) + " µs";
  return (value / 1e6).toFixed(1) + " ms";
}
function count(value) {
  if (value < 1e4) return String(value);
  if (value < 1e6) return (value / 1e3).toFixed(0) + " k";
  return (value / 1e6).toFixed(1) + " M";
}

function meter(at, share) {
  const part = Math.max(0, Math.min(1, share || 0));
  at.firstElementChild.style.width = (part * 100).toFixed(1) + "%";
  at.className = "meter" + (part >= 0.9 ? " bad" : part >= 0.7 ? " warn" : "");
}
const newMeter = () => element("div", { className: "meter" }, element("i"));

// ---- asking ----

async function ask(path, body) {
  const options = { headers: { Authorization: "Bearer " + token }, cache: "no-store" };
  if (body !== undefined) {
    options.method = "POST";
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  const reply = await fetch("/api/v1/" + path, options);
  const said = await reply.json().catch(() => ({}));
  if (reply.ok) return said;
  const error = new Error(said.error?.message ?? "the host answers " + reply.status);
  error.status = reply.status;
  throw error;
}

async function act(path, body) {
  const said = await ask(path, body);
  announce(said.done ?? "done");
  return said;
}

// ---- events ----

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function listen() {
  const mine = { stop: null, over: false };
  listening = mine;
  let retry = 500;
  while (!mine.over) {
    try {
      await hear(mine, () => { retry = 500; });
    } catch (error) {
      if (mine.over) return;
      if (error.status === 401) return signOut("This token is not good any more.");
    }
    if (mine.over) return;
    lost();
    // Not all pages come back at the same moment.
    await Promise.race([pause(retry * (0.5 + Math.random())), new Promise((wake) => { mine.wake = wake; })]);
    retry = Math.min(retry * 2, RETRY_MS_MAX);
  }
}

async function hear(mine, heard) {
  const abort = new AbortController();
  mine.stop = abort;
  let silence = setTimeout(() => abort.abort(), SILENCE_MS);
  const again = () => {
    clearTimeout(silence);
    silence = setTimeout(() => abort.abort(), SILENCE_MS);
  };
  try {
    const reply = await fetch("/api/v1/events", {
      headers: { Authorization: "Bearer " + token }, signal: abort.signal, cache: "no-store",
    });
    if (!reply.ok) throw Object.assign(new Error("refused"), { status: reply.status });
    const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      again();
      text += value;
      let end;
      while ((end = text.indexOf("\n\n")) >= 0) {
        take(text.slice(0, end), heard);
        text = text.slice(end + 2);
      }
    }
  } finally {
    clearTimeout(silence);
    abort.abort();
  }
}

function take(block, heard) {
  const field = (name) => block.split("\n").find((line) => line.startsWith(name + ": "))?.slice(name.length + 2);
  const kind = field("event");
  const data = JSON.parse(field("data") ?? "{}");
  if (kind === "snapshot" || kind === "delta") {
    heard();
    Object.assign(known, data);
    live();
    for (const part of Object.keys(data)) SHOW[part]?.(known[part]);
  } else if (kind === "silent") {
    heard();
    const opens = data.code === "not-now";
    link(opens ? "opening" : "no answer", "warn");
    banner((opens ? "Not trading yet: " : "The host does not answer: ") + data.message + ".", "warn");
    app.classList.add("stale");
  } else if (kind === "over") {
    signOut("This token is not good any more.");
  } else if (kind === "ending") {
    banner("The host is ending. This page goes on by itself once it is back.", "warn");
  }
}

function link(text, className) {
  put("link", text, "dot " + className);
}
function banner(text, className = "") {
  const at = byId("banner");
  at.hidden = !text;
  put(at, text, "banner " + className);
}
function live() {
  link("live", "good");
  if (app.classList.contains("stale")) announce("Connected again");
  app.classList.remove("stale");
  const account = known.risk?.account;
  if (account && account.locks.length) {
    banner("Locked: " + account.locks.map((lock) => words(lock.reason)).join(", ") + ". Only cancels go out until a person ends it.");
  } else {
    banner("");
  }
}
function lost() {
  if (!app.classList.contains("stale")) announce("Connection lost");
  link("connection lost", "bad");
  app.classList.add("stale");
  banner("Connection lost. What is shown is old; trading may go on. Trying again …");
}

// ---- showing ----

const NONE = (text, columns) => element("tr", {}, element("td", { className: "none", text, colspan: columns }));

function rows(id, items, columns, none, key, cells) {
  const body = byId(id);
  if (!items.length) return body.replaceChildren(NONE(none, columns));
  if (body.querySelector(".none")) body.replaceChildren();
  keyed(body, items.slice(0, ROWS_MAX), key,
    () => element("tr", {}, ...Array.from({ length: columns }, () => element("td"))),
    (row, item) => cells(item).forEach(([text, className = ""], at) => put(row.children[at], text, className)));
}

const STATES = { active: "good", reducing: "warn", halted: "bad" };
const PLUGIN_STATES = { running: "good", probation: "good", starting: "", swapping: "warn", paused: "warn", restarting: "warn", quarantined: "bad", unloaded: "" };

const SHOW = {
  session(session) {
    put("mode", session.mode, "chip" + (session.mode === "live" ? " bad" : ""));
    put("state", session.trading_state, "chip state " + (STATES[session.trading_state] ?? ""));
    if (shownState && shownState !== session.trading_state) announce("Trading is " + session.trading_state);
    shownState = session.trading_state;
    document.title = (session.trading_state === "active" ? "" : session.trading_state.toUpperCase() + " · ") + "Sandpit " + session.mode;
    put("now", clock(session.now) + " UTC");
    byId("now").dateTime = session.now;
    put("order-count", String(session.open_orders));
    venue(session.line);
    openFigures();
  },
  pnl(pnl) {
    const account = pnl.account;
    put("currency", pnl.currency);
    put("equity", money(account.equity));
    byId("equity").title = account.equity;
    put("balance", "balance " + money(account.balance));
    put("today", signed(account.today), "big " + tone(account.today));
    limit("today", account.today, account.today_loss_max, -1, "loss limit ");
    put("drawdown", money(account.drawdown), "big");
    limit("drawdown", account.drawdown, account.drawdown_max, 1, "of ");
    openFigures();
  },
  risk(risk) {
    const locks = risk.account.locks.map((lock) => ({ ...lock, plugin: null }))
      .concat(risk.plugins.flatMap((scope) => scope.locks.map((lock) => ({ ...lock, plugin: scope.plugin }))));
    keyed(byId("locks"), locks, (lock) => (lock.plugin ?? "") + ":" + lock.reason, makeLock, (item, lock) => {
      put(item.querySelector(".what"), (lock.plugin ?? "The account") + ": " + words(lock.reason));
      put(item.querySelector(".meta"), lock.until ? "until " + moment(lock.until) : "until a person ends it");
    });
    openFigures();
    if (!app.classList.contains("stale")) live();
  },
  positions(positions) {
    rows("positions", positions, 6, "flat", (it) => it.plugin + it.instrument, (it) => [
      [it.instrument], [it.plugin, "soft"], [decimal(it.quantity), "n"], [decimal(it.average_price ?? undefined), "n"],
      [decimal(it.mark ?? undefined), "n"], [signed(it.unrealized), "n " + tone(it.unrealized)],
    ]);
    openFigures();
  },
  orders(orders) {
    rows("orders", orders, 7, "none", (it) => it.id, (it) => [
      [it.instrument], [it.plugin, "soft"], [it.side, it.side === "buy" ? "good" : "bad"], [words(it.kind)],
      [decimal(it.price ?? it.trigger ?? undefined), "n"], [decimal(it.filled) + " / " + decimal(it.quantity), "n"],
      [words(it.state), it.state === "unknown" ? "warn" : "soft"],
    ]);
  },
  fills(fills) {
    rows("fills", fills, 6, "none yet", (it) => it.seq, (it) => [
      [clock(it.time), "soft"], [it.instrument], [it.side, it.side === "buy" ? "good" : "bad"],
      [decimal(it.quantity), "n"], [decimal(it.price), "n"], [decimal(it.fee), "n soft"],
    ]);
  },
  denials(denials) {
    keyed(byId("denials"), denials.length ? denials.slice(0, ROWS_MAX) : [{ seq: 0 }], (it) => it.seq,
      () => element("li", {}, element("span", { className: "text" })),
      (item, it) => {
        const text = item.firstElementChild;
        if (!it.seq) return put(text, "none yet", "text soft");
        text.replaceChildren(it.words, element("span", { className: "meta", text: [clock(it.time), it.plugin, it.instrument, it.code].filter(Boolean).join(" · ") }));
      });
  },
  alerts(alerts) {
    const sorted = [...alerts].sort((a, b) => Boolean(a.acknowledged_by) - Boolean(b.acknowledged_by) || b.id - a.id);
    const open = sorted.filter((it) => !it.acknowledged_by).length;
    put("alert-count", open ? open + " open" : "");
    keyed(byId("alerts"), sorted.length ? sorted : [{ id: 0 }], (it) => it.id, makeAlert, (item, it) => {
      if (!it.id) return;
      item.className = it.acknowledged_by ? "known" : "";
      put(item.querySelector(".mark"), "", "mark " + (it.acknowledged_by ? "soft" : it.severity === "critical" ? "bad" : ""));
      put(item.querySelector(".what"), it.message);
      put(item.querySelector(".meta"), [it.severity, moment(it.time), it.acknowledged_by && "known to " + it.acknowledged_by].filter(Boolean).join(" · "));
      const button = item.querySelector("button");
      if (button) button.hidden = Boolean(it.acknowledged_by) || role !== "operator";
    });
  },
  plugins(plugins) {
    keyed(byId("plugins"), plugins, (it) => it.name, makePlugin, changePlugin);
  },
  equity(points) {
    chart(points);
  },
};

function openFigures() {
  const account = known.pnl?.account;
  if (!account || !known.session || !known.risk) return;
  put("unrealized", signed(account.unrealized), "big " + tone(account.unrealized));
  const doubt = known.risk.orders_in_doubt;
  const positions = (known.positions ?? []).length;
  put("open-sub", positions + (positions === 1 ? " position · " : " positions · ") + known.session.open_orders + " orders" + (doubt ? " · " + doubt + " in doubt" : ""),
    "sub" + (doubt ? " warn" : ""));
}

function limit(id, value, max, sign, before) {
  const bar = byId(id + "-meter");
  bar.hidden = !max;
  put(id + "-sub", max ? before + money(max) : value === null ? "not known yet" : "no limit set");
  if (max) meter(bar, (sign * Number(value ?? 0)) / Number(max));
}

function makeLock(lock) {
  const text = element("span", { className: "text" }, element("span", { className: "what" }), element("span", { className: "meta" }));
  const item = element("li", {}, element("span", { className: "mark bad" }), text);
  if (role === "operator") {
    const button = element("button", { className: "small", type: "button", text: "End lock" });
    button.addEventListener("click", () => confirmed("End this lock?",
      (lock.plugin ?? "The account") + ": " + words(lock.reason) + ". Trading goes on within its limits.", "End lock",
      () => act("risk/unlock", { plugin: lock.plugin, reason: lock.reason })));
    item.append(button);
  }
  return item;
}

function makeAlert(alert) {
  if (!alert.id) return element("li", {}, element("span", { className: "text soft", text: "none" }));
  const text = element("span", { className: "text" }, element("span", { className: "what" }), element("span", { className: "meta" }));
  const button = element("button", { className: "small", type: "button", text: "Got it" });
  button.setAttribute("aria-label", "Got it: " + alert.message);
  button.addEventListener("click", () => act("alerts/" + alert.id + "/acknowledge", {}).catch((error) => announce(error.message)));
  return element("li", {}, element("span", { className: "mark" }), text, button);
}

const USES = [["Memory", "memory_bytes_max", bytes], ["Fuel", "fuel_per_call_max", count], ["Deadline", "call_deadline_ms", (value) => value + " ms"]];

function makePlugin(plugin) {
  const use = element("dl", { className: "use" });
  for (const [name] of USES) use.append(element("dt", { text: name }), newMeter(), element("dd"));
  use.append(element("dt", { text: "Latency" }), element("dd", { className: "wide latency" }));
  use.append(element("dt", { text: "Queue" }), element("dd", { className: "wide queue" }));
  return element("article", { className: "plugin", "aria-label": plugin.name },
    element("h3", {}, element("span", { text: plugin.name }), element("small"), element("span", { className: "chip" })),
    use, element("p", { className: "why" }), element("div", { className: "acts" }));
}

function changePlugin(card, plugin) {
  const state = plugin.state.name;
  put(card.querySelector("small"), plugin.version ?? "");
  put(card.querySelector(".chip"), state, "chip " + (PLUGIN_STATES[state] ?? ""));
  const dds = card.querySelectorAll(".use dd");
  const bars = card.querySelectorAll(".use .meter");
  USES.forEach(([, key, show], at) => {
    const limit = plugin.limits.find((it) => it.key === key);
    const used = limit ? limit.peak ?? limit.used ?? 0 : 0;
    put(dds[at], limit ? show(used) + " of " + show(limit.max) : "–");
    meter(bars[at], limit && limit.max ? used / limit.max : 0);
  });
  put(card.querySelector(".latency"), nanos(plugin.latency.median_ns) + " median · " + nanos(plugin.latency.p99_ns) + " p99");
  put(card.querySelector(".queue"), plugin.queue.waiting + " waiting · " + count(plugin.calls) + " calls · " + count(plugin.intents) + " intents");
  const last = plugin.faults.last;
  put(card.querySelector(".why"), last && plugin.faults.in_window ? plugin.faults.total + " faults, last: " + words(last.code) + ", " + last.detail : "");
  const wanted = role !== "operator" ? [] : state === "quarantined" ? ["release"] : state === "paused" ? ["resume"] : state === "running" || state === "probation" ? ["pause"] : [];
  keyed(card.querySelector(".acts"), wanted, (name) => name, (name) => {
    const text = name[0].toUpperCase() + name.slice(1);
    const button = element("button", { className: "small", type: "button", text });
    button.setAttribute("aria-label", text + " " + plugin.name);
    button.addEventListener("click", () => confirmed(text + " " + plugin.name + "?", PLUGIN_TEXT[name], text,
      () => act("plugins/" + plugin.name + "/" + name, {})));
    return button;
  }, () => {});
}
const PLUGIN_TEXT = {
  pause: "It is not called for a while. Its orders stay as they are.",
  resume: "It is called again.",
  release: "It was at fault too often. It is started again and may trade within its limits.",
};

// Counts of a line that a person wants at a glance, and whether one above zero is as it should be.
const COUNTS = [
  ["clock_offset_nanos", "clock offset", nanos, true],
  ["requests_under_way", "under way", count, true],
  ["requests_lost_total", "answers lost", count, false],
  ["limited_total", "told to slow down", count, false],
  ["banned_total", "banned", count, false],
  ["left_alone_seconds", "left alone for", (value) => value + " s", false],
  ["circuit_rest", "breaker", (value) => ["closed", "half open", "open"][value] ?? String(value), false],
];
const period = (seconds) => (seconds % 86400 === 0 ? seconds / 86400 + " d" : seconds % 60 === 0 ? seconds / 60 + " min" : seconds + " s");

function venue(line) {
  const at = byId("venue");
  if (!line) {
    put("venue-wait", "");
    at.replaceChildren(element("dd", { className: "soft", text: "simulated from a recorded market" }));
    return byId("budget").replaceChildren();
  }
  put("venue-wait", line.waiting ? "waits for " + line.waiting : "");
  const up = (is) => (is ? ["up", "dot good"] : ["down", "dot bad"]);
  const budgets = [];
  for (const [name, used] of Object.entries(line.counts)) {
    const labels = /^limit_used\{kind="(\w+)",seconds="(\d+)"\}$/.exec(name);
    const most = labels && line.counts[name.replace("limit_used", "limit_most")];
    if (most) budgets.push({ name: labels[1] + " in " + period(Number(labels[2])), used, max: most });
  }
  const pairs = [["line", ...up(line.live)], ["account", ...up(line.orders)], ["markets", ...up(line.markets)]];
  for (const [name, label, show, fine] of COUNTS) {
    const value = line.counts[name];
    if (value !== undefined) pairs.push([label, show(value), value === 0 || fine ? "" : "warn"]);
  }
  keyed(at, pairs, ([name]) => name, ([name]) => element("div", {}, element("dt", { text: name }), element("dd")),
    (pair, [, value, className]) => put(pair.lastElementChild, value, className));
  keyed(byId("budget"), budgets, (it) => it.name, () => element("div", {}, element("p", { className: "sub" }), newMeter()),
    (item, it) => { put(item.firstElementChild, "rate budget, " + it.name + ": " + count(it.used) + " of " + count(it.max)); meter(item.lastElementChild, it.used / it.max); });
}

// ---- the chart: equity above, drawdown below, drawn by hand ----

const SVG = "http://www.w3.org/2000/svg";
const WIDE = 1000, HIGH = 300, SPLIT = 220, GAP = 16;
let drawn = [];

function draw(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function chart(points) {
  const svg = byId("chart");
  svg.setAttribute("viewBox", `0 0 ${WIDE} ${HIGH}`);
  drawn = points.map((it) => ({ ...it, value: Number(it.equity), top: Number(it.peak) }));
  if (drawn.length < 2) {
    svg.replaceChildren();
    return put("chart-range", "the first samples come within minutes");
  }
  const values = drawn.flatMap((it) => [it.value, it.top]);
  const low = Math.min(...values), high = Math.max(...values), room = (high - low) * 0.06 || 1;
  const worst = Math.max(...drawn.map((it) => it.top - it.value)) || 1;
  const x = (at) => (at / (drawn.length - 1)) * WIDE;
  const y = (value) => SPLIT - ((value - low + room) / (high - low + 2 * room)) * SPLIT;
  const down = (it) => SPLIT + GAP + ((it.top - it.value) / worst) * (HIGH - SPLIT - GAP);
  const path = (of) => drawn.map((it, at) => (at ? "L" : "M") + x(at).toFixed(1) + " " + of(it).toFixed(1)).join("");
  const equity = path((it) => y(it.value));
  svg.replaceChildren(
    draw("line", { class: "rule", x1: 0, x2: WIDE, y1: SPLIT + GAP, y2: SPLIT + GAP }),
    draw("path", { class: "area", d: equity + `L${WIDE} ${SPLIT}L0 ${SPLIT}Z` }),
    draw("path", { class: "peak", d: path((it) => y(it.top)) }),
    draw("path", { class: "line", d: equity }),
    draw("path", { class: "loss", d: path(down) + `L${WIDE} ${SPLIT + GAP}L0 ${SPLIT + GAP}Z` }),
    draw("line", { class: "cross", x1: 0, x2: 0, y1: 0, y2: HIGH }),
  );
  const first = drawn[0], last = drawn[drawn.length - 1];
  svg.setAttribute("aria-label", `Equity from ${money(first.equity)} at ${moment(first.time)} to ${money(last.equity)} at ${moment(last.time)}; deepest drawdown ${worst.toFixed(2)}`);
  byId("chart-range").replaceChildren(element("span", { text: moment(first.time) }), element("span", { text: moment(last.time) }));
}

function read(event) {
  const svg = byId("chart"), box = svg.getBoundingClientRect();
  if (drawn.length < 2 || !box.width) return;
  const share = Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
  const at = Math.round(share * (drawn.length - 1)), point = drawn[at];
  const cross = svg.querySelector(".cross");
  svg.classList.add("reads");
  cross.setAttribute("x1", (at / (drawn.length - 1)) * WIDE);
  cross.setAttribute("x2", (at / (drawn.length - 1)) * WIDE);
  put("chart-read", moment(point.time) + " · " + money(point.equity) + " · down " + (point.top - point.value).toFixed(2));
}
byId("chart").addEventListener("pointermove", read);
byId("chart").addEventListener("pointerdown", read);
byId("chart").addEventListener("pointerleave", () => {
  put("chart-read", "");
  byId("chart").classList.remove("reads");
});

// ---- dialogs ----

let agreed = null;

function confirmed(title, text, button, then) {
  put("h-ask", title);
  put("ask-text", text);
  put("ask-go", button);
  put("ask-problem", "");
  agreed = then;
  byId("ask-dialog").showModal();
}
byId("ask-no").addEventListener("click", () => byId("ask-dialog").close());
byId("ask-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const go = byId("ask-go");
  go.disabled = true;
  try {
    await agreed();
    byId("ask-dialog").close();
  } catch (error) {
    put("ask-problem", error.message);
  } finally {
    go.disabled = false;
  }
});

const ACTS = {
  reduce: ["Reduce only?", "Nothing passes any more but what shrinks a position.", "Reduce only"],
  halt: ["Halt?", "Nothing passes any more but cancels. Open orders stay.", "Halt"],
  resume: ["Trade again?", "Everything passes again within its limits, unless a lock holds it.", "Trade again"],
  "cancel-all": ["Cancel all orders?", "Every open order of every plugin is canceled.", "Cancel all"],
  flatten: ["Close all positions?", "Every open order is canceled, and every position is closed at the market.", "Close all"],
};
for (const button of document.querySelectorAll("[data-act]")) {
  const name = button.dataset.act;
  button.addEventListener("click", () => confirmed(...ACTS[name], () => act(name, {})));
}

const killWord = byId("kill-word");
byId("kill").addEventListener("click", () => {
  killWord.value = "";
  byId("kill-flatten").checked = false;
  byId("kill-go").disabled = true;
  put("kill-problem", "");
  byId("kill-dialog").showModal();
  killWord.focus();
});
killWord.addEventListener("input", () => {
  byId("kill-go").disabled = killWord.value.trim().toLowerCase() !== "stop";
});
byId("kill-no").addEventListener("click", () => byId("kill-dialog").close());
byId("kill-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (killWord.value.trim().toLowerCase() !== "stop") return;
  const go = byId("kill-go");
  go.disabled = true;
  put("kill-problem", "");
  try {
    await act("kill", { flatten: byId("kill-flatten").checked });
    byId("kill-dialog").close();
  } catch (error) {
    put("kill-problem", "Not stopped: " + error.message + ". On the host: sandpit kill");
  } finally {
    go.disabled = false;
  }
});

// ---- signing in and out ----

async function signIn(candidate) {
  token = candidate;
  const me = await ask("whoami");
  role = me.role;
  sessionStorage.setItem(KEY, candidate);
  byId("login").hidden = true;
  byId("token").value = "";
  app.hidden = false;
  byId("kill").hidden = role !== "operator";
  byId("controls").querySelector(".buttons").hidden = role !== "operator";
  link("connecting", "warn");
  listen();
}

function signOut(why) {
  if (listening) {
    listening.over = true;
    listening.stop?.abort();
  }
  token = null;
  sessionStorage.removeItem(KEY);
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  app.hidden = true;
  byId("login").hidden = false;
  put("login-problem", why ?? "");
  byId("token").focus();
}
byId("out").addEventListener("click", () => signOut());

const WHY = {
  401: "The host does not know this token.",
  429: "Too many wrong tokens came from here. Wait a minute.",
};
byId("login-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  put("login-problem", "");
  try {
    await signIn(byId("token").value.trim());
  } catch (error) {
    token = null;
    put("login-problem", WHY[error.status] ?? (error.status ? error.message : "The host cannot be reached."));
  }
});

// A phone that wakes up does not wait for the next try.
document.addEventListener("visibilitychange", () => { if (!document.hidden) listening?.wake?.(); });
window.addEventListener("online", () => listening?.wake?.());

const kept = sessionStorage.getItem(KEY);
if (kept) {
  signIn(kept).catch((error) => {
    if (error.status === 401) return signOut("This token is not good any more.");
    // The host is not back yet: the page goes on by itself.
    byId("login").hidden = true;
    app.hidden = false;
    listen();
  });
} else {
  byId("login").hidden = false;
}
