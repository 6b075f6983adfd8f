// App: the address after # says which view is shown. Every view is a function of it and of answers.

import { ask, el, link, place, short } from "./parts.js";
import { runs, run } from "./runs.js";
import { card, cards } from "./cards.js";
import { campaign, campaigns } from "./campaigns.js";

const main = document.getElementById("content");
const path = document.getElementById("path");
let turn = 0;
let known = null;

function crumbs(parts) {
  const [, id, kind, one] = parts;
  const list = [["Runs", link("runs")]];
  if (id) list.push([`Run ${short(id)}`, link(`run/${id}`)]);
  if (kind) list.push([kind.startsWith("card") ? "Cards" : "Campaigns", link(`run/${id}/${kind.replace(/s?$/, "s")}`)]);
  if (one) list.push([short(one), location.hash]);
  return list;
}

function view(at) {
  const [first, id, kind, one] = at.parts;
  if (first === "runs") return runs(known);
  if (first !== "run" || !id) return null;
  if (!kind) return run(id, known);
  if (kind === "cards") return cards(id, at, known);
  if (kind === "card" && one) return card(id, one, at, known);
  if (kind === "campaigns") return campaigns(id, at);
  if (kind === "campaign" && one) return campaign(id, one);
  return null;
}

function problem(told) {
  return el("div", { class: "note problem", role: "alert" }, el("h1", {}, "That did not work"),
    el("p", {}, told.detail ?? String(told)), told.expected ? el("p", {}, `Expected: ${told.expected}`) : null);
}

async function show() {
  const mine = ++turn;
  main.setAttribute("aria-busy", "true");
  let made;
  try {
    known ??= await ask("api/runs", { limit: 500 });
    if (["", "content"].includes(place().path)) { location.replace(link(`run/${known.opened}`)); return; }
    made = await (view(place()) ?? [problem({ detail: `There is no view ${location.hash}.`, expected: "a link of this page" })]);
  } catch (error) {
    if (!error.told) console.error(error);
    made = [problem(error.told ?? error)];
  }
  if (mine !== turn) return; // Somebody went on meanwhile.
  const back = refocus();
  const trail = crumbs(place().parts);
  path.replaceChildren(...trail.map(([text, href], nth) =>
    el("li", {}, el("a", { href, "aria-current": nth === trail.length - 1 ? "page" : undefined }, text))));
  main.replaceChildren(...made.filter(Boolean));
  main.setAttribute("aria-busy", "false");
  back();
  const title = main.querySelector("h1");
  document.title = title ? `${title.textContent} – fauxpay` : "fauxpay";
}

// Whoever works a control by keyboard goes on from it when its view is drawn anew: the one with
// the same label stands for it, the first of them or the second as it was, else the whole view.
function refocus() {
  const controls = () => [...main.querySelectorAll("button, input, [role=region]")];
  const label = one => one.labels?.[0]?.textContent ?? (one.matches("button") ? one.textContent : "");
  const before = document.activeElement;
  if (!main.contains(before) && !path.contains(before)) return () => {};
  const told = label(before); // Once it is taken from the page it has no label.
  const alike = () => controls().filter(one => label(one) === told && one.tagName === before.tagName);
  const nth = alike().indexOf(before), preventScroll = !before.matches(":focus-visible");
  return () => {
    const after = alike()[nth];
    (after && !after.disabled ? after : main).focus({ preventScroll });
  };
}

// The skip link moves the focus and leaves the address of the view as it is.
document.querySelector(".skip").addEventListener("click", event => { event.preventDefault(); main.focus(); });
addEventListener("hashchange", () => { scrollTo(0, 0); show(); });
show();
