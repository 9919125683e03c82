// The lecture, live: weights counted, what an output sees, one filter everywhere, shifts.
import { startShift } from "./shift.js";
import { startSweep } from "./sweep.js";
import { formatNumber, translate } from "./texts.js";

const $ = (id) => document.getElementById(id);
const MAX_DRAWN = 32;  // the longest side of which cells are drawn
const formatBig = (value) => formatNumber(BigInt(value));

function readLayer() {
  const form = new FormData($("layer"));
  const valueOf = (name) => {
    const { min, max } = $("layer").elements[name];
    return Math.min(Number(max), Math.max(Number(min), Math.floor(Number(form.get(name)) || 0)));
  };
  const layer = Object.fromEntries(["side", "channels", "filters", "kernel", "stride", "padding"].map((name) => [name, valueOf(name)]));
  layer.outputSide = Math.floor((layer.side + 2 * layer.padding - layer.kernel) / layer.stride) + 1;
  return layer;
}

// Where an output's window begins and ends along one axis, within the picture.
function windowRange(layer, index) {
  const first = index * layer.stride - layer.padding;
  return [Math.max(0, first), Math.min(layer.side, first + layer.kernel)];
}

// Connections within the picture, summed over all outputs: padding is no input.
function connections(layer) {
  let perAxis = 0n;
  for (let index = 0; index < layer.outputSide; index++) {
    const [first, end] = windowRange(layer, index);
    perAxis += BigInt(Math.max(0, end - first));
  }
  return perAxis * perAxis * BigInt(layer.channels) * BigInt(layer.filters);
}

function showCounts() {
  const layer = readLayer();
  $("scale").replaceChildren();
  if (layer.outputSide < 1) {
    $("counts").replaceChildren(countBox("", translate("weights.none")));
    return;
  }
  const [side, outputSide, channels, filters, kernel] = [layer.side, layer.outputSide, layer.channels, layer.filters, layer.kernel].map(BigInt);
  const parameters = filters * (kernel * kernel * channels + 1n);
  const dense = side * side * channels * outputSide * outputSide * filters;
  $("counts").replaceChildren(
    countBox(translate("weights.input"), `${formatNumber(layer.side)}×${formatNumber(layer.side)}×${layer.channels} = ${formatBig(side * side * channels)}`),
    countBox(translate("weights.output"), `${formatNumber(layer.outputSide)}×${formatNumber(layer.outputSide)}×${layer.filters} = ${formatBig(outputSide * outputSide * filters)}`),
    countBox(translate("weights.parameters"), formatBig(parameters)),
    countBox(translate("weights.connections"), formatBig(connections(layer))),
    countBox(translate("weights.dense"), formatBig(dense)),
    countBox(translate("weights.ratio"), formatBig(dense / parameters)),
  );
  $("scale").append(drawAreas(Number(parameters) / Number(dense)));
  drawReceptiveField(layer);
}

function countBox(name, value) {
  const element = document.createElement("div");
  const [dt, dd] = ["dt", "dd"].map((tag) => document.createElement(tag));
  dt.textContent = name;
  dd.textContent = value;
  element.append(dt, dd);
  return element;
}

// Two squares whose areas are as the numbers of weights.
function drawAreas(share) {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  svg.setAttribute("viewBox", "0 -5 400 135");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", translate("weights.drawn"));
  const small = 100 * Math.sqrt(Math.min(1, share));
  for (const [x, edge, fill] of [[5, 100, "var(--line)"], [130, Math.max(small, 0.4), "var(--main)"]]) {
    const rectangle = document.createElementNS(namespace, "rect");
    for (const [name, value] of Object.entries({ x, y: 5, width: edge, height: edge })) rectangle.setAttribute(name, value);
    rectangle.style.fill = fill;
    svg.append(rectangle);
  }
  // a ring, since the dot alone would not be seen
  const ring = document.createElementNS(namespace, "circle");
  for (const [name, value] of Object.entries({ cx: 130 + small / 2, cy: 5 + small / 2, r: 4 + small })) ring.setAttribute(name, value);
  ring.style.fill = "none";
  ring.style.stroke = "var(--main)";
  svg.append(ring);
  const text = document.createElementNS(namespace, "text");
  text.setAttribute("x", 5);
  text.setAttribute("y", 124);
  text.textContent = translate("weights.drawn");
  svg.append(text);
  return svg;
}

function drawReceptiveField(layer) {
  const [inputs, outputs] = [$("inputs"), $("outputs")];
  inputs.replaceChildren();
  outputs.replaceChildren();
  $("inputs-says").textContent = translate("field.inputs", { side: layer.side });
  $("outputs-says").textContent = translate("field.outputs", { side: layer.outputSide });
  if (layer.side > MAX_DRAWN) {
    $("field-state").textContent = translate("field.large");
    return;
  }
  inputs.style.gridTemplateColumns = `repeat(${layer.side}, 1fr)`;
  outputs.style.gridTemplateColumns = `repeat(${layer.outputSide}, 1fr)`;
  const cells = Array.from({ length: layer.side ** 2 }, () => inputs.appendChild(document.createElement("span")));
  const buttons = Array.from({ length: layer.outputSide ** 2 }, (_, n) => {
    const button = outputs.appendChild(document.createElement("button"));
    const [x, y] = [n % layer.outputSide, Math.floor(n / layer.outputSide)];
    button.setAttribute("aria-label", translate("field.cell", { x, y }));
    button.tabIndex = n ? -1 : 0;
    for (const kind of ["pointerenter", "focus", "click"]) button.addEventListener(kind, () => highlight(x, y));
    button.addEventListener("keydown", (event) => {
      const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
      if (!dx && !dy) return;
      event.preventDefault();
      const [nx, ny] = [x + dx, y + dy].map((index) => Math.min(layer.outputSide - 1, Math.max(0, index)));
      buttons[ny * layer.outputSide + nx].focus();
    });
    return button;
  });

  function highlight(x, y) {
    const [left, right] = windowRange(layer, x);
    const [top, bottom] = windowRange(layer, y);
    let lit = 0;
    cells.forEach((cell, n) => {
      const [cx, cy] = [n % layer.side, Math.floor(n / layer.side)];
      const covered = cx >= left && cx < right && cy >= top && cy < bottom;
      cell.className = covered ? "lit" : "";
      lit += covered;
    });
    buttons.forEach((button, n) => { button.className = n === y * layer.outputSide + x ? "lit" : ""; });
    const values = { x, y, lit: formatNumber(lit * layer.channels), all: formatNumber(layer.side ** 2 * layer.channels) };
    $("field-state").textContent = translate("field.state", values);
    inputs.setAttribute("aria-label", $("field-state").textContent);
  }
  highlight(Math.floor(layer.outputSide / 2), Math.floor(layer.outputSide / 2));
}

export function startWhy(shared) {
  $("layer").addEventListener("input", showCounts);
  $("layer").addEventListener("submit", (event) => event.preventDefault());
  showCounts();
  startSweep(shared);
  startShift(shared);
}
