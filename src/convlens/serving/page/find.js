// Where in a picture it is: heat over it, and a box for each finding.
import { fetchJson } from "./api.js";
import { formatNumber, formatPercent, translate } from "./texts.js";

export function whereButton(image, file, probabilities) {
  const paragraph = document.createElement("p");
  const button = document.createElement("button");
  button.textContent = translate("try.where");
  paragraph.append(button);
  button.addEventListener("click", async () => {
    button.disabled = true;
    button.textContent = translate("try.looking");
    try {
      const form = new FormData();
      form.append("files", file, file.name || "picture");
      const { pictures: [findings] } = await fetchJson("find", { method: "POST", body: form });
      if (findings.error) throw new Error(findings.error);
      image.replaceWith(drawFindings(image, findings));
      paragraph.className = "soft";
      paragraph.textContent = summary(findings) + ("background" in probabilities ? "" : ` ${translate("try.nobackground")}`);
    } catch (error) {
      paragraph.className = "bad";
      paragraph.textContent = translate("try.failed", { why: error.message });
    }
  });
  return paragraph;
}

function summary(findings) {
  const ratio = findings.multiplications_cut_out / findings.multiplications;
  const effort = translate("try.found", { windows: formatNumber(findings.windows), seconds: findings.seconds.toFixed(1), ratio: ratio.toFixed(1) });
  return findings.findings.length ? effort : `${translate("try.nowhere")} ${effort}`;
}

function drawFindings(image, findings) {
  const canvas = document.createElement("canvas");
  const scale = Math.min(1, 640 / Math.max(findings.width, findings.height));
  [canvas.width, canvas.height] = [findings.width, findings.height].map((length) => Math.max(1, Math.round(length * scale)));
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  context.drawImage(drawHeat(findings), 0, 0, canvas.width, canvas.height);
  const size = Math.max(11, Math.min(canvas.width, canvas.height) / 18);
  context.lineWidth = Math.max(2, size / 6);
  context.font = `${size}px system-ui, sans-serif`;
  for (const { predicted, probability, box } of findings.findings) {
    const [x, y, right, bottom] = [box.left, box.top, box.right, box.bottom].map((edge) => edge * scale);
    const text = `${predicted} ${formatPercent(probability)}`;
    context.strokeStyle = context.fillStyle = "#14dc78";
    context.strokeRect(x, y, right - x, bottom - y);
    context.fillRect(x, y, context.measureText(text).width + size / 2, size * 1.3);
    context.fillStyle = "#000";
    context.fillText(text, x + size / 4, y + size);
  }
  canvas.setAttribute("role", "img");
  const names = findings.findings.map(({ predicted, probability }) => `${predicted} ${formatPercent(probability)}`).join(", ");
  canvas.setAttribute("aria-label", translate("try.heat", { found: names || translate("try.nowhere") }));
  canvas.className = "found";
  return canvas;
}

function drawHeat(findings) {
  const maps = Object.values(findings.heat);
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
