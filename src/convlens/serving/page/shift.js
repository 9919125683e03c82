// The picture moved by single pixels, and what the detector says of it then.
import { ask, bars } from "./shared.js";
import { number, percent, say } from "./texts.js";

const $ = (id) => document.getElementById(id);
const MARGIN = 32;  // pixels by which a picture can be moved; its edge is repeated there

export function startShift(shared) {
  const canvas = $("moved");
  const side = canvas.width;
  let image = null;
  let x = 0;
  let y = 0;
  let seen = new Map();
  let latest = 0;
  $("range").textContent = say("shift.none");

  async function load(file) {
    image = await createImageBitmap(file, { resizeWidth: side, resizeHeight: side });
    seen = new Map();
    await move(-x, -y);
  }

  async function move(dx, dy) {
    if (!image) return;
    x = Math.max(-MARGIN, Math.min(MARGIN, x + dx));
    y = Math.max(-MARGIN, Math.min(MARGIN, y + dy));
    const context = canvas.getContext("2d", { willReadFrequently: true });
    // what comes in at the edge is the edge itself, drawn longer
    context.drawImage(image, x, y);
    if (x) context.drawImage(image, x > 0 ? 0 : side - 1, 0, 1, side, x > 0 ? 0 : side + x, y, Math.abs(x), side);
    if (y) context.drawImage(canvas, 0, y > 0 ? y : side + y - 1, side, 1, 0, y > 0 ? 0 : side + y, side, Math.abs(y));
    $("offset").textContent = say("shift.offset", { x, y });
    await judge(context.getImageData(0, 0, side, side).data);
  }

  async function judge(rgba) {
    const rgb = new Uint8Array(side * side * 3);
    for (let n = 0; n < side * side; n++) for (let c = 0; c < 3; c++) rgb[3 * n + c] = rgba[4 * n + c];
    const asked = ++latest;
    const place = `${x},${y}`;
    try {
      const { predictions } = await ask(`predict?height=${side}&width=${side}`, { method: "POST", headers: { "content-type": "application/octet-stream" }, body: rgb });
      const [answer] = predictions;
      seen.set(place, answer.probabilities);
      summarize();
      if (asked === latest) show(answer.probabilities);
    } catch (error) {
      $("range").textContent = say("try.failed", { why: error.message });
    }
  }

  function show(probabilities) {
    const first = seen.get("0,0") ?? probabilities;
    // in the order of the picture where it was, so that bars keep their places
    $("probabilities").replaceChildren(...bars(Object.fromEntries(Object.keys(first).map((label) => [label, probabilities[label]]))));
  }

  function summarize() {
    const all = [...seen.values()];
    const likeliest = Object.keys(seen.get("0,0") ?? all[0])[0];
    const values = all.map((one) => one[likeliest]);
    const changes = all.filter((one) => Object.keys(one)[0] !== likeliest).length;
    $("range").textContent = say("shift.range", { n: number(all.length), changes: number(changes), low: percent(Math.min(...values), 2), high: percent(Math.max(...values), 2) });
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
  $("home").addEventListener("click", () => move(-x, -y));
  shared.changed.push((file) => load(file).catch(() => {}));
}
