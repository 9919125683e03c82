// One 3×3 filter laid over every position of a picture.
import { translate } from "./texts.js";

const $ = (id) => document.getElementById(id);
const FILTERS = {
  vertical: [1, 0, -1, 1, 0, -1, 1, 0, -1],
  horizontal: [1, 1, 1, 0, 0, 0, -1, -1, -1],
  sobel: [1, 0, -1, 2, 0, -2, 1, 0, -1],
  blur: Array(9).fill(0.11),
  sharpen: [0, -1, 0, -1, 5, -1, 0, -1, 0],
};
const SIZE = 48;  // to which a picture of the user's is scaled
// the lecture's step: ten on the left, nothing on the right
const STEP = { size: 6, values: Array.from({ length: 36 }, (_, n) => (n % 6 < 3 ? 10 : 0)), most: 10 };

export function startSweep(shared) {
  let picture = STEP;
  let loads = 0;
  let position = Infinity;  // up to which results are shown
  let timer = null;
  const numbers = Array.from({ length: 9 }, (_, n) => {
    const input = document.createElement("input");
    input.type = "number";
    input.step = "any";
    input.setAttribute("aria-label", `${Math.floor(n / 3) + 1}, ${(n % 3) + 1}`);
    input.addEventListener("input", () => { $("filter").value = "own"; draw(); });
    return $("numbers").appendChild(input);
  });
  for (const name of [...Object.keys(FILTERS), "own"]) $("filter").append(new Option(translate(`sweep.${name}`), name));

  function choose() {
    FILTERS[$("filter").value]?.forEach((value, n) => { numbers[n].value = value; });
    draw();
  }

  const readWeights = () => numbers.map((input) => Number(input.value) || 0);

  function correlate(x, y, weights) {
    let sum = 0;
    for (let dy = 0; dy < 3; dy++) for (let dx = 0; dx < 3; dx++) sum += weights[3 * dy + dx] * picture.values[(y + dy) * picture.size + x + dx];
    return sum;
  }

  function draw() {
    const weights = readWeights();
    const out = picture.size - 2;
    const results = Array.from({ length: out * out }, (_, n) => correlate(n % out, Math.floor(n / out), weights));
    const strongest = Math.max(...results.map(Math.abs), 1e-9);
    const last = Math.min(position, out * out - 1);
    paint($("source"), picture.size, (n) => (255 * picture.values[n]) / picture.most);
    paint($("result"), out, (n) => (n <= last ? 127.5 + (127.5 * results[n]) / strongest : null));
    const [x, y] = [last % out, Math.floor(last / out)];
    frame($("source"), picture.size, x, y, 3);
    frame($("result"), out, x, y, 1);
    const terms = weights.map((value, n) => `${round(value)}·${round(picture.values[(y + Math.floor(n / 3)) * picture.size + x + (n % 3)])}`);
    $("sum").textContent = `${terms.join(" + ").replaceAll("+ -", "− ")} = ${round(results[last])}`;
    $("result").dataset.values = out <= 8 ? results.map(round).join(" ") : "";
  }

  function play() {
    clearInterval(timer);
    const positions = (picture.size - 2) ** 2;
    const stride = Math.max(1, Math.floor(positions / 200));
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) { position = Infinity; draw(); return; }
    position = 0;
    timer = setInterval(() => {
      draw();
      position += stride;
      if (position >= positions) { clearInterval(timer); position = Infinity; draw(); }
    }, picture.size > 8 ? 30 : 250);
  }

  async function load(file) {
    const turn = ++loads;
    const image = await createImageBitmap(file);
    if (turn !== loads) return;  // another picture was chosen meanwhile
    const context = Object.assign(document.createElement("canvas"), { width: SIZE, height: SIZE }).getContext("2d");
    context.drawImage(image, 0, 0, SIZE, SIZE);
    const { data } = context.getImageData(0, 0, SIZE, SIZE);
    const values = Array.from({ length: SIZE * SIZE }, (_, n) => Math.round(0.299 * data[4 * n] + 0.587 * data[4 * n + 1] + 0.114 * data[4 * n + 2]));
    picture = { size: SIZE, values, most: 255 };
    position = Infinity;
    draw();
  }

  $("filter").addEventListener("change", choose);
  $("play").addEventListener("click", play);
  $("picture").addEventListener("change", ({ target }) => {
    const [file] = target.files;
    if (file) for (const listener of shared.pictureListeners) listener(file);
  });
  shared.pictureListeners.push((file) => load(file).catch(() => {}));
  choose();
}

const round = (value) => String(Math.round(100 * value) / 100);

// Cells of a square canvas in grey; null stays empty.
function paint(canvas, size, grey) {
  const context = canvas.getContext("2d");
  const cell = canvas.width / size;
  context.clearRect(0, 0, canvas.width, canvas.height);
  for (let n = 0; n < size * size; n++) {
    const value = grey(n);
    if (value === null) continue;
    context.fillStyle = `rgb(${value} ${value} ${value})`;
    context.fillRect((n % size) * cell, Math.floor(n / size) * cell, cell + 0.5, cell + 0.5);
  }
}

function frame(canvas, cells, x, y, length) {
  const context = canvas.getContext("2d");
  const cell = canvas.width / cells;
  context.lineWidth = 3;
  context.strokeStyle = "#e8a400";
  context.strokeRect(x * cell, y * cell, length * cell, length * cell);
}
