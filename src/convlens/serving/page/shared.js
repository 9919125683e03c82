// What several parts of the page share: the detector's description, bars of probabilities, files in batches.
import { fetchJson } from "./api.js";
import { formatNumber, formatPercent, translate } from "./texts.js";

const MAX_BATCH = 8;  // files of a request: few enough for answers to come steadily

export async function describeDetector() {
  const detector = await fetchJson("detector");
  const $ = (id) => document.getElementById(id);
  $("classes").textContent = detector.labels.slice(0, 8).join(" · ") + (detector.labels.length > 8 ? " · …" : "");
  document.title = `convlens: ${detector.labels.slice(0, 4).join(", ")}`;
  const { n, accuracy, accuracy_interval: interval, AP50 } = detector.metrics;
  if (n && AP50 !== undefined) $("metrics").textContent = translate("metrics.boxes", { n: formatNumber(n), ap: formatPercent(AP50 ?? 0) });
  else if (!n) $("metrics").textContent = "";
  else $("metrics").textContent = translate("metrics", { n: formatNumber(n), accuracy: formatPercent(accuracy), low: formatPercent(interval[0]), high: formatPercent(interval[1]) });
  return detector;
}

// The likeliest first, which objects do not keep where labels are numbers.
export function probabilityBars(probabilities, limit = 5) {
  return Object.entries(probabilities).sort(([, one], [, other]) => other - one).slice(0, limit).map(([label, probability]) => {
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
