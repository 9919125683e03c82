// Where in a picture the classes are: the network slid over it, as `convlens find` does it.
import { Level, roundHalfEven } from "./level.js";

const [SMALLEST, LEAST, MOST, CELLS, SMOOTHING, PIXELS, VOTE, CLIP] = [0.2, 0.5, 20, 48, 12, 12e6, 0.3, 8];
const range = (count) => Array.from({ length: count }, (_, n) => n);

// Every scale: the whole picture squashed, then squares from its shorter side on.
async function levelsOf(detector, image) {
  const { size, provenance: { slides: { stride } } } = detector.about;
  const { height, width } = image;
  const count = (length) => Math.max(1, 1 + roundHalfEven(((length - 1) * size) / stride));
  const counts = new Map([["1,1", [1, 1]]]);
  for (let share = 1; share >= SMALLEST; share /= Math.SQRT2) {
    const numbers = [height, width].map((length) => count(length / (share * Math.min(height, width))));
    counts.set(String(numbers), numbers);
  }
  const levels = [];
  for (const numbers of counts.values()) {
    const sizes = numbers.map((number) => size + (number - 1) * stride);
    if (sizes[0] * sizes[1] > PIXELS) continue;
    levels.push(new Level(await detector.windowLogits(image, sizes), sizes, { height, width, size, stride }));
  }
  return levels;
}

// Each cell's mean over a neighbourhood, near ones counting more; outside of the picture there is nothing.
function smoothed(heat) {
  const weights = range(2 * SMOOTHING - 1).map((n) => (SMOOTHING - Math.abs(n - SMOOTHING + 1)) / SMOOTHING ** 2);
  const along = (row) => row.map((_, at) => weights.reduce((sum, weight, n) => sum + weight * (row[at + n - SMOOTHING + 1] ?? -CLIP), 0));
  const turned = (rows) => rows[0].map((_, column) => rows.map((row) => row[column]));
  return turned(turned(heat).map(along)).map(along);
}

function highest(map) {
  let best = [0, 0];
  map.forEach((row, y) => row.forEach((value, x) => { if (value > map[best[0]][best[1]]) best = [y, x]; }));
  return best;
}

const area = (box) => (box.right - box.left) * (box.bottom - box.top);

function same(one, other) {
  const width = Math.min(one.right, other.right) - Math.max(one.left, other.left);
  const height = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
  const both = Math.max(0, width) * Math.max(0, height);
  const holds = (box, inner) => {
    const [x, y] = [(inner.left + inner.right) / 2, (inner.top + inner.bottom) / 2];
    return box.left <= x && x <= box.right && box.top <= y && y <= box.bottom;
  };
  return both / (area(one) + area(other) - both) > 0.3 || holds(one, other) || holds(other, one);
}

// The mean of the windows over a point, weighted by their odds.
function vote(levels, k, y, x, { height, width }) {
  const sums = [0, 0, 0, 0, 0];
  for (const level of levels)
    level.windowsOver(k, y, x, (edges, odds) => {
      const weight = Math.exp(VOTE * odds);
      [...edges, 1].forEach((edge, n) => { sums[n] += weight * edge; });
    });
  const [left, top, right, bottom] = sums.map((sum) => sum / sums[4]);
  return { left: Math.max(0, left), top: Math.max(0, top), right: Math.min(width, right), bottom: Math.min(height, bottom) };
}

function cut({ pixels, height, width }, box) {
  const left = Math.min(roundHalfEven(box.left), width - 1), top = Math.min(roundHalfEven(box.top), height - 1);
  const right = Math.max(left + 1, roundHalfEven(box.right)), bottom = Math.max(top + 1, roundHalfEven(box.bottom));
  const rows = range(bottom - top).map((n) => pixels.subarray(3 * ((top + n) * width + left), 3 * ((top + n) * width + right)));
  const inner = new Uint8Array(3 * (right - left) * (bottom - top));
  rows.forEach((row, n) => inner.set(row, n * row.length));
  return { pixels: inner, height: bottom - top, width: right - left };
}

// From the hottest point on until one is not sure.
async function findingsOf(detector, image, levels, peaks, rows, columns, foreground) {
  const findings = [];
  let cuts = 0;
  while (findings.length < MOST) {
    const tops = foreground.map((k) => { const [y, x] = highest(peaks.get(k)); return { k, y, x, odds: peaks.get(k)[y][x] }; });
    const { k, y, x, odds } = tops.reduce((best, top) => (top.odds > best.odds ? top : best));
    if (odds <= -CLIP) break;
    const box = vote(levels, k, rows[y], columns[x], image);
    if (!findings.some((finding) => same(box, finding.box))) {
      cuts += 1;
      const p = (await detector.outputs(cut(image, box))).probabilities.data;
      const best = foreground.reduce((one, other) => (p[other] > p[one] ? other : one));
      if (p[best] < LEAST) break;
      findings.push({ predicted: detector.about.labels[best], probability: p[best], box });
    }
    for (const map of peaks.values())
      map.forEach((row, i) => row.forEach((_, j) => {
        const inside = rows[i] >= box.top && rows[i] <= box.bottom && columns[j] >= box.left && columns[j] <= box.right;
        if (inside || (i === y && j === x)) row[j] = -CLIP;
      }));
  }
  return { findings, cuts };
}

export async function find(detector, image) {
  const { height, width } = image, longer = Math.max(height, width);
  const levels = await levelsOf(detector, image);
  const [rows, columns] = [height, width].map((side) => range(Math.max(1, roundHalfEven((CELLS * side) / longer))).map((n) => ((n + 0.5) * longer) / CELLS));
  const { labels, provenance: { slides: { multiplications: [[one, across], [down, four]] } } } = detector.about;
  const foreground = [...labels.keys()].filter((k) => labels[k] !== "background");
  const heat = new Map(foreground.map((k) => {
    const maps = levels.map((level) => level.meanLogOdds(k, rows, columns));
    return [k, rows.map((_, y) => columns.map((_, x) => maps.reduce((sum, map) => sum + map[y][x], 0) / maps.length))];
  }));
  const peaks = new Map([...heat].map(([k, map]) => {
    const around = smoothed(map);
    return [k, map.map((row, y) => row.map((odds, x) => odds + 0.01 * around[y][x]))];
  }));
  const { findings, cuts } = await findingsOf(detector, image, levels, peaks, rows, columns, foreground);
  const windows = levels.reduce((sum, level) => sum + level.down * level.across, 0);
  const passes = levels.reduce((sum, { down: i, across: j }) => sum + one + (i - 1) * (down - one) + (j - 1) * (across - one) + (i - 1) * (j - 1) * (four - down - across + one), 0);
  return {
    height, width, findings, windows,
    heat: Object.fromEntries([...heat].map(([k, map]) => [labels[k], map.map((row) => row.map((odds) => 1 / (1 + Math.exp(-odds))))])),
    multiplications: passes + cuts * one,
    multiplications_cut_out: windows * one,
  };
}
