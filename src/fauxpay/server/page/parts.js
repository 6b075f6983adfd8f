// Parts: elements, requests, figures and controls that all views share. Text is only ever set as
// text, never as HTML, so nothing of a run can run here.

const SVG = "http://www.w3.org/2000/svg";

export function el(tag, props = {}, ...children) {
  return filled(document.createElement(tag), props, children);
}

export function svg(tag, props = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), props, children);
}

function filled(element, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(3).filter(child => child !== null && child !== undefined));
  return element;
}

export class Problem extends Error {
  constructor(told) {
    super(told.detail);
    this.told = told;
  }
}

export async function ask(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  const text = new URLSearchParams(given).toString();
  let answer;
  try {
    answer = await fetch(`${path}${text ? "?" + text : ""}`);
  } catch {
    throw new Problem({ detail: "The server does not answer.", expected: "`fauxpay serve` running" });
  }
  const told = await answer.json();
  if (!answer.ok) throw new Problem(told);
  return told;
}

// Addresses of views: #/run/<id>/cards?truth=true
export function link(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "" && value !== 0);
  const text = new URLSearchParams(given).toString();
  return `#/${path}${text ? "?" + text : ""}`;
}

export function place() {
  const [path, text = ""] = location.hash.replace(/^#\/?/, "").split("?");
  return { path, parts: decoded(path), query: Object.fromEntries(new URLSearchParams(text)) };
}

function decoded(path) {
  try {
    return path.split("/").map(decodeURIComponent);
  } catch {
    return []; // Broken escapes name no view.
  }
}

// To the same view with another query; the address may have changed since the view was drawn.
function turn(changed) {
  const { path, query } = place();
  location.hash = link(path, { ...query, ...changed });
}

export const count = value => value.toLocaleString("en");
export const many = (value, noun, more = `${noun}s`) => `${count(value)} ${value === 1 ? noun : more}`;
export const words = name => name.replaceAll("_", " ");
export const short = id => (id.length > 12 ? `${id.slice(0, 4)}…${id.slice(-4)}` : id);
export const day = text => text.slice(0, 10);
export const minute = text => `${text.slice(0, 10)} ${text.slice(11, 16)}`;

export const trade = merchant => merchant.trade.replace(" -- ", " – ") || `MCC ${merchant.mcc}`;

export function major(amount, currency = "") {
  const [whole, part] = amount.split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return `${part === undefined ? grouped : grouped + "." + part} ${currency}`.trim();
}

export function state(text, kind = "plain") {
  return el("span", { class: `state ${kind}` }, text);
}

export function verdict(name) {
  return state(name, { PASS: "good", FAIL: "bad" }[name] ?? "unsure");
}

export function figures(list) {
  return el("dl", { class: "figures" }, list.filter(Boolean).map(([name, value, more]) =>
    el("div", {}, el("dt", {}, name), el("dd", {}, value, more ? el("small", {}, more) : null))));
}

export function facts(list) {
  return el("dl", { class: "facts" }, list.map(([name, value]) =>
    el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

export function section(title, ...children) {
  return el("section", { "aria-label": title }, el("h2", {}, title), children);
}

// columns: [title, class of cells]; a cell may be text, an element or a list of both
export function table(caption, columns, rows) {
  const cell = (content, nth) => nth === 0
    ? el("th", { scope: "row", class: columns[nth][1] }, content)
    : el("td", { class: columns[nth][1] }, content);
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    el("table", {}, el("caption", {}, caption),
      el("thead", {}, el("tr", {}, columns.map(([title, kind]) => el("th", { scope: "col", class: kind }, title)))),
      el("tbody", {}, rows.map(row => row instanceof Element ? row : el("tr", {}, row.map(cell))))));
}

const isWhole = ({ limit, offset, total }) => total <= limit && offset === 0;

// Which part of a list is shown: "1 to 100 of 272", or "272" for all of it.
export function extent(page) {
  const { limit, offset, total } = page;
  if (isWhole(page)) return count(total);
  if (offset >= total) return `none of ${count(total)}`;
  return `${count(offset + 1)} to ${count(Math.min(offset + limit, total))} of ${count(total)}`;
}

export function pager(page) {
  const { limit, offset, total } = page;
  if (isWhole(page)) return null;
  return el("p", { class: "pager" },
    el("button", { type: "button", disabled: offset === 0, onclick: () => turn({ offset: Math.max(0, offset - limit) }) }, "← Before"),
    el("button", { type: "button", disabled: offset + limit >= total, onclick: () => turn({ offset: offset + limit }) }, "After →"),
    el("span", {}, extent(page)));
}

export function toggle(label, value, change) {
  const box = el("input", { type: "checkbox", onchange: event => change(event.target.checked) });
  box.checked = value;
  return el("label", { class: "switch" }, box, label);
}

// What is known at an instant: the bank learns late, and that is what one trains for.
export function sight(asOf, query, allowed, more = []) {
  const go = changed => turn({ offset: undefined, ...changed });
  const drawn = location.hash;
  // While one types, it goes through many instants: the one meant is told by Enter or by leaving
  // the field, but not by leaving the view.
  const settle = () => {
    if (location.hash === drawn && until.checkValidity() && until.value !== until.defaultValue) go({ as_of: until.value ? `${until.value}:00Z` : undefined });
  };
  const until = el("input", { type: "datetime-local", max: "9999-12-31T23:59", value: (asOf ?? "").slice(0, 16), onblur: settle,
    onkeydown: event => { if (event.key === "Enter" && until.reportValidity()) settle(); } });
  return el("div", { class: "filters", role: "group", "aria-label": "What is shown" },
    more.map(make => make(go)),
    allowed ? toggle("Show the truth", query.truth === "true", on => go({ truth: on || undefined })) : null,
    el("label", {}, "What the bank knew at (UTC)", until));
}

const MEANINGS = {
  "00": "approved", "04": "pick up the card", "05": "do not honour", "14": "no such card", "41": "lost card",
  "43": "stolen card", "51": "not enough funds", "54": "expired card", "55": "wrong PIN", "57": "not permitted",
  "59": "suspected fraud", "61": "over the limit", "62": "restricted card", "65": "too many uses",
  "75": "too many PINs", "91": "issuer not available", "96": "system fault",
};

export const meaning = code => MEANINGS[code] ?? `code ${code}`;
