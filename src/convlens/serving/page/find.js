// Where in a picture it is, and what spoke for the answer: heat over it, and a box for each finding.
import { fetchJson } from "./api.js";
import { formatNumber, formatPercent, translate } from "./texts.js";

export const COLOURS = ["#14dc78", "#ffbe00", "#00beff", "#ff6edc", "#ff783c", "#aaff3c", "#968cff", "#fff"];
const FEW = 12;  // boxes up to which each has its probability written on it

// Buttons that draw over the picture, each instead of what was drawn before; a line says what it is.
export function heatButtons(image, file, probabilities, { slides, explains }) {
  const [buttons, says] = [document.createElement("p"), document.createElement("p")];
  buttons.className = "buttons";
  let shown = image;
  const add = (name, path, draw, tell) => {
    const button = document.createElement("button");
    button.textContent = translate(name);
    buttons.append(button);
    button.addEventListener("click", async () => {
      button.disabled = true;
      says.className = "soft";
      says.textContent = translate("try.looking");
      try {
        const form = new FormData();
        form.append("files", file, file.name || "picture");
        const { pictures: [answer] } = await fetchJson(path, { method: "POST", body: form });
        if (answer.error) throw new Error(answer.error);
        const canvas = draw(image, answer);
        shown.replaceWith(canvas);
        shown = canvas;
        says.textContent = tell(answer);
      } catch (error) {
        says.className = "bad";
        says.textContent = translate("try.failed", { why: error.message });
      }
      button.disabled = false;
    });
  };
  if (explains) add("try.why", "heat-map", drawHeatMap, ({ label }) => translate("try.reason", { label }));
  const ground = "background" in probabilities ? "" : ` ${translate("try.nobackground")}`;
  if (slides) add("try.where", "find", drawFindings, (findings) => summary(findings) + ground);
  return [buttons, says];
}

function summary(findings) {
  const ratio = findings.multiplications_cut_out / findings.multiplications;
  const effort = translate("try.found", { windows: formatNumber(findings.windows), seconds: findings.seconds.toFixed(1), ratio: ratio.toFixed(1) });
  return findings.findings.length ? effort : `${translate("try.nowhere")} ${effort}`;
}

// The picture, no larger than is seen.
function drawPicture(image, { width, height }, text) {
  const canvas = document.createElement("canvas");
  const longer = Math.max(width, height);
  const scale = Math.min(640 / longer, Math.max(1, 320 / longer));
  [canvas.width, canvas.height] = [width, height].map((length) => Math.max(1, Math.round(length * scale)));
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", text);
  canvas.className = "found";
  return [canvas, context, scale];
}

// The picture with the hottest of some maps over it.
function drawHeat(image, size, maps, text) {
  const [canvas, context, scale] = drawPicture(image, size, text);
  context.drawImage(heatCanvas(maps), 0, 0, canvas.width, canvas.height);
  return [canvas, context, scale];
}

function drawHeatMap(image, answer) {
  return drawHeat(image, answer, [answer.heat], translate("try.reason", answer))[0];
}

function drawFindings(image, findings) {
  const names = findings.findings.map(({ predicted, probability }) => `${predicted} ${formatPercent(probability)}`).join(", ");
  const text = translate("try.heat", { found: names || translate("try.nowhere") });
  const [canvas, context, scale] = drawHeat(image, findings, Object.values(findings.heat), text);
  drawBoxes(context, scale, findings.findings);
  return canvas;
}

// What a detector of boxes answers, drawn in place of its picture; each class has a colour.
export async function drawObjects(image, { objects }) {
  await image.decode();
  const [width, height] = [image.naturalWidth, image.naturalHeight];
  const text = objects.map(({ predicted, score }) => `${predicted} ${formatPercent(score)}`).join(", ");
  const [canvas, context, scale] = drawPicture(image, { width, height }, text || translate("try.nowhere"));
  const classes = [...new Set(objects.map(({ predicted }) => predicted))].sort();
  drawBoxes(context, scale, objects.map(({ predicted, score, box }) => ({ predicted, probability: score, box, colour: COLOURS[classes.indexOf(predicted) % COLOURS.length] })));
  image.replaceWith(canvas);
}

function drawBoxes(context, scale, findings) {
  const { width, height } = context.canvas;
  const size = Math.max(11, Math.min(width, height) / (findings.length > FEW ? 30 : 18));
  context.lineWidth = Math.max(2, size / 6);
  context.font = `${size}px system-ui, sans-serif`;
  for (const { predicted, probability, box, colour = COLOURS[0] } of findings) {
    const [x, y, right, bottom] = [box.left, box.top, box.right, box.bottom].map((edge) => edge * scale);
    const name = findings.length > FEW ? predicted : `${predicted} ${formatPercent(probability)}`;
    context.strokeStyle = context.fillStyle = colour;
    context.strokeRect(x, y, right - x, bottom - y);
    context.fillRect(x, y, context.measureText(name).width + size / 2, size * 1.3);
    context.fillStyle = "#000";
    context.fillText(name, x + size / 4, y + size);
  }
}

function heatCanvas(maps) {
  const [rows, columns] = [maps[0].length, maps[0][0].length];
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [columns, rows];
  const pixels = new ImageData(columns, rows);
  for (let cell = 0; cell < rows * columns; cell++) {
    const evidence = Math.max(...maps.map((map) => map[Math.floor(cell / columns)][cell % columns]));
    pixels.data.set([255, 90, 0, Math.round(140 * evidence)], 4 * cell);
  }
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}
