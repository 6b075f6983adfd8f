// Runs: which there are, and what one of them is.

import { ask, count, day, el, facts, figures, link, many, section, state, table, verdict, words } from "./parts.js";

export function runs(known) {
  const rows = known.items.map(run => [
    el("a", { href: link(`run/${run.run_id}`), class: "id" }, run.run_id),
    [verdict(run.verdict), " ", run.run_id === known.opened ? state("opened") : null,
      run.is_verified ? null : state("not verified", "unsure")],
    `${run.window.first} – ${run.window.end}`,
    count(run.rows.transactions ?? 0), count(run.rows.cards ?? 0),
    run.fraud_rate === null ? "not shown" : `${(run.fraud_rate * 100).toFixed(3)} %`,
    run.created_utc.replace("T", " ").replace("Z", ""),
  ]);
  return [
    el("h1", {}, "Runs"),
    el("p", { class: "lead" }, "Fabricated worlds of card payments, the newest first."),
    section("All runs", table(`${count(known.page.total)} below this root`, [
      ["Run", "keep"], ["Verdict", "keep"], ["Days, UTC", "keep"], ["Transactions", "number"], ["Cards", "number"],
      ["Fraud", "number"], ["Made, UTC", "keep"]], rows)),
  ];
}

export async function run(id, known) {
  const told = await ask(`api/runs/${encodeURIComponent(id)}`);
  const { summary } = told;
  const { rows } = summary;
  const fraud = summary.fraud_rate === null ? null
    : ["Fraud", `${(summary.fraud_rate * 100).toFixed(3)} %`, many(rows.truth ?? 0, "transaction")];
  return [
    el("h1", {}, "Run ", el("span", { class: "id" }, id)),
    el("p", { class: "lead" }, verdict(summary.verdict), ` ${many(told.days, "day")} from ${summary.window.first}, seed ${summary.seed}. `,
      summary.is_verified ? "Sealed; every gate passed." : "Not verified: do not rely on it."),
    figures([
      ["Transactions", count(rows.transactions ?? 0)],
      ["Cards", count(rows.cards ?? 0), [`of ${many(rows.customers ?? 0, "customer")}`, rows.reissues ? `, and ${many(rows.reissues, "replacement")}` : null]],
      ["Merchants", count(rows.merchants ?? 0), `in ${many(rows.places ?? 0, "place")}`], fraud,
      ["Labels", count(rows.labels ?? 0), "facts that the bank wrote down"],
    ]),
    el("p", { class: "actions" },
      el("a", { class: "button", href: link(`run/${id}/cards`, { fraud: true }) }, "Cards under suspicion"),
      el("a", { class: "button", href: link(`run/${id}/cards`) }, "All cards"),
      known.is_truth_allowed ? el("a", { class: "button", href: link(`run/${id}/campaigns`) }, "Campaigns of fraud") : null,
      summary.has_report ? el("a", { class: "button", href: `runs/${id}/report` }, "Report") : null),
    known.is_truth_allowed && !summary.has_report
      ? el("p", { class: "lead" }, "No report yet: ", el("code", {}, `fauxpay report ${id}`), " makes it.") : null,
    section("Gates", el("ul", { class: "gates" }, told.gates.map(gate))),
    section("Identity", facts([
      ["World", el("code", {}, summary.world_id)], ["Parameters", el("code", {}, told.parameter_hash)],
      ["Receipt", el("code", {}, told.receipt_digest)], ["Model version", String(told.model_version)],
      ["Made", `${day(summary.created_utc)} ${summary.created_utc.slice(11, 16)} UTC`],
      ["By", Object.entries(told.packages).map(([name, text]) => `${name} ${text}`).join(", ")]])),
  ];
}

function gate(entry) {
  const bad = entry.checks.filter(check => check.verdict !== "PASS").length;
  const rows = entry.checks.map(check =>
    [words(check.name), verdict(check.verdict), count(check.rows), count(check.offenders)]);
  return el("li", {}, el("details", { open: bad > 0 },
    el("summary", {}, el("strong", {}, entry.name), verdict(entry.verdict),
      el("span", {}, bad ? `${count(bad)} of ${many(entry.checks.length, "check")} did not pass` : many(entry.checks.length, "check"))),
    table(`Checks of ${entry.name}`, [["Check"], ["Verdict", "keep"], ["Rows", "number"], ["Offenders", "number"]], rows)));
}
