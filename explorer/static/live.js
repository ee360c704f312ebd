// Live parts of the pages: ticking ages, copying, and the event stream. Pages work without all of it.

const main = () => document.getElementById("main");
const words = JSON.parse(document.body.dataset.words);
const RELOAD_MS = 3000;
const RETRY_MS = 5000;
const UNDONE_MS = 2500; // so long a block that was undone stays, marked

document.documentElement.classList.add("scripted");

// ── ages ────────────────────────────────────────────────────────────────────────────────────────────────

let clockOffset = 0; // of the server's clock against this browser's, ms

function ageOf(seconds) {
  if (seconds === 0) return words.now;
  const size = Math.abs(seconds);
  const [unit, length] = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]].find(([, l]) => size >= l);
  const span = words[unit].replace("{n}", Math.floor(size / length).toLocaleString("en"));
  return (seconds < 0 ? words.ahead : words.ago).replace("{text}", span);
}

function tick() {
  const now = Date.now() + clockOffset;
  for (const time of document.querySelectorAll("time.age")) {
    const text = ageOf(Math.floor((now - Date.parse(time.dateTime)) / 1000));
    if (time.textContent !== text) time.textContent = text;
  }
}

// ── copying ─────────────────────────────────────────────────────────────────────────────────────────────

async function copy(text) {
  try {
    return await navigator.clipboard.writeText(text);
  } catch {
    return copyOldWay(text); // pages over plain http have no clipboard
  }
}

function copyOldWay(text) {
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.copy");
  if (!button) return;
  await copy(button.dataset.copy);
  button.focus();
  button.classList.add("done");
  document.getElementById("said").textContent = words.copied;
  setTimeout(() => button.classList.remove("done"), 1200);
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  document.getElementById("q").focus();
});

// ── parts of the page ───────────────────────────────────────────────────────────────────────────────────

function parsed(html) {
  const template = document.createElement("template");
  template.innerHTML = html; // rendered and escaped by the site; the content policy runs no script in it
  return template.content;
}

function put(place, html) {
  const content = parsed(html);
  const known = new Set([...place.querySelectorAll("[data-key]:not(.undone)")].map((element) => element.dataset.key));
  for (const element of content.querySelectorAll("[data-key]")) {
    if (!known.has(element.dataset.key)) element.classList.add("new");
  }
  const keep = Number(place.dataset.keep || 0);
  if (!keep) return replace(place, content);
  const item = content.firstElementChild;
  if (known.has(item.dataset.key)) return undefined;
  place.prepend(item);
  while (place.querySelectorAll(":scope > :not(.undone)").length > keep) place.lastElementChild.remove();
  return undefined;
}

function undo(ids) {
  if (ids.includes(main().dataset.block)) reload();
  for (const id of ids) {
    for (const element of document.querySelectorAll(`[data-keep] > [data-key="${CSS.escape(id)}"]`)) {
      element.classList.add("undone");
      setTimeout(() => element.remove(), UNDONE_MS);
    }
  }
}

function settle(html) {
  const badge = parsed(html).firstElementChild;
  for (const waiting of document.querySelectorAll("[data-wait]")) {
    if (Number(waiting.dataset.wait) > Number(badge.dataset.final)) continue;
    if (waiting === main()) reload();
    else waiting.replaceWith(badge.cloneNode(true));
  }
}

function replace(place, content) {
  const focused = place.contains(document.activeElement) ? document.activeElement : null;
  const href = focused?.getAttribute("href");
  const copied = focused?.dataset.copy;
  for (const details of place.querySelectorAll("details[open][data-name]")) {
    const same = content.querySelector(`details[data-name="${CSS.escape(details.dataset.name)}"]`);
    if (same) same.open = true;
  }
  place.replaceChildren(content);
  if (href) place.querySelector(`[href="${CSS.escape(href)}"]`)?.focus();
  if (copied) place.querySelector(`[data-copy="${CSS.escape(copied)}"]`)?.focus();
}

let reloading = null;
let reloadedAt = 0;
let again = false; // something happened after the page under way was asked for

function reload() {
  again = reloading !== null;
  reloading ??= reloadNow()
    .catch(() => {})
    .finally(() => {
      reloading = null;
      if (again) reload();
    });
  return reloading;
}

async function reloadNow() {
  const wait = reloadedAt + RELOAD_MS - Date.now();
  if (wait > 0) await new Promise((done) => setTimeout(done, wait));
  reloadedAt = Date.now();
  again = false;
  const response = await fetch(location.href, { headers: { accept: "text/html" } });
  if (response.status >= 500) {
    retry = setTimeout(reload, RETRY_MS);
    return;
  }
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.getElementById("main");
  if (!fresh) return;
  const open = [...main().querySelectorAll("details")].map((details) => details.open);
  fresh.querySelectorAll("details").forEach((details, i) => (details.open = Boolean(open[i])));
  main().replaceWith(fresh);
  document.title = page.title;
  start();
}

// ── the stream ──────────────────────────────────────────────────────────────────────────────────────────

let source = null;
let retry = 0;

function show(state) {
  document.documentElement.dataset.stream = state;
}

function stop() {
  clearTimeout(retry);
  source?.close();
  source = null;
}

function connect() {
  stop();
  const { topics, tx, after, refresh } = main().dataset;
  if (!topics && !tx) return show("none");
  const query = new URLSearchParams({ lang: document.documentElement.lang.slice(0, 2), after });
  if (topics) query.set("topics", topics);
  if (tx) query.set("tx", tx);
  source = new EventSource(`/live?${query}`);
  source.addEventListener("open", () => show("on"));
  source.addEventListener("error", () => {
    show("off");
    if (source?.readyState === EventSource.CLOSED) retry = setTimeout(connect, RETRY_MS);
  });
  source.addEventListener("parts", (event) => {
    if (refresh !== undefined) return reload();
    const { gone, final, ...parts } = JSON.parse(event.data);
    if (gone) undo(gone.split(" "));
    if (final) settle(final);
    for (const [name, html] of Object.entries(parts)) {
      for (const place of document.querySelectorAll(`[data-live="${name}"]`)) put(place, html);
    }
    tick();
    return undefined;
  });
  source.addEventListener("touched", reload);
  source.addEventListener("reset", reload);
  return undefined;
}

function start() {
  clockOffset = Number(main().dataset.now) - Date.now();
  tick();
  connect();
}

// A hidden page gives its connection back: browsers open only six to one site.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) stop();
  else if (main().dataset.topics || main().dataset.tx) reload();
});

start();
setInterval(tick, 1000);
