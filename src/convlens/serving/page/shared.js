// What several parts of the page share: requests, bars of probabilities, files in batches.
import { formatPercent } from "./texts.js";

const MAX_BATCH = 8;  // files of a request: few enough for answers to come steadily

export async function fetchJson(path, options) {
  const response = await fetch(path, options);
  const body = await response.json();
  if (!response.ok) throw new Error(body.detail ?? body.title);
  return body;
}

export function probabilityBars(probabilities, limit = 5) {
  return Object.entries(probabilities).slice(0, limit).map(([label, probability]) => {
    const row = document.createElement("div");
    row.className = "bar";
    const [name, bar, value] = ["span", "i", "span"].map((tag) => document.createElement(tag));
    name.textContent = label;
    bar.style.setProperty("--share", `${100 * probability}%`);
    value.textContent = formatPercent(probability);
    row.append(name, bar, value);
    return row;
  });
}

// Files in batches that each fit into a request.
export function* batches(files, limits) {
  let batch = [];
  let bytes = 0;
  for (const file of files) {
    if (batch.length && (batch.length === Math.min(MAX_BATCH, limits.files) || bytes + file.size > 0.9 * limits.upload)) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(file);
    bytes += file.size;
  }
  if (batch.length) yield batch;
}
