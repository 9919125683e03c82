// Pictures put into classes, or boxes drawn in them; training watched while it runs, and the detector used at once.
import { closeCamera, openCamera } from "./camera.js";
import { lossChart } from "./loss_chart.js";
import { fetchJson } from "./api.js";
import { batches } from "./shared.js";
import { startBoxes } from "./teach_boxes.js";
import { formatNumber, formatPercent, translate } from "./texts.js";

const $ = (id) => document.getElementById(id);
const POLL_INTERVAL = 1000;  // milliseconds

export function startTeaching(describeDetector, limits) {
  const classes = [];  // each with its name's input, the count of its pictures, and the box around both
  const what = () => document.querySelector("[name=what]:checked").value;
  const boxes = startBoxes(limits, () => !$("teach").hidden && what() === "boxes");
  let timer = null;

  function showWhat() {
    for (const kind of ["classes", "boxes"]) $(`teach-${kind}`).hidden = kind !== what();
  }

  function addClass() {
    const entry = { box: document.createElement("div"), name: document.createElement("input"), count: document.createElement("span") };
    entry.box.className = "fields";
    entry.name.setAttribute("aria-label", `${translate("teach.name")} ${classes.length + 1}`);
    entry.name.placeholder = translate("teach.name");
    entry.name.maxLength = 100;
    entry.box.append(
      entry.name,
      fileChooser((files) => addPictures(entry, files)),
      button("camera.open", () => photograph(entry)),
      button("teach.forget", () => removeClass(entry)),
      entry.count,
    );
    classes.push(entry);
    $("class-list").append(entry.box);
    return entry;
  }

  const labelOf = (entry) => tidy(entry.name.value);
  const picturesUrl = (entry) => `teach/pictures?label=${encodeURIComponent(labelOf(entry))}`;

  function hasName(entry) {
    if (labelOf(entry)) return true;
    $("teach-status").textContent = translate("teach.nameless");
    entry.name.focus();
    return false;
  }

  async function addPictures(entry, files) {
    if (!hasName(entry)) return;
    entry.name.value = labelOf(entry);
    entry.name.readOnly = true;
    for (const batch of batches(files, limits)) {
      const form = new FormData();
      for (const file of batch) form.append("files", file, "picture");
      await update(picturesUrl(entry), { method: "POST", body: form });
    }
  }

  async function removeClass(entry) {
    if (entry.name.readOnly) await update(picturesUrl(entry), { method: "DELETE" });
    if (entry.box.contains($("camera"))) closeCamera();
    entry.box.remove();
    $("add-class").focus();
    classes.splice(classes.indexOf(entry), 1);
  }

  async function photograph(entry) {
    if (!hasName(entry)) return;
    try {
      await openCamera(entry.box, (file) => addPictures(entry, [file]));
    } catch (error) {
      $("teach-status").textContent = error.message;
    }
  }

  // Send a request and show the state that it answers with.
  async function update(path, options) {
    try {
      show(await fetchJson(path, options));
    } catch (error) {
      $("teach-status").textContent = translate("teach.failed", { message: error.message });
      $("stop-training").disabled = false;
      if (path !== "teach") return;
      clearTimeout(timer);
      timer = setTimeout(() => update("teach"), 5 * POLL_INTERVAL);  // it may be there again
    }
  }

  // Classes that the server has already: the page was loaded anew, or lies open twice.
  function addKnownClasses(labels) {
    for (const label of labels.filter((known) => !classes.some((entry) => labelOf(entry) === known))) {
      const entry = classes.find(({ name }) => !name.value) ?? addClass();
      entry.name.value = label;
      entry.name.readOnly = true;
    }
  }

  function show(state) {
    addKnownClasses(Object.keys(state.labels));
    for (const entry of classes) entry.count.textContent = translate("teach.count", { n: formatNumber(state.labels[labelOf(entry)] ?? 0) });
    const training = state.status === "training";
    $("teach-missing").hidden = state.available;
    $("start-training").disabled = !state.available || training;
    $("stop-training").hidden = !training;
    if (!training) $("stop-training").disabled = false;
    $("trained").hidden = state.status !== "done";
    if (training) $("teach-status").textContent = translate("teach.training", { message: state.said });
    if (state.status === "failed") $("teach-status").textContent = translate("teach.failed", { message: state.said });
    if (state.status === "done") {
      const { n, accuracy, accuracy_interval: interval, AP50 } = state.metrics;
      if (n && AP50 !== undefined) $("teach-status").textContent = `${translate("teach.plain")} ${translate("metrics.boxes", { n: formatNumber(n), ap: formatPercent(AP50 ?? 0) })}`;
      else $("teach-status").textContent = n ? translate("teach.done", { n: formatNumber(n), accuracy: formatPercent(accuracy), low: formatPercent(interval[0]), high: formatPercent(interval[1]) }) : translate("teach.plain");
    }
    const history = state.history.filter(({ cost_train }) => cost_train !== null);
    $("loss-chart").replaceChildren(...(history.length < 2 ? [] : [lossChart(history)]));
    clearTimeout(timer);
    if (training) timer = setTimeout(() => update("teach"), POLL_INTERVAL);
  }

  async function useDetector() {
    const { labels } = await fetchJson("teach/use", { method: "POST" });
    await describeDetector();
    $("teach-status").textContent = translate("teach.used", { labels: labels.join(", ") });
  }

  $("add-class").addEventListener("click", () => addClass().name.focus());
  $("start-training").addEventListener("click", async () => {
    const saved = what() !== "boxes" || await (await boxes).save();
    if (!saved) $("teach-status").textContent = $("draw-status").textContent;
    else await update(`teach/start?what=${what()}&minutes=${$("minutes").value}`, { method: "POST" });
  });
  for (const choice of document.querySelectorAll("[name=what]")) choice.addEventListener("change", () => { closeCamera(); showWhat(); });
  boxes.then(({ any }) => {
    if (any()) document.querySelector("[name=what][value=boxes]").checked = true;
    showWhat();  // the browser may remember what was chosen before
  });
  $("stop-training").addEventListener("click", () => {
    $("stop-training").disabled = true;
    update("teach/stop", { method: "POST" });
  });
  $("use").addEventListener("click", useDetector);
  addClass();
  addClass();
  update("teach");
}

// A label in the server's form: composed, without what cannot be seen, any space one blank.
function tidy(text) {
  const seen = text.normalize("NFC").replace(/[\u00ad\u034f\u061c\u200b\u200e\u200f\ufeff\u202a-\u202e\u2060-\u2069]/g, "");
  return seen.trim().replace(/\s+/g, " ");
}

function button(key, onClick) {
  const element = document.createElement("button");
  element.textContent = translate(key);
  element.addEventListener("click", onClick);
  return element;
}

function fileChooser(onFiles) {
  const input = Object.assign(document.createElement("input"), { type: "file", accept: "image/*", multiple: true });
  input.addEventListener("change", async () => {
    await onFiles([...input.files]);
    input.value = "";
  });
  const text = document.createElement("span");
  text.textContent = translate("teach.add");
  const label = document.createElement("label");
  label.className = "button";
  label.append(input, text);
  return label;
}
