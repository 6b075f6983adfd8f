// Campaigns: what one hand did, told from the truth.

import { ask, count, el, figures, link, major, many, minute, pager, section, svg, table, trade, words } from "./parts.js";
import { ring } from "./ring.js";

const NAMES = {
  compromised: ["Compromised", "bad"], first_attempt: ["First attempt", "bad"], first_success: ["First success", "bad"],
  bank_learns: ["The bank learns", "good"], blocked: ["Blocked", "good"], replaced: ["Replaced", "good"], last_attempt: ["Last attempt", "bad"],
};

export async function campaigns(id, at) {
  const { path, query } = at;
  const found = await ask(`api/runs/${id}/campaigns`, { limit: 50, offset: query.offset, typology: query.typology });
  const rows = found.items.map(one => [
    el("a", { href: link(`run/${id}/campaign/${one.campaign_id}`), class: "id" }, one.campaign_id),
    el("a", { href: link(path, { typology: one.typology }) }, words(one.typology)),
    count(one.cards), count(one.merchants), count(one.transactions), count(one.approved), minute(one.started_at), minute(one.ended_at),
  ]);
  return [
    el("h1", {}, query.typology ? `Campaigns of ${words(query.typology)}` : "Campaigns of fraud"),
    el("p", { class: "lead" }, "Groups of cards that one hand uses, with what they did in this run. All of it is truth: nobody at the bank had it at the time. ",
      query.typology ? el("a", { href: link(path) }, "Show all kinds.") : null),
    section("Campaigns", table(`${count(found.page.total)} with requests in this run`, [
      ["Campaign", "keep"], ["Kind", "keep"], ["Cards", "number"], ["Merchants", "number"], ["Requests", "number"], ["Approved", "number"],
      ["Began, UTC", "keep"], ["Ends, UTC", "keep"]], rows),
      pager(found.page)),
  ];
}

export async function campaign(id, one) {
  const address = `api/runs/${id}/campaigns/${one}`;
  const [told, graph] = await Promise.all([ask(address), ask(`${address}/graph`, { limit: 120 })]);
  const { summary, learnt } = told;
  const cardLink = card => el("a", { href: link(`run/${id}/card/${card}`, { truth: true }), class: "id" }, card);
  return [
    el("h1", {}, `A case of ${words(summary.typology)}`),
    el("p", { class: "lead" }, "Campaign ", el("span", { class: "id" }, one), `, ${minute(summary.started_at)} to ${minute(summary.ended_at)} UTC.`),
    figures([
      ["Cards used", count(summary.cards), `of ${count(told.cards_total)} in wrong hands`], ["Merchants", count(summary.merchants)],
      ["Requests", count(summary.transactions), `${count(summary.approved)} approved`],
      ["Taken", told.amounts[0] ? major(told.amounts[0].taken, told.amounts[0].currency) : "nothing",
        told.amounts.length > 1 ? `and in ${count(told.amounts.length - 1)} more ${told.amounts.length > 2 ? "currencies" : "currency"}` : null],
      ["Known to the bank", `${count(learnt.known)} of ${count(summary.transactions)}`,
        learnt.median_delay_days === null ? "it never learns" : delay(learnt)]]),
    el("div", { class: "two" },
      section("What came about", el("ol", { class: "stages" }, told.stages.map(stage))),
      el("div", {},
        section("Day by day", told.days.length ? days(told.days) : "No request in this run."),
        learnt.sources.length ? section("Who told the bank first", shares(learnt.sources)) : null,
        told.amounts.length ? section("Amounts", table("By billing currency", [["Currency"], ["Tried", "number"], ["Taken", "number"], ["Requests", "number"]],
          told.amounts.map(sum => [sum.currency, major(sum.tried), major(sum.taken), count(sum.transactions)]))) : null)),
    graph.edges.length ? section("What met", ring(graph, node => node.kind === "card" ? link(`run/${id}/card/${node.name}`, { truth: true }) : null)) : null,
    section("Cards", table(some(told.cards, told.cards_total, "card"), [["Card", "keep"], ["In wrong hands, UTC", "keep"], ["Blocked, UTC", "keep"],
      ["Replaced by", "keep"], ["Requests", "number"], ["Approved", "number"]], told.cards.map(card => [
      cardLink(card.card_id), minute(card.compromised_at), card.blocked_at ? minute(card.blocked_at) : "never",
      card.replaced_by ? cardLink(card.replaced_by) : "–", count(card.transactions), count(card.approved)]))),
    told.shops.length ? section("Merchants", table(some(told.shops, told.shops_total, "merchant"), [["Merchant"], ["Trade"], ["Place"], ["Requests", "number"], ["Approved", "number"]],
      told.shops.map(({ merchant, transactions, approved }) => [merchant.name, trade(merchant),
        `${merchant.city}, ${merchant.country}`, count(transactions), count(approved)]))) : null,
  ];
}

const some = (shown, total, noun) => shown.length < total ? `${count(shown.length)} of ${many(total, noun)}` : many(total, noun);

function delay({ known, median_delay_days }) {
  const days = many(median_delay_days, "day");
  return known === 1 ? `after ${days}` : `half of them within ${days}`;
}

function stage(told) {
  const [name, kind] = NAMES[told.stage];
  return el("li", { class: kind }, el("time", { datetime: told.at_utc }, `${minute(told.at_utc)} UTC`), el("p", {}, el("strong", {}, name), `: ${told.detail}`));
}

function shares(sources) {
  const most = Math.max(...sources.map(one => one.transactions));
  return el("ul", { class: "shares" }, sources.map(one => el("li", {}, words(one.source),
    svg("svg", { viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" },
      svg("rect", { width: 100 * one.transactions / most, height: 8, rx: 1, class: "fill-accent" })), el("span", { class: "number" }, count(one.transactions)))));
}

// A bar for each day from the first to the last, approved below declined.
function days(list) {
  const wide = 560, high = 150, left = 30, bottom = 22, top = 8;
  const at = text => Date.parse(`${text}T00:00:00Z`) / 864e5;
  const [first, last] = [at(list[0].day), at(list.at(-1).day)];
  const most = Math.max(...list.map(one => one.approved + one.declined));
  const step = (wide - left) / (last - first + 1);
  const bar = Math.min(Math.max(step - 2, 1), 26);
  const y = value => high - bottom - value / most * (high - bottom - top);
  const bars = list.map(one => {
    const x = left + (at(one.day) - first) * step + (step - bar) / 2;
    return svg("g", {}, svg("title", {}, `${one.day}: ${one.approved} approved, ${one.declined} declined`),
      svg("rect", { x, y: y(one.approved), width: bar, height: y(0) - y(one.approved), class: "fill-bad" }),
      svg("rect", { x: x + .75, y: y(one.approved + one.declined) + .75, width: Math.max(bar - 1.5, .5),
        height: Math.max(y(one.approved) - y(one.approved + one.declined) - 1.5, 0), class: "fill-none" }));
  });
  const mark = kind => svg("svg", { viewBox: "0 0 14 14", "aria-hidden": "true" }, svg("rect", { x: 2, y: 2, width: 10, height: 10, class: kind }));
  return [svg("svg", { viewBox: `0 0 ${wide} ${high}`, class: "drawing", role: "img", "aria-label": `Requests by UTC day, at most ${most}` },
    [0, most].map(value => [svg("line", { x1: left, x2: wide, y1: y(value), y2: y(value), class: "axis" }),
      svg("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end", class: "axis-text" }, count(value))]),
    bars, svg("text", { x: left, y: high - 5, class: "axis-text" }, list[0].day),
    list.length > 1 ? svg("text", { x: wide, y: high - 5, "text-anchor": "end", class: "axis-text" }, list.at(-1).day) : null),
  el("ul", { class: "legend" }, el("li", {}, mark("fill-bad"), "approved"), el("li", {}, mark("fill-none"), "declined"))];
}
