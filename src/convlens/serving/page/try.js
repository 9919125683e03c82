// Pictures in, answers out: dropped, pasted, chosen or photographed; a table to take away.
import { whereButton } from "./find.js";
import { light } from "./camera.js";
import { ask, bars, together } from "./shared.js";
import { number, percent, say } from "./texts.js";

const $ = (id) => document.getElementById(id);

export function startTrying(shared, limits) {
  const answers = [];

  async function take(files) {
    const pictures = [...files].filter((file) => file.size);
    if (!pictures.length) return;
    const earlier = $("answers").firstChild;  // the latest stand above, in their own order
    let done = 0;
    for (const some of together(pictures, limits)) {
      $("state").textContent = say("try.working", { done: number(done + 1), all: number(pictures.length) });
      const form = new FormData();
      for (const picture of some) form.append("files", picture, picture.name || "picture");
      try {
        const { predictions } = await ask("predict", { method: "POST", body: form });
        predictions.forEach((answer, n) => show(answer, some[n], earlier));
        answers.push(...predictions);
        done += predictions.length;
      } catch (error) {
        $("state").textContent = say("try.failed", { why: error.message });
        return;
      }
    }
    const spent = answers.slice(-done).reduce((sum, one) => sum + one.seconds, 0);
    $("state").textContent = say("try.done", { all: number(done), seconds: number(Math.round((1000 * spent) / done)) });
    $("save").hidden = $("clear").hidden = false;
  }

  function show(answer, file, earlier) {
    const item = document.createElement("li");
    const image = document.createElement("img");
    image.alt = answer.name;
    image.src = URL.createObjectURL(file);
    const title = document.createElement("h2");
    title.textContent = answer.error ? "" : `${answer.predicted === "unsure" ? say("unsure") : answer.predicted} ${percent(answer.probability)}`;
    item.append(image, title);
    if (answer.error) {
      image.remove();
      const why = document.createElement("p");
      why.className = "bad";
      why.textContent = answer.error;
      item.append(why);
    } else {
      item.append(...bars(answer.probabilities));
      if (shared.slides) item.append(whereButton(image, file, answer.probabilities));
      shared.picture = file;
      for (const changed of shared.changed) changed(file);
    }
    if (answer.strange) {
      const note = document.createElement("p");
      note.textContent = say("try.strange");
      item.append(note);
    }
    const name = document.createElement("small");
    name.textContent = answer.name;
    item.append(name);
    $("answers").insertBefore(item, earlier?.parentNode ? earlier : null);
  }

  function save() {
    const labels = Object.keys(answers.find((one) => !one.error)?.probabilities ?? {}).sort();
    const quote = (text) => `"${String(text ?? "").replaceAll('"', '""').replace(/^([=+\-@])/, "'$1")}"`;
    const rows = answers.map((one) => [one.name, one.predicted, one.probability, one.strangeness, one.error, ...labels.map((label) => one.probabilities[label])]);
    const heads = ["name", "predicted", "probability", "strangeness", "error", ...labels.map((label) => `p:${label}`)];
    const text = [heads, ...rows].map((row) => row.map(quote).join(",")).join("\n");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text + "\n"], { type: "text/csv" }));
    link.download = "answers.csv";
    link.click();
  }

  function clear() {
    answers.length = 0;
    for (const image of $("answers").querySelectorAll("img")) URL.revokeObjectURL(image.src);
    $("answers").replaceChildren();
    $("state").textContent = "";
    $("save").hidden = $("clear").hidden = true;
  }

  for (const id of ["choose", "photograph"]) {
    $(id).addEventListener("change", async ({ target }) => {
      await take(target.files);
      target.value = "";
    });
  }
  $("live").addEventListener("click", () => {
    light($("drop"), (file) => take([file])).catch((error) => { $("state").textContent = error.message; });
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
