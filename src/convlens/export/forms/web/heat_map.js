// What each part of a picture says for its most probable class, as `convlens predict --why` draws it.
import { roundHalfEven } from "./level.js";
import { largest } from "./rule.js";

const [CELLS, HIDDEN, BLUR, SMALLEST] = [8, 2, 1 / 8, 1e-30];
const range = (from, to) => Array.from({ length: to - from }, (_, n) => from + n);
const sum = (values) => values.reduce((all, value) => all + value, 0);

// Class maps: one of the class against the others, each by its share in them.
function ofMaps({ p, values, axes: [, rows, columns] }, k) {
  const shares = p.map((share, other) => (other === k ? 0 : share + SMALLEST));
  const all = sum(shares);
  const at = (other, cell) => values[other * rows * columns + cell];
  const evidence = (cell) => at(k, cell) - sum(shares.map((share, other) => (share / all) * at(other, cell)));
  return range(0, rows).map((row) => range(0, columns).map((column) => evidence(row * columns + column)));
}

function logOdds(p, k) {
  return Math.log(Math.max(p[k], SMALLEST) / Math.max(sum(p) - p[k], SMALLEST));
}

// The same picture without detail: a Gaussian along the rows, and along the columns of that.
function blurred(pixels, side) {
  const sigma = BLUR * side, reach = Math.ceil(3 * sigma);
  const weights = range(-reach, reach + 1).map((far) => Math.exp(-0.5 * (far / sigma) ** 2));
  const all = sum(weights);
  const turned = (values) => {  // each pass turns rows into columns
    const out = new Float32Array(values.length);
    for (let y = 0; y < side; y++)
      for (let x = 0; x < side; x++)
        for (let c = 0; c < 3; c++) {
          let mean = 0;
          for (let n = -reach; n <= reach; n++) mean += weights[n + reach] * values[3 * (y * side + Math.min(side - 1, Math.max(0, x + n))) + c];
          out[3 * (x * side + y) + c] = mean / all;
        }
    return out;
  };
  return turned(turned(pixels)).map(Math.round);
}

// Log-odds lost where a part is hidden: the mean over the places of what is hidden that cover a cell.
async function ofHiding(detector, { p, values, axes: [side] }, k) {
  const hidden = blurred(values, side), whole = logOdds(p, k);
  const edges = range(0, CELLS + 1).map((n) => roundHalfEven((n * side) / CELLS));
  const places = range(1, CELLS + HIDDEN).map((last) => range(Math.max(0, last - HIDDEN), Math.min(CELLS, last)));
  const [lost, times] = [0, 0].map(() => range(0, CELLS).map(() => Array(CELLS).fill(0)));
  for (const rows of places)
    for (const columns of places) {
      const pixels = Uint8Array.from(values);
      for (let y = edges[rows[0]]; y < edges[rows.at(-1) + 1]; y++) {
        const [from, to] = [columns[0], columns.at(-1) + 1].map((column) => 3 * (y * side + edges[column]));
        pixels.set(hidden.subarray(from, to), from);
      }
      const { probabilities } = await detector.outputs({ pixels, height: side, width: side });
      const loss = whole - logOdds([...probabilities.data], k);
      for (const row of rows)
        for (const column of columns) {
          lost[row][column] += loss;
          times[row][column] += 1;
        }
    }
  return lost.map((row, y) => row.map((loss, x) => loss / times[y][x]));
}

export async function heatMap(detector, image) {
  const { labels, why } = detector.about;
  const explained = await detector.explained(image);
  const k = largest(explained.p);
  const evidence = why.output === "class_maps" ? ofMaps(explained, k) : await ofHiding(detector, explained, k);
  const highest = Math.max(Number.MIN_VALUE, ...evidence.flat());
  return { height: image.height, width: image.width, label: labels[k], probability: explained.p[k], heat: evidence.map((row) => row.map((value) => Math.max(0, value) / highest)) };
}
