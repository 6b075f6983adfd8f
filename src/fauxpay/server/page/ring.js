// Ring: a graph as SVG, laid out by forces that start at fixed places, so that it looks the same twice.

import { count, el, many, svg, table } from "./parts.js";

const WIDE = 1000, HIGH = 620, ROUNDS = 260, NAMED_MAX = 14, FEW = 30;
const KINDS = ["card", "device", "address", "merchant"];

// Nodes repel, edges pull, the middle pulls a little: Fruchterman and Reingold, without chance.
function placed(nodes, edges) {
  const golden = Math.PI * (3 - Math.sqrt(5));
  const at = nodes.map((_, nth) => {
    const radius = 14 * Math.sqrt(nth + 1) + 10;
    return { x: WIDE / 2 + 1.5 * radius * Math.cos(nth * golden), y: HIGH / 2 + radius * Math.sin(nth * golden) };
  });
  const ideal = .62 * Math.sqrt(WIDE * HIGH / Math.max(nodes.length, 1));
  for (let round = 0; round < ROUNDS; round++) {
    const heat = 60 * (1 - round / ROUNDS) + 1;
    const push = at.map(() => ({ x: 0, y: 0 }));
    for (let i = 0; i < at.length; i++) {
      for (let j = i + 1; j < at.length; j++) {
        const dx = at[i].x - at[j].x || .01, dy = at[i].y - at[j].y || .01;
        const force = ideal * ideal / (dx * dx + dy * dy);
        push[i].x += dx * force; push[i].y += dy * force;
        push[j].x -= dx * force; push[j].y -= dy * force;
      }
    }
    for (const [from, to] of edges) {
      const dx = at[from].x - at[to].x, dy = at[from].y - at[to].y;
      const force = Math.hypot(dx, dy) / ideal * .9;
      push[from].x -= dx * force; push[from].y -= dy * force;
      push[to].x += dx * force; push[to].y += dy * force;
    }
    at.forEach((point, nth) => {
      push[nth].x += (WIDE / 2 - point.x) * .5; push[nth].y += (HIGH / 2 - point.y) * .9;
      const far = Math.hypot(push[nth].x, push[nth].y) || 1, step = Math.min(far, heat);
      point.x += push[nth].x / far * step; point.y += push[nth].y / far * step;
    });
  }
  return fitted(at);
}

function fitted(at) {
  const xs = at.map(point => point.x), ys = at.map(point => point.y);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const margin = 40;
  const across = (WIDE - 2 * margin) / (right - left), down = (HIGH - 2 * margin) / (bottom - top);
  // A spread below a pixel is what rounding left of none: it is drawn in the middle.
  return at.map(point => ({
    x: right - left < 1 ? WIDE / 2 : margin + (point.x - left) * across,
    y: bottom - top < 1 ? HIGH / 2 : margin + (point.y - top) * down,
  }));
}

function shape(kind, r) {
  if (kind === "card") return svg("rect", { x: -1.3 * r, y: -.9 * r, width: 2.6 * r, height: 1.8 * r, rx: .35 * r, class: "node card" });
  if (kind === "device") return svg("rect", { x: -.85 * r, y: -.85 * r, width: 1.7 * r, height: 1.7 * r, transform: "rotate(45)", class: "node device" });
  if (kind === "address") return svg("path", { d: `M0 ${-1.2 * r}L${1.15 * r} ${.85 * r}H${-1.15 * r}Z`, class: "node address" });
  return svg("circle", { r, class: "node merchant" });
}

// to: the address of a node's own view, or null
export function ring(graph, to) {
  const { nodes } = graph;
  const index = new Map(nodes.map((node, nth) => [node.node, nth]));
  const pairs = graph.edges.map(edge => [index.get(edge.source), index.get(edge.target)]);
  const at = placed(nodes, pairs);
  const near = nodes.map(() => new Set());
  pairs.forEach(([from, to], nth) => { near[from].add(to); near[to].add(from); near[from].add(`e${nth}`); near[to].add(`e${nth}`); });
  const most = Math.max(...nodes.map(node => node.transactions));
  const size = node => 6 + 9 * Math.sqrt(node.transactions / most);
  const lines = graph.edges.map((edge, nth) => {
    const [from, to] = pairs[nth];
    return svg("line", { x1: at[from].x, y1: at[from].y, x2: at[to].x, y2: at[to].y, class: "edge", "stroke-width": 1 + Math.min(5, Math.log2(edge.transactions)) });
  });
  const said = el("p", { class: "said", "aria-live": "polite" }, "Point at a node, or go to it with Tab, to see what it met.");
  const labels = named(nodes, at, near, size);
  const drawing = svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, class: "drawing ring", role: "group", "aria-label": "Graph of what met; the table below has each edge" });
  const groups = nodes.map((node, nth) => group(node, nth));

  function group(node, nth) {
    const name = `${node.kind} ${node.name}`;
    const told = `${name}: ${many(node.transactions, "transaction")}, met ${many([...near[nth]].filter(one => typeof one === "number").length, "other")}`;
    const show = () => { choose(nth); said.textContent = told; };
    const go = () => { const address = to(node); if (address) location.hash = address; };
    return svg("g", { transform: `translate(${at[nth].x.toFixed(1)} ${at[nth].y.toFixed(1)})`, tabindex: "0", role: to(node) ? "link" : "img",
      "aria-label": told, onmouseenter: show, onmouseleave: () => choose(null), onfocus: show, onblur: () => choose(null), onclick: go,
      onkeydown: event => { if (event.key === "Enter") go(); } },
    shape(node.kind, size(node)));
  }

  function choose(nth) {
    drawing.classList.toggle("chosen", nth !== null);
    lines.forEach((line, edge) => line.classList.toggle("near", nth !== null && near[nth].has(`e${edge}`)));
    groups.forEach((one, other) => {
      one.firstChild.classList.toggle("near", nth !== null && (other === nth || near[nth].has(other)));
    });
    texts.forEach(([other, text]) => text.classList.toggle("near", nth !== null && (other === nth || near[nth].has(other))));
  }

  // Names stand over all nodes.
  const texts = [...labels].map(([nth, { text, place }]) => [nth, svg("text", place, text)]);
  drawing.append(...lines, ...groups, ...texts.map(([, text]) => text));
  const legend = KINDS.filter(kind => nodes.some(node => node.kind === kind)).map(kind =>
    el("li", {}, svg("svg", { viewBox: "-9 -9 18 18", "aria-hidden": "true" }, shape(kind, 6)), many(nodes.filter(node => node.kind === kind).length, kind, kind === "address" ? "addresses" : undefined)));
  const cut = graph.is_cut
    ? el("p", { class: "note" }, `Cut: the ${many(nodes.length, "node")} of ${count(graph.nodes_total)} with most transactions, ${many(graph.edges.length, "edge")} of ${count(graph.edges_total)}.`) : null;
  return [el("ul", { class: "legend" }, legend), el("div", { class: "scroll" }, drawing), said, cut, numbers(graph, index)];
}

// Names of what most cards met, where no other name stands yet.
function named(nodes, at, near, size) {
  const degree = nth => [...near[nth]].filter(one => nodes[one]?.kind === "card").length;
  const boxes = [], found = new Map();
  const order = nodes.map((_, nth) => nth).filter(nth => nodes[nth].kind !== "card" && (degree(nth) > 1 || nodes.length <= FEW))
    .sort((a, b) => degree(b) - degree(a) || a - b);
  for (const nth of order) {
    if (found.size >= NAMED_MAX) break;
    const node = nodes[nth];
    const text = node.kind === "device" ? `device …${node.name.slice(-4)}` : node.name;
    const wide = 7 * text.length, { x, y } = at[nth];
    const anchor = x < wide / 2 ? "start" : x > WIDE - wide / 2 ? "end" : "middle";
    const left = anchor === "start" ? x : anchor === "end" ? x - wide : x - wide / 2;
    for (const dy of [size(node) + 14, -size(node) - 6]) {
      const box = [left, y + dy - 12, left + wide, y + dy + 3];
      if (box[3] > HIGH || boxes.some(other => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3])) continue;
      boxes.push(box);
      found.set(nth, { text, place: { x, y: y + dy, "text-anchor": anchor } });
      break;
    }
  }
  return found;
}

function numbers(graph, index) {
  const name = key => { const node = graph.nodes[index.get(key)]; return `${node.kind} ${node.name}`; };
  return el("details", {}, el("summary", {}, "The same as a table"),
    table(many(graph.edges.length, "edge"), [["From"], ["To"], ["Transactions", "number"], ["Declined", "number"]],
      graph.edges.map(edge => [name(edge.source), name(edge.target), count(edge.transactions), count(edge.declined)])));
}
