// What several parts of the page do alike: ask the server, draw bars, send files some at a time.
import { percent } from "./texts.js";

const TOGETHER = 8;  // files of a request: few enough for answers to come steadily

export async function ask(path, options) {
  const response = await fetch(path, options);
  const told = await response.json();
  if (!response.ok) throw new Error(told.detail ?? told.title);
  return told;
}

export function bars(probabilities, most = 5) {
  return Object.entries(probabilities).slice(0, most).map(([label, p]) => {
    const row = document.createElement("div");
    row.className = "bar";
    const [name, bar, value] = ["span", "i", "span"].map((tag) => document.createElement(tag));
    name.textContent = label;
    bar.style.setProperty("--share", `${100 * p}%`);
    value.textContent = percent(p);
    row.append(name, bar, value);
    return row;
  });
}

// Files in runs that fit into a request each.
export function* together(files, limits) {
  let some = [];
  let bytes = 0;
  for (const file of files) {
    if (some.length && (some.length === Math.min(TOGETHER, limits.files) || bytes + file.size > 0.9 * limits.upload)) {
      yield some;
      [some, bytes] = [[], 0];
    }
    some.push(file);
    bytes += file.size;
  }
  if (some.length) yield some;
}
