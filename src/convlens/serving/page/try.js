// Pictures in, answers out: dropped, pasted, chosen or photographed; a table to take away.
import { drawObjects, heatButtons } from "./find.js";
import { openCamera } from "./camera.js";
import { fetchJson } from "./api.js";
import { batches, probabilityBars } from "./shared.js";
import { formatNumber, formatPercent, translate } from "./texts.js";

const $ = (id) => document.getElementById(id);

export function startTrying(shared, limits) {
  const answers = [];

  async function take(files) {
    const pictures = [...files].filter((file) => file.size);
    if (!pictures.length) return;
    const before = $("answers").firstChild;  // the latest stand above, in their own order
    let done = 0;
    for (const batch of batches(pictures, limits)) {
      $("try-status").textContent = translate("try.working", { done: formatNumber(done + 1), all: formatNumber(pictures.length) });
      const form = new FormData();
      for (const picture of batch) form.append("files", picture, picture.name || "picture");
      try {
        const { predictions } = await fetchJson("predict", { method: "POST", body: form });
        predictions.forEach((answer, n) => show(answer, batch[n], before));
        answers.push(...predictions);
        $("save").hidden = $("clear").hidden = false;
        done += predictions.length;
      } catch (error) {
        $("try-status").textContent = translate("try.failed", { why: error.message });
        return;
      }
    }
    const seconds = answers.slice(-done).reduce((sum, answer) => sum + answer.seconds, 0);
    $("try-status").textContent = translate("try.done", { all: formatNumber(done), seconds: formatNumber(Math.round((1000 * seconds) / done)) });
  }

  function show(answer, file, before) {
    const item = document.createElement("li");
    const image = document.createElement("img");
    image.alt = answer.name;
    image.src = URL.createObjectURL(file);
    const title = document.createElement("h2");
    title.textContent = answer.error ? "" : answer.objects ? counted(answer) : `${answer.predicted === "unsure" ? translate("unsure") : answer.predicted} ${formatPercent(answer.probability)}`;
    item.append(image, title);
    if (answer.error) {
      image.remove();
      const why = document.createElement("p");
      why.className = "bad";
      why.textContent = answer.error;
      item.append(why);
    } else if (answer.objects) {
      drawObjects(image, answer).catch(() => image.remove());  // which the browser cannot show
      for (const listener of shared.pictureListeners) listener(file);
    } else {
      item.append(...probabilityBars(answer.probabilities));
      item.append(...heatButtons(image, file, answer.probabilities, shared));
      for (const listener of shared.pictureListeners) listener(file);
    }
    if (answer.strange) {
      const note = document.createElement("p");
      note.textContent = translate("try.strange");
      item.append(note);
    }
    const name = document.createElement("small");
    name.textContent = answer.name;
    item.append(name);
    $("answers").insertBefore(item, before?.parentNode ? before : null);
  }

  function counted({ counts }) {
    return Object.entries(counts).map(([label, count]) => `${formatNumber(count)} ${label}`).join(" · ") || translate("try.nowhere");
  }

  // One row for each object of a detector of boxes, one for each picture of another; the page may
  // have had several detectors.
  function table() {
    if (answers.some((answer) => answer.objects)) {
      const edges = ["left", "top", "right", "bottom"];
      const rows = answers.flatMap(({ name, objects, predicted, probability, error }) => objects?.length ? objects.map(({ predicted, score, box }) => [name, predicted, score, ...edges.map((edge) => box[edge]), ""]) : [[name, predicted, probability, "", "", "", "", error]]);
      return [["name", "predicted", "score", ...edges, "error"], ...rows];
    }
    const labels = [...new Set(answers.flatMap((answer) => Object.keys(answer.probabilities ?? {})))].sort();
    const rows = answers.map((answer) => [answer.name, answer.predicted, answer.probability, answer.strangeness, answer.error, ...labels.map((label) => answer.probabilities?.[label])]);
    const header = ["name", "predicted", "probability", "strangeness", "error", ...labels.map((label) => `p:${label}`)];
    return [header, ...rows];
  }

  function save() {
    const quote = (text) => `"${String(text ?? "").replaceAll('"', '""').replace(/^([=+\-@])/, "'$1")}"`;
    const text = table().map((row) => row.map(quote).join(",")).join("\n");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text + "\n"], { type: "text/csv" }));
    link.download = "answers.csv";
    link.click();
  }

  function clear() {
    answers.length = 0;
    for (const image of $("answers").querySelectorAll("img")) URL.revokeObjectURL(image.src);
    $("answers").replaceChildren();
    $("try-status").textContent = "";
    $("save").hidden = $("clear").hidden = true;
  }

  for (const id of ["choose", "photograph"]) {
    $(id).addEventListener("change", async ({ target }) => {
      await take(target.files);
      target.value = "";
    });
  }
  $("open-camera").addEventListener("click", () => {
    openCamera($("drop"), (file) => take([file])).catch((error) => { $("try-status").textContent = error.message; });
  });
  document.addEventListener("paste", (event) => take(event.clipboardData.files));
  const drop = $("drop");
  for (const kind of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", kind === "dragover");
      if (kind === "drop") take(event.dataTransfer.files);
    });
  }
  $("save").addEventListener("click", save);
  $("clear").addEventListener("click", clear);
}
