// Inside the network: each layer's maps of a picture, what a value sees, and how it was made.
import { fetchJson } from "./api.js";
import { batches } from "./shared.js";
import { formatNumber, translate } from "./texts.js";

const $ = (id) => document.getElementById(id);
const MAX_PICTURES = 24;  // among which the strongest patches are looked for
const PATCH = 72;  // pixels of a patch's side
const decimals = (value) => value.toLocaleString(undefined, { maximumSignificantDigits: 3 });

export function startInside(shared, limits) {
  const files = [];  // the latest first
  let [network, picture, file, chosen, shown] = [null, null, null, 0, 0];

  const pictureForm = (some) => {
    const form = new FormData();
    for (const file of some) form.append("files", file, file.name || "picture");
    return { method: "POST", body: form };
  };
  const ask = async (path, values, some = [file]) => {
    const { pictures } = await fetchJson(`${path}?${new URLSearchParams(values)}`, pictureForm(some));
    return pictures;
  };
  const fail = (error) => { $("inside-says").textContent = translate("try.failed", { why: error.message }); };

  async function show() {
    if (!files.length) return;
    const turn = ++shown;
    const [latest] = files;
    const [bitmap, layers] = await Promise.all([createImageBitmap(latest), fetchJson("layers")]);
    if (turn !== shown) return;  // another picture was chosen meanwhile
    chosen++;  // and what is still being explained is of the one before
    [picture, network, file] = [bitmap, layers, latest];
    drawPicture();
    $("inside-says").textContent = translate("inside.point");
    $("made").replaceChildren();
    $("layers").replaceChildren(...network.layers.map(describeLayer));
    $("all-layers").hidden = network.chosen.length === network.layers.length;
    for (const layer of network.chosen) $("layers").children[layer].open = true;
  }

  // A layer's maps are asked for when it is opened.
  function describeLayer(layer, number) {
    const details = document.createElement("details");
    details.className = network.chosen.includes(number) ? "" : "more";
    const [summary, small, maps] = ["summary", "small", "div"].map((tag) => document.createElement(tag));
    maps.className = "maps";
    summary.append(`${formatNumber(number + 1)}. ${layer.kind} `, small);
    small.textContent = `${layer.name} · ${translate("inside.layer", { maps: formatNumber(layer.channels), size: `${layer.height}×${layer.width}`, field: fieldSize(layer) })}`;
    details.append(summary, maps);
    details.addEventListener("toggle", async () => {
      if (!details.open || maps.childElementCount) return;
      try {
        const [answer] = await ask("maps", { layer: number });
        if (answer.error) throw new Error(answer.error);
        maps.replaceChildren(...answer.maps.map((map) => drawMap(map, layer, number)));
      } catch (error) {
        fail(error);
      }
    });
    return details;
  }

  function fieldSize(layer) {
    const frame = [network.height, network.width];
    const sides = layer.field?.map(({ first, last }, axis) => Math.min(frame[axis], last - first + 1)) ?? frame;
    return `${sides[0]}×${sides[1]}`;
  }

  function drawMap(map, layer, number) {
    const figure = document.createElement("figure");
    const canvas = greyCanvas(map);
    const values = levelsOf(map);
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", translate("inside.map", { layer: formatNumber(number + 1), filter: formatNumber(map.channel) }));
    let [row, column] = [layer.height >> 1, layer.width >> 1];
    const point = () => {
      const value = map.low + ((map.high - map.low) * values[row * layer.width + column]) / 255;
      drawPicture(fieldOf(layer, row, column));
      $("inside-says").textContent = translate("inside.value", { layer: formatNumber(number + 1), filter: formatNumber(map.channel), row, column, value: decimals(value), field: fieldSize(layer) });
    };
    canvas.addEventListener("pointermove", ({ offsetX, offsetY }) => {
      row = Math.min(layer.height - 1, Math.floor((offsetY / canvas.clientHeight) * layer.height));
      column = Math.min(layer.width - 1, Math.floor((offsetX / canvas.clientWidth) * layer.width));
      point();
    });
    canvas.addEventListener("focus", point);
    canvas.addEventListener("click", () => explain(number, map.channel, row, column).catch(fail));
    canvas.addEventListener("keydown", (event) => {
      const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      if (event.key === "Enter") explain(number, map.channel, row, column).catch(fail);
      if (!step) return;
      event.preventDefault();
      row = Math.max(0, Math.min(layer.height - 1, row + step[0]));
      column = Math.max(0, Math.min(layer.width - 1, column + step[1]));
      point();
    });
    figure.append(canvas);
    if (layer.filters) figure.append(colourCanvas(layer.filters[map.channel]));
    return figure;
  }

  // What a value sees, as shares of what the network sees: [left, top, width, height].
  function fieldOf(layer, row, column) {
    if (!layer.field) return [0, 0, 1, 1];
    const [down, across] = [row, column].map((at, axis) => {
      const { step, first, last, end } = layer.field[axis];
      const [from, to] = [Math.max(0, step * at + first), Math.min(end, step * at + last) + 1];
      const side = axis ? network.width : network.height;
      return [from / side, (to - from) / side];
    });
    return [across[0], down[0], across[1], down[1]];
  }

  // The picture, on its canvas where the network sees it so.
  function drawPicture(box) {
    const canvas = $("inside-picture");
    const frame = network.grey === null ? picture : network;
    const scale = 320 / Math.max(frame.width, frame.height);
    [canvas.width, canvas.height] = [frame.width, frame.height].map((length) => Math.max(1, Math.round(length * scale)));
    const context = canvas.getContext("2d");
    context.fillStyle = `rgb(${network.grey} ${network.grey} ${network.grey})`;
    context.fillRect(0, 0, canvas.width, canvas.height);
    const fitted = Math.min(canvas.width / picture.width, canvas.height / picture.height);
    context.drawImage(picture, 0, 0, picture.width * fitted, picture.height * fitted);
    if (!box) return;
    for (const [colour, inset] of [["#000", 0], ["#ffd35c", 1]]) {
      context.strokeStyle = colour;
      context.lineWidth = inset ? 2 : 4;
      context.strokeRect(box[0] * canvas.width, box[1] * canvas.height, Math.max(2, box[2] * canvas.width), Math.max(2, box[3] * canvas.height));
    }
  }

  async function explain(layer, channel, row, column) {
    const turn = ++chosen;
    const [[answer], patches] = await Promise.all([ask("sum", { layer, channel, row, column }), strongest(layer, channel)]);
    if (turn !== chosen) return;
    const parts = [];
    if (answer.sum) parts.push(heading("inside.sum"), ...sumLines(answer.sum, network.layers[layer].filters));
    parts.push(heading("inside.strongest", { filter: formatNumber(channel) }));
    const row_ = document.createElement("div");
    row_.className = "maps";
    row_.append(...patches);
    $("made").replaceChildren(...parts, row_);
  }

  async function strongest(layer, channel) {
    const found = [];
    for (const some of batches(files, limits)) {
      const peaks = await ask("strongest", { layer, channel }, some);
      peaks.forEach((peak, n) => { if (!peak.error) found.push({ ...peak, file: some[n] }); });
    }
    found.sort((a, b) => b.value - a.value);
    const drawn = await Promise.allSettled(found.slice(0, 9).map(drawPatch));
    return drawn.flatMap(({ value }) => value ?? []);  // without those that the browser cannot show
  }

  function heading(name, values) {
    const title = document.createElement("h2");
    title.textContent = translate(name, values);
    return title;
  }

  const remember = (file) => {
    files.unshift(file);
    files.splice(MAX_PICTURES);
    if (!$("inside").hidden) show().catch(fail);
  };
  shared.pictureListeners.push(remember);
  $("inside-choose").addEventListener("change", ({ target }) => {
    for (const file of target.files) remember(file);
    target.value = "";
  });
  $("tab-inside").addEventListener("click", () => { if (files.length) show().catch(fail); });
  $("all-layers").addEventListener("click", () => {
    $("layers").classList.add("all");
    $("all-layers").hidden = true;
  });
}

const levelsOf = ({ levels }) => Uint8Array.from(atob(levels), (character) => character.charCodeAt(0));

function pixelCanvas(height, width, levelAt) {
  const canvas = document.createElement("canvas");
  [canvas.height, canvas.width] = [height, width];
  const pixels = new ImageData(width, height);
  for (let cell = 0; cell < height * width; cell++) pixels.data.set([...levelAt(cell), 255], 4 * cell);
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}

function greyCanvas(map) {
  const levels = levelsOf(map);
  return pixelCanvas(map.shape[0], map.shape[1], (cell) => [levels[cell], levels[cell], levels[cell]]);
}

function colourCanvas(filter) {
  const levels = levelsOf(filter);
  const canvas = pixelCanvas(filter.shape[0], filter.shape[1], (cell) => levels.subarray(3 * cell, 3 * cell + 3));
  canvas.className = "filter";
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", translate("inside.filter"));
  return canvas;
}

async function drawPatch({ file, box, value }) {
  const image = await createImageBitmap(file);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = PATCH;
  const [x, y, width, height] = [box.left * image.width, box.top * image.height, (box.right - box.left) * image.width, (box.bottom - box.top) * image.height];
  canvas.getContext("2d").drawImage(image, x, y, Math.max(1, width), Math.max(1, height), 0, 0, PATCH, PATCH);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${file.name}: ${decimals(value)}`);
  canvas.title = `${file.name}: ${decimals(value)}`;
  return canvas;
}

function sumLines({ inputs, weights, bias, before, value }, colours) {
  const lines = inputs.map((plane, channel) => {
    const line = document.createElement("p");
    line.className = "mono";
    const terms = plane.flatMap((row, y) => row.map((input, x) => `${decimals(input)} × ${decimals(weights[channel][y][x])}`));
    const total = plane.flat().reduce((sum, input, n) => sum + input * weights[channel].flat()[n], 0);
    line.textContent = `${colours ? `${translate(`inside.colour${channel}`)}: ` : ""}${terms.join(" + ")} = ${decimals(total)}`;
    return line;
  });
  const end = document.createElement("p");
  end.className = "mono";
  end.textContent = translate("inside.total", { bias: decimals(bias), before: decimals(before), value: decimals(value) });
  return [...lines, end];
}
