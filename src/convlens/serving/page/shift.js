// The picture moved by single pixels, and what the detector says of it then.
import { fetchJson } from "./api.js";
import { probabilityBars } from "./shared.js";
import { formatNumber, formatPercent, translate } from "./texts.js";

const $ = (id) => document.getElementById(id);
const MARGIN = 32;  // pixels by which a picture can be moved; its edge is repeated there

export function startShift(shared) {
  const canvas = $("shift-canvas");
  const size = canvas.width;
  let image = null;
  let x = 0;
  let y = 0;
  let probabilitiesByOffset = new Map();
  let labels = shared.labels;
  let [loads, requests] = [0, 0];
  $("range").textContent = translate("shift.none");

  async function load(file) {
    const turn = ++loads;
    const bitmap = await createImageBitmap(file, { resizeWidth: size, resizeHeight: size });
    if (turn !== loads) return;  // another picture was chosen meanwhile
    image = bitmap;
    probabilitiesByOffset = new Map();
    await move(-x, -y);
  }

  async function move(dx, dy) {
    if (!image) return;
    if (labels !== shared.labels) {  // another detector is used now
      labels = shared.labels;
      probabilitiesByOffset = new Map();
    }
    x = Math.max(-MARGIN, Math.min(MARGIN, x + dx));
    y = Math.max(-MARGIN, Math.min(MARGIN, y + dy));
    const context = canvas.getContext("2d", { willReadFrequently: true });
    // what comes in at the edge is the edge itself, drawn longer
    context.drawImage(image, x, y);
    if (x) context.drawImage(image, x > 0 ? 0 : size - 1, 0, 1, size, x > 0 ? 0 : size + x, y, Math.abs(x), size);
    if (y) context.drawImage(canvas, 0, y > 0 ? y : size + y - 1, size, 1, 0, y > 0 ? 0 : size + y, size, Math.abs(y));
    $("offset").textContent = translate("shift.offset", { x, y });
    await predict(context.getImageData(0, 0, size, size).data);
  }

  async function predict(rgba) {
    const rgb = new Uint8Array(size * size * 3);
    for (let n = 0; n < size * size; n++) for (let c = 0; c < 3; c++) rgb[3 * n + c] = rgba[4 * n + c];
    const request = ++requests;
    const ofPicture = probabilitiesByOffset;
    const offset = `${x},${y}`;
    try {
      const { predictions } = await fetchJson(`predict?height=${size}&width=${size}`, { method: "POST", headers: { "content-type": "application/octet-stream" }, body: rgb });
      if (ofPicture !== probabilitiesByOffset) return;
      const [answer] = predictions;
      const probabilities = answer.probabilities ?? surest(answer.objects);
      probabilitiesByOffset.set(offset, probabilities);
      summarize();
      if (request === requests) show(probabilities);
    } catch (error) {
      $("range").textContent = translate("try.failed", { why: error.message });
    }
  }

  // Labels that are numbers do not stand in the order of their probabilities.
  const likeliestOf = (probabilities) => Object.entries(probabilities).reduce((best, other) => (other[1] > best[1] ? other : best))[0];

  // Of a detector of boxes: each class's surest object.
  function surest(objects) {
    const best = shared.labels.map((label) => [label, Math.max(0, ...objects.filter(({ predicted }) => predicted === label).map(({ score }) => score))]);
    return Object.fromEntries(best.sort(([, one], [, other]) => other - one));
  }

  function show(probabilities) {
    const unmoved = probabilitiesByOffset.get("0,0") ?? probabilities;
    // in the order of the picture before it was moved, so that each bar stays where it is
    $("probabilities").replaceChildren(...probabilityBars(Object.fromEntries(Object.keys(unmoved).map((label) => [label, probabilities[label]]))));
  }

  function summarize() {
    const all = [...probabilitiesByOffset.values()];
    const likeliest = likeliestOf(probabilitiesByOffset.get("0,0") ?? all[0]);
    const values = all.map((probabilities) => probabilities[likeliest]);
    const changes = all.filter((probabilities) => likeliestOf(probabilities) !== likeliest).length;
    $("range").textContent = translate("shift.range", { n: formatNumber(all.length), changes: formatNumber(changes), low: formatPercent(Math.min(...values), 2), high: formatPercent(Math.max(...values), 2) });
  }

  for (const button of document.querySelectorAll("[data-move]")) {
    button.addEventListener("click", () => move(...button.dataset.move.split(",").map(Number)));
  }
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    move(...step);
  });
  $("shift-reset").addEventListener("click", () => move(-x, -y));
  shared.pictureListeners.push((file) => load(file).catch(() => {}));
}
