// Cards: a list to choose from, and the timeline of one as an investigator sees it.

import { ask, count, day, el, extent, figures, link, major, many, meaning, minute, pager, section, short, sight, state, svg, table, toggle, trade, words } from "./parts.js";
import { ring } from "./ring.js";

const LIMIT = 50;

function asked(query, truth) {
  return { limit: LIMIT, offset: query.offset, truth: truth ? query.truth : undefined, as_of: query.as_of };
}

export async function cards(id, at, known) {
  const { query } = at;
  const found = await ask(`api/runs/${id}/cards`, { ...asked(query, known.is_truth_allowed), fraud: query.fraud });
  const kept = { truth: query.truth, as_of: query.as_of };
  const rows = found.items.map(card => [
    el("a", { href: link(`run/${id}/card/${card.card_id}`, kept), class: "id" }, card.card_id),
    `${card.scheme} ${card.product}`, `${card.city}, ${card.country}`,
    count(card.transactions), count(card.declined), major(card.spent, card.currency),
    card.labelled_fraud ? state(count(card.labelled_fraud), "unsure") : "–",
    ...(found.is_truth_shown ? [card.frauds ? state(count(card.frauds), "bad") : "–"] : []),
  ]);
  const only = go => toggle(found.is_truth_shown ? "Only with fraud" : "Only what the bank takes for fraud",
    query.fraud === "true", on => go({ fraud: on || undefined }));
  return [
    el("h1", {}, "Cards"),
    el("p", { class: "lead" }, found.is_truth_shown
      ? "Those with most fraud first, by what really happened."
      : "Those with most transactions that the bank takes for fraud first. The bank learns late, not everything, and is sometimes wrong."),
    sight(found.as_of, query, known.is_truth_allowed, [only, () => jump(id, kept)]),
    section("Cards of the run", table(cardsAnd(found.page.total, found.replacements), [
      ["Card", "keep"], ["Kind", "keep"], ["Home"], ["Requests", "number"], ["Declined", "number"], ["Spent", "number"],
      ["Labelled fraud", "number"], ...(found.is_truth_shown ? [["Truly fraud", "number"]] : [])], rows),
      pager(found.page)),
  ];
}

function cardsAnd(total, replacements) {
  const first = many(total - replacements, "card");
  return replacements ? `${first} and ${many(replacements, "replacement")}` : first;
}

function jump(id, kept) {
  return el("label", {}, "Go to a card", el("input", { type: "text", inputmode: "numeric", pattern: "[0-9]{1,19}",
    placeholder: "card id", oninput: event => event.target.setCustomValidity(""), onchange: event => {
      const text = event.target.value.trim();
      if (/^[0-9]{1,19}$/.test(text)) location.hash = link(`run/${id}/card/${text}`, kept);
      else if (text) {
        event.target.setCustomValidity("A card id is a number of at most 19 digits.");
        event.target.reportValidity();
      }
    } }));
}

export async function card(id, one, at, known) {
  const { query } = at;
  const address = `api/runs/${id}/cards/${one}`;
  const found = await ask(address, { ...asked(query, known.is_truth_allowed), limit: 100 });
  const graph = found.page.total ? await ask(`${address}/graph`, { as_of: query.as_of, limit: 60 }) : null;
  const { card } = found;
  const kept = { truth: query.truth, as_of: query.as_of };
  const other = (card_id, text) => el("a", { href: link(`run/${id}/card/${card_id}`, kept) }, text);
  return [
    el("h1", {}, "Card ", el("span", { class: "id" }, one)),
    el("p", { class: "lead" }, `${card.scheme} ${card.product} of customer `, el("span", { class: "id" }, card.customer_id),
      `, ${card.city}, ${card.country}; in use from ${card.opened_on}. `,
      card.replaces_card_id ? ["It replaces ", other(card.replaces_card_id, short(card.replaces_card_id)), ". "] : null,
      found.replaced_by ? ["Replaced on ", found.replaced_by.at_utc.slice(0, 10), " by ", other(found.replaced_by.card_id, short(found.replaced_by.card_id)), "."] : null),
    sight(found.as_of, query, known.is_truth_allowed),
    figures([
      ["Requests", count(card.transactions)], ["Declined", count(card.declined)],
      ["Spent", major(card.spent, card.currency)], ["Labelled fraud", count(card.labelled_fraud), found.as_of ? `known at ${minute(found.as_of)}` : "ever"],
      found.is_truth_shown ? ["Truly fraud", count(card.frauds)] : null]),
    section("Timeline", pager(found.page), found.items.length ? strip(found) : null, timeline(id, found), pager(found.page)),
    graph && graph.edges.length ? section("What it met, and who else met its devices and addresses", ring(graph, node =>
      node.kind === "card" ? link(`run/${id}/card/${node.name}`, kept) : null)) : null,
  ];
}

function timeline(id, found) {
  const columns = [["Local time", "keep"], ["Merchant", "broad"], ["Amount", "number"], ["How", "broad"], ["Outcome"], ["The bank says", "mean"],
    ...(found.is_truth_shown ? [["Truth"]] : [])];
  const rows = [];
  let last = "";
  for (const item of found.items) {
    const today = item.at_local.slice(0, 10);
    if (today !== last) rows.push(el("tr", { class: "day" }, el("th", { colspan: columns.length, scope: "rowgroup" }, weekday(today))));
    last = today;
    rows.push(request(id, item, found.is_truth_shown));
  }
  const none = found.as_of ? "No request by then" : "No request in this run";
  return table(found.page.total ? `${requests(found.page)}, in order` : none, columns, rows);
}

const requests = page => `${extent(page)} ${page.total === 1 ? "request" : "requests"}`;

function request(id, item, truth) {
  const { merchant } = item;
  const time = item.at_local.slice(11, 19);
  const abroad = item.currency !== item.billing_currency;
  const how = [item.kind === "purchase" ? null : el("strong", {}, item.kind, " "), `${item.channel}, ${words(item.entry_mode)}`,
    el("small", {}, [item.authentication === "none" ? "no check" : item.authentication, item.device_id && `device ${short(item.device_id)}`,
      item.address, item.browser && words(item.browser)].filter(Boolean).join(" · "))];
  return el("tr", { class: item.truth ? "fraud" : undefined },
    el("th", { scope: "row", class: "keep" }, el("time", { datetime: item.at_utc }, time), " ", el("small", { class: "plain" }, item.at_local.slice(-6))),
    el("td", { class: "broad cut" }, merchant.name, el("small", { title: trade(merchant) }, `${merchant.city}, ${merchant.country} · ${trade(merchant)}`)),
    el("td", { class: "number" }, major(item.amount, item.currency), abroad ? el("small", {}, major(item.billed, item.billing_currency)) : null),
    el("td", { class: "broad" }, how),
    el("td", {}, item.outcome === "approved" ? state("approved", "good") : [state("declined", "bad"), el("small", {}, meaning(item.response_code))]),
    el("td", {}, label(item.label)),
    truth ? el("td", {}, item.truth ? el("a", { href: link(`run/${id}/campaign/${item.truth.campaign_id}`) }, words(item.truth.typology)) : el("span", { class: "plain" }, "genuine")) : null);
}

function label(told) {
  if (!told) return "–";
  return [state(told.label, told.label === "fraud" ? "unsure" : "plain"),
    el("small", {}, `${words(told.source)}, ${told.stage}${told.reason_code ? " " + told.reason_code : ""}`, el("br"), minute(told.known_at))];
}

function weekday(text) {
  return new Date(`${text}T00:00:00Z`).toLocaleDateString("en", { weekday: "long", year: "numeric", month: "long", day: "numeric", timeZone: "UTC" });
}

// Amounts over time, each request a dot: what stands out is seen before it is read.
function strip(found) {
  const wide = 1000, high = 150, left = 62, bottom = 24, top = 8;
  const items = found.items.map(item => ({ item, at: Date.parse(item.at_utc), amount: Math.max(Number(item.billed), .01) }));
  const [first, end] = [items[0].at, Math.max(items.at(-1).at, items[0].at + 3600e3)];
  const amounts = items.map(one => one.amount);
  const [low, most] = [Math.floor(Math.log10(Math.min(...amounts))), Math.ceil(Math.log10(Math.max(...amounts)) + .01)];
  const x = at => left + (at - first) / (end - first) * (wide - left - 12);
  const y = amount => high - bottom - (Math.log10(amount) - low) / Math.max(1, most - low) * (high - bottom - top);
  const ticks = Array.from({ length: most - low + 1 }, (_, nth) => 10 ** (low + nth));
  const ticksAt = Array.from({ length: 5 }, (_, nth) => first + (end - first) * nth / 4);
  // Under five days two marks may stand on one day: the minute tells them apart.
  const clock = end - first < 5 * 864e5 ? minute : day;
  const dot = one => {
    const { item } = one;
    const kind = item.truth ? "fill-bad" : item.outcome === "declined" ? "fill-none" : "fill-accent";
    return [item.label?.label === "fraud" ? svg("circle", { cx: x(one.at), cy: y(one.amount), r: 8, class: "fill-unsure" }) : null,
      svg("circle", { cx: x(one.at), cy: y(one.amount), r: 4, class: kind }, svg("title", {}, `${minute(item.at_local)} ${item.merchant.name}: ${major(item.billed, item.billing_currency)}, ${item.outcome}`))];
  };
  const mark = (kind, r) => svg("svg", { viewBox: "-9 -9 18 18", "aria-hidden": "true" }, svg("circle", { r, class: kind }));
  return [
    el("div", { class: "scroll" }, svg("svg", { viewBox: `0 0 ${wide} ${high}`, class: "drawing strip", role: "img", "aria-label": `Amounts over time of ${requests(found.page)}; the table below has each of them` },
      ticks.map(tick => [svg("line", { x1: left, x2: wide, y1: y(tick), y2: y(tick), class: "axis" }),
        svg("text", { x: left - 8, y: y(tick) + 4, "text-anchor": "end", class: "axis-text" }, tick >= 1 ? count(tick) : String(tick))]),
      ticksAt.map((at, nth) => svg("text", { x: x(at), y: high - 4, "text-anchor": ["start", "middle", "middle", "middle", "end"][nth], class: "axis-text" }, clock(new Date(at).toISOString()))),
      items.map(dot))),
    el("ul", { class: "legend" },
      el("li", {}, mark("fill-accent", 6), "approved"), el("li", {}, mark("fill-none", 6), "declined"),
      el("li", {}, mark("fill-unsure", 7), "the bank takes it for fraud"),
      found.is_truth_shown ? el("li", {}, mark("fill-bad", 6), "fraud") : null,
      el("li", {}, `${requests(found.page)} in ${found.card.currency}, log scale, times in UTC`)),
  ];
}
