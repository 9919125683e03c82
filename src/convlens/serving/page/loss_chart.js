// A chart of J on training and on validation pictures, step by step.
import { formatNumber, translate } from "./texts.js";

const NAMESPACE = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT] = [400, 130];
const COLOURS = { cost_train: "var(--main)", cost_val: "var(--lit)" };

// Measurements, each with `step`, `cost_train` and, where there was one, `cost_val`, to an SVG element.
export function lossChart(history) {
  const svg = document.createElementNS(NAMESPACE, "svg");
  svg.setAttribute("viewBox", "-34 -8 440 180");
  svg.setAttribute("role", "img");
  const last = history.at(-1);
  svg.setAttribute("aria-label", `${translate("teach.costs")}: ${last.cost_train.toFixed(3)}`);
  const highest = Math.max(...history.flatMap(({ cost_train, cost_val }) => [cost_train, cost_val ?? 0]));
  const validation = history.some(({ cost_val }) => cost_val !== null);  // boxes are trained without
  for (const key of Object.keys(COLOURS)) svg.append(curve(history, key, last.step, highest));
  svg.append(
    label(-34, 4, highest.toFixed(2)),
    label(-20, 132, "0"),
    label(380, 146, formatNumber(last.step)),
    label(0, 164, `${translate("teach.costs")} ${last.cost_train.toFixed(3)}${validation ? `; ${translate("teach.val")} ${last.cost_val?.toFixed(3) ?? "–"}` : ""}`),
  );
  return svg;
}

function curve(history, key, steps, highest) {
  const measured = history.filter((measurement) => measurement[key] !== null);
  const points = measured.map((measurement) => `${(WIDTH * measurement.step) / steps},${HEIGHT - (HEIGHT * measurement[key]) / highest}`);
  const line = document.createElementNS(NAMESPACE, "polyline");
  line.setAttribute("points", points.join(" "));
  line.style.cssText = `fill: none; stroke: ${COLOURS[key]}; stroke-width: 2`;
  return line;
}

function label(x, y, content) {
  const text = document.createElementNS(NAMESPACE, "text");
  text.setAttribute("x", x);
  text.setAttribute("y", y);
  text.textContent = content;
  return text;
}
