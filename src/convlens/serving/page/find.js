// Where in a picture it is: heat over it, and a box for each finding.
import { ask } from "./shared.js";
import { number, percent, say } from "./texts.js";

export function whereButton(image, file, probabilities) {
  const line = document.createElement("p");
  const button = document.createElement("button");
  button.textContent = say("try.where");
  line.append(button);
  button.addEventListener("click", async () => {
    button.disabled = true;
    button.textContent = say("try.looking");
    try {
      const form = new FormData();
      form.append("files", file, file.name || "picture");
      const { pictures: [found] } = await ask("find", { method: "POST", body: form });
      if (found.error) throw new Error(found.error);
      image.replaceWith(drawn(image, found));
      line.className = "soft";
      line.textContent = told(found) + ("background" in probabilities ? "" : ` ${say("try.nobackground")}`);
    } catch (error) {
      line.className = "bad";
      line.textContent = say("try.failed", { why: error.message });
    }
  });
  return line;
}

function told(found) {
  const ratio = found.multiplications_cut_out / found.multiplications;
  const cost = say("try.found", { windows: number(found.windows), seconds: found.seconds.toFixed(1), ratio: ratio.toFixed(1) });
  return found.findings.length ? cost : `${say("try.nowhere")} ${cost}`;
}

function drawn(image, found) {
  const canvas = document.createElement("canvas");
  const scale = Math.min(1, 640 / Math.max(found.width, found.height));
  [canvas.width, canvas.height] = [found.width, found.height].map((side) => Math.max(1, Math.round(side * scale)));
  const brush = canvas.getContext("2d");
  brush.drawImage(image, 0, 0, canvas.width, canvas.height);
  brush.drawImage(heatOf(found), 0, 0, canvas.width, canvas.height);
  const size = Math.max(11, Math.min(canvas.width, canvas.height) / 18);
  brush.lineWidth = Math.max(2, size / 6);
  brush.font = `${size}px system-ui, sans-serif`;
  for (const { predicted, probability, box } of found.findings) {
    const [x, y, right, bottom] = [box.left, box.top, box.right, box.bottom].map((at) => at * scale);
    const text = `${predicted} ${percent(probability)}`;
    brush.strokeStyle = brush.fillStyle = "#14dc78";
    brush.strokeRect(x, y, right - x, bottom - y);
    brush.fillRect(x, y, brush.measureText(text).width + size / 2, size * 1.3);
    brush.fillStyle = "#000";
    brush.fillText(text, x + size / 4, y + size);
  }
  canvas.setAttribute("role", "img");
  const names = found.findings.map((one) => `${one.predicted} ${percent(one.probability)}`).join(", ");
  canvas.setAttribute("aria-label", say("try.heat", { found: names || say("try.nowhere") }));
  canvas.className = "found";
  return canvas;
}

function heatOf(found) {
  const maps = Object.values(found.heat);
  const [rows, columns] = [maps[0].length, maps[0][0].length];
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [columns, rows];
  const pixels = new ImageData(columns, rows);
  for (let at = 0; at < rows * columns; at++) {
    const hot = Math.max(...maps.map((map) => map[Math.floor(at / columns)][at % columns]));
    pixels.data.set([255, 90, 0, Math.round(140 * hot)], 4 * at);
  }
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}
