// The lecture, live: weights counted, what an output sees, one filter everywhere, shifts.
import { startShift } from "./shift.js";
import { startSweep } from "./sweep.js";
import { number, say } from "./texts.js";

const $ = (id) => document.getElementById(id);
const DRAWN = 32;  // sides up to which cells are drawn
const big = (value) => number(BigInt(value));

function layer() {
  const form = new FormData($("layer"));
  const of = (name) => Math.max(name === "padding" ? 0 : 1, Math.floor(Number(form.get(name)) || 0));
  const one = Object.fromEntries(["side", "channels", "filters", "kernel", "stride", "padding"].map((name) => [name, of(name)]));
  one.out = Math.floor((one.side + 2 * one.padding - one.kernel) / one.stride) + 1;
  return one;
}

// Places that an output's window covers along one side, the picture's own only.
function covered(one, at) {
  const first = at * one.stride - one.padding;
  return [Math.max(0, first), Math.min(one.side, first + one.kernel)];
}

// Connections within the picture, summed over all outputs: padding is no input.
function connections(one) {
  let along = 0n;
  for (let at = 0; at < one.out; at++) {
    const [first, end] = covered(one, at);
    along += BigInt(Math.max(0, end - first));
  }
  return along * along * BigInt(one.channels) * BigInt(one.filters);
}

function count() {
  const one = layer();
  $("scale").replaceChildren();
  if (one.out < 1) {
    $("counts").replaceChildren(box("", say("weights.none")));
    return;
  }
  const [side, out, channels, filters, kernel] = [one.side, one.out, one.channels, one.filters, one.kernel].map(BigInt);
  const parameters = filters * (kernel * kernel * channels + 1n);
  const dense = side * side * channels * out * out * filters;
  $("counts").replaceChildren(
    box(say("weights.input"), `${number(one.side)}×${number(one.side)}×${one.channels} = ${big(side * side * channels)}`),
    box(say("weights.output"), `${number(one.out)}×${number(one.out)}×${one.filters} = ${big(out * out * filters)}`),
    box(say("weights.parameters"), big(parameters)),
    box(say("weights.connections"), big(connections(one))),
    box(say("weights.dense"), big(dense)),
    box(say("weights.ratio"), big(dense / parameters)),
  );
  $("scale").append(areas(Number(parameters) / Number(dense)));
  field(one);
}

function box(name, value) {
  const made = document.createElement("div");
  const [dt, dd] = ["dt", "dd"].map((tag) => document.createElement(tag));
  dt.textContent = name;
  dd.textContent = value;
  made.append(dt, dd);
  return made;
}

// Two squares whose areas are as the numbers of weights.
function areas(share) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 -5 400 135");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", say("weights.drawn"));
  const small = 100 * Math.sqrt(Math.min(1, share));
  for (const [x, edge, fill] of [[5, 100, "var(--line)"], [130, Math.max(small, 0.4), "var(--main)"]]) {
    const rectangle = document.createElementNS(space, "rect");
    for (const [name, value] of Object.entries({ x, y: 5, width: edge, height: edge })) rectangle.setAttribute(name, value);
    rectangle.style.fill = fill;
    svg.append(rectangle);
  }
  // a ring, since the dot alone would not be seen
  const ring = document.createElementNS(space, "circle");
  for (const [name, value] of Object.entries({ cx: 130 + small / 2, cy: 5 + small / 2, r: 4 + small })) ring.setAttribute(name, value);
  ring.style.fill = "none";
  ring.style.stroke = "var(--main)";
  svg.append(ring);
  const text = document.createElementNS(space, "text");
  text.setAttribute("x", 5);
  text.setAttribute("y", 124);
  text.textContent = say("weights.drawn");
  svg.append(text);
  return svg;
}

function field(one) {
  const [inputs, outputs] = [$("inputs"), $("outputs")];
  inputs.replaceChildren();
  outputs.replaceChildren();
  $("inputs-says").textContent = say("field.inputs", { side: one.side });
  $("outputs-says").textContent = say("field.outputs", { side: one.out });
  if (one.side > DRAWN) {
    $("field-state").textContent = say("field.large");
    return;
  }
  inputs.style.gridTemplateColumns = `repeat(${one.side}, 1fr)`;
  outputs.style.gridTemplateColumns = `repeat(${one.out}, 1fr)`;
  const cells = Array.from({ length: one.side ** 2 }, () => inputs.appendChild(document.createElement("span")));
  const buttons = Array.from({ length: one.out ** 2 }, (_, n) => {
    const button = outputs.appendChild(document.createElement("button"));
    const [x, y] = [n % one.out, Math.floor(n / one.out)];
    button.setAttribute("aria-label", say("field.cell", { x, y }));
    button.tabIndex = n ? -1 : 0;
    for (const kind of ["pointerenter", "focus", "click"]) button.addEventListener(kind, () => light(x, y));
    button.addEventListener("keydown", (event) => {
      const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
      if (!dx && !dy) return;
      event.preventDefault();
      const [nx, ny] = [x + dx, y + dy].map((at) => Math.min(one.out - 1, Math.max(0, at)));
      buttons[ny * one.out + nx].focus();
    });
    return button;
  });

  function light(x, y) {
    const [left, right] = covered(one, x);
    const [top, bottom] = covered(one, y);
    let lit = 0;
    cells.forEach((cell, n) => {
      const [cx, cy] = [n % one.side, Math.floor(n / one.side)];
      const seen = cx >= left && cx < right && cy >= top && cy < bottom;
      cell.className = seen ? "lit" : "";
      lit += seen;
    });
    buttons.forEach((button, n) => { button.className = n === y * one.out + x ? "lit" : ""; });
    const values = { x, y, lit: number(lit * one.channels), all: number(one.side ** 2 * one.channels) };
    $("field-state").textContent = say("field.state", values);
    inputs.setAttribute("aria-label", $("field-state").textContent);
  }
  light(Math.floor(one.out / 2), Math.floor(one.out / 2));
}

export function startWhy(shared) {
  $("layer").addEventListener("input", count);
  $("layer").addEventListener("submit", (event) => event.preventDefault());
  count();
  startSweep(shared);
  startShift(shared);
}
