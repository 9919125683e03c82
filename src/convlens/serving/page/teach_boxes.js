// Pictures to draw boxes in: a strip of them, the classes, and what the server is told of each.
import { fetchJson } from "./api.js";
import { boxEditor, within } from "./box_editor.js";
import { openCamera } from "./camera.js";
import { COLOURS } from "./find.js";
import { batches } from "./shared.js";
import { formatNumber, translate } from "./texts.js";

const $ = (id) => document.getElementById(id);
const SAVE_DELAY = 300;  // milliseconds without a change, after which boxes are sent
const SAME = 0.5;  // overlap from which a suggestion is of an object that has a box already

const urlOf = ({ name }) => `teach/boxes/${encodeURIComponent(name)}`;

// `isShown` tells whether this part of the page is seen, so that drops and pastes are meant for it.
export async function startBoxes(limits, isShown) {
  const pictures = [];  // as the server tells of them, each with its `past` for undoing, and its `thumb`
  const classes = [];
  const unsaved = new Set();
  let [current, chosen, timer, saving] = [null, null, null, Promise.resolve()];

  const say = (text) => { $("draw-status").textContent = text; };
  const fail = (error) => say(translate("teach.failed", { message: error.message }));
  const colourOf = (label) => COLOURS[classes.indexOf(label) % COLOURS.length];
  const editor = boxEditor($("stage"), { classOf, colourOf, onChange: changed, onSelect: selected });

  function classOf() {
    if (!chosen) askForClass();
    return chosen;
  }

  function askForClass() {
    say(translate("teach.nameless"));
    $("new-class").focus();
  }

  // Pictures

  function addPicture(known) {
    if (pictures.some(({ name }) => name === known.name)) return;
    const picture = { ...known, past: [], thumb: document.createElement("button") };
    for (const { label } of picture.boxes ?? []) addClass(label);
    const image = Object.assign(document.createElement("img"), { src: urlOf(picture), alt: "", loading: "lazy", decoding: "async", draggable: false });
    picture.thumb.append(image, document.createElement("span"));
    picture.thumb.addEventListener("click", () => open(picture));
    pictures.push(picture);
    $("strip").append(picture.thumb);
  }

  async function take(files) {
    const refused = [];
    const before = pictures.length;
    try {
      for (const batch of batches([...files].filter((file) => file.size), limits)) {
        const form = new FormData();
        for (const file of batch) form.append("files", file, file.name || "picture");
        const answer = await fetchJson("teach/boxes", { method: "POST", body: form });
        answer.added.forEach(addPicture);
        refused.push(...answer.refused);
      }
      if (!current && pictures.length) open(pictures[before] ?? pictures[0]);
      say(refused.map(({ name, error }) => `${name}: ${error}`).join("; "));
    } catch (error) {
      fail(error);
    }
    describe();
  }

  function open(picture) {
    if (picture !== current) say("");
    current = picture;
    $("box-editor").hidden = $("box-tools").hidden = !picture;
    if (picture) {
      $("stage").querySelector("img").src = urlOf(picture);
      editor.show(picture);
      picture.thumb.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
    describe();
  }

  async function removePicture() {
    const [gone, place] = [current, pictures.indexOf(current)];
    const waiting = unsaved.delete(gone);
    try {
      await saving;
      await fetchJson(urlOf(gone), { method: "DELETE" });
    } catch (error) {
      if (waiting) changed(gone);
      return fail(error);
    }
    pictures.splice(place, 1);
    gone.thumb.remove();
    open(pictures[Math.min(place, pictures.length - 1)] ?? null);
  }

  // The next picture at which nobody has looked, or else the next one.
  function openNext() {
    const place = pictures.indexOf(current);
    const others = [...pictures.slice(place + 1), ...pictures.slice(0, place)];
    open(others.find(({ boxes }) => boxes === null) ?? others[0] ?? current);
  }

  const about = ({ boxes }) => (boxes === null ? translate("draw.unseen") : boxes.length ? translate("draw.count", { n: formatNumber(boxes.length) }) : translate("draw.nothing"));

  function describe() {
    pictures.forEach((picture, index) => {
      const { thumb, boxes } = picture;
      thumb.lastChild.textContent = boxes === null ? "?" : formatNumber(boxes.length);
      thumb.lastChild.classList.toggle("unseen", boxes === null);
      thumb.setAttribute("aria-label", `${translate("draw.picture", { n: formatNumber(index + 1) })}: ${about(picture)}`);
      if (picture === current) thumb.setAttribute("aria-current", "true");
      else thumb.removeAttribute("aria-current");
    });
    const unseen = pictures.filter(({ boxes }) => boxes === null).length;
    const all = pictures.reduce((sum, { boxes }) => sum + (boxes?.length ?? 0), 0);
    $("box-summary").textContent = pictures.length ? `${translate("draw.summary", { n: formatNumber(pictures.length), boxes: formatNumber(all) })} ${unseen ? translate("draw.unlearnt", { n: formatNumber(unseen) }) : ""}` : "";
    $("undo-box").disabled = !current?.past.length;
    $("nothing-here").disabled = current?.boxes !== null;
    $("delete-box").disabled = !editor.selected();
    for (const [index, label] of classes.entries()) describeClass(index, label);
  }

  // Classes

  function addClass(label) {
    if (classes.includes(label)) return;
    const button = document.createElement("button");
    button.type = "button";
    button.style.setProperty("--class", COLOURS[classes.length % COLOURS.length]);
    button.addEventListener("click", () => choose(label));
    classes.push(label);
    $("box-classes").append(button);
    chosen ??= label;
    describeClass(classes.length - 1, label);
  }

  function describeClass(index, label) {
    const button = $("box-classes").children[index];
    const count = pictures.reduce((sum, { boxes }) => sum + (boxes ?? []).filter((box) => box.label === label).length, 0);
    button.textContent = `${label} (${formatNumber(count)})`;
    if (index < 9) button.append(" ", Object.assign(document.createElement("kbd"), { textContent: index + 1 }));
    button.setAttribute("aria-pressed", label === chosen);
  }

  // The class of what is drawn next, and of what is selected.
  function choose(label) {
    chosen = label;
    const box = editor.selected();
    if (box && box.label !== label) editor.relabel(label);
    describe();
  }

  function selected(box) {
    if (box) chosen = box.label;
    describe();
  }

  // What the server keeps

  function changed(picture) {
    unsaved.add(picture);
    clearTimeout(timer);
    timer = setTimeout(save, SAVE_DELAY);
  }

  // Whether the server has everything.
  function save() {
    clearTimeout(timer);
    saving = saving.then(async () => {
      for (const picture of [...unsaved]) {
        unsaved.delete(picture);
        try {
          await put(picture);
        } catch (error) {
          if (error.status !== 404) unsaved.add(picture);  // else it was removed elsewhere
          fail(error);
        }
      }
      return !unsaved.size;
    });
    return saving;
  }

  const put = (picture, options) => fetchJson(urlOf(picture), { method: "PUT", headers: { "content-type": "application/json" }, body: JSON.stringify({ boxes: picture.boxes }), ...options });

  async function suggest() {
    const picture = current;
    say(translate("try.looking"));
    try {
      const form = new FormData();
      form.append("files", await (await fetch(urlOf(picture))).blob(), "picture");
      const { predictions: [answer] } = await fetchJson("predict", { method: "POST", body: form });
      if (answer.error) throw new Error(answer.error);
      if (picture !== current) return;
      const found = answer.objects.map(({ predicted, box }) => within({ label: predicted, ...box }, picture));
      const fresh = found.filter((box) => box && !(picture.boxes ?? []).some((other) => overlap(box, other) > SAME));
      for (const { label } of fresh) addClass(label);
      if (fresh.length) editor.add(fresh);
      say(fresh.length ? translate("draw.suggested", { n: formatNumber(fresh.length) }) : translate("draw.nomore"));
    } catch (error) {
      fail(error);
    }
  }

  function addInTheMiddle() {
    const label = classOf();
    const { width, height } = current;
    if (label) editor.add([within({ label, left: 0.35 * width, right: 0.65 * width, top: 0.35 * height, bottom: 0.65 * height }, current)]);
  }

  function key(event) {
    if (!isShown() || !current || event.target.matches("input, select, textarea")) return;
    const command = event.ctrlKey || event.metaKey;
    if (command && event.key === "z") editor.undo();
    else if (command || event.altKey) return;
    else if (["Delete", "Backspace"].includes(event.key) && editor.selected()) editor.remove();
    else if (event.key === "Escape") editor.deselect();
    else if (/^[1-9]$/.test(event.key) && classes[event.key - 1]) choose(classes[event.key - 1]);
    else return;
    event.preventDefault();
  }

  // Drops and pastes go to the section that is seen.
  function given(event) {
    if (!isShown()) return;
    const { files } = event.clipboardData ?? event.dataTransfer;
    if (event.type === "paste" && !files.length) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    $("box-drop").classList.toggle("over", event.type === "dragover");
    if (event.type !== "dragover" && event.type !== "dragleave") take(files);
  }

  for (const id of ["box-choose", "box-photograph"]) {
    $(id).addEventListener("change", async ({ target }) => {
      await take(target.files);
      target.value = "";
    });
  }
  $("box-camera").addEventListener("click", () => openCamera($("box-drop"), (file) => take([file])).catch((error) => say(error.message)));
  for (const kind of ["paste", "dragover", "dragleave", "drop"]) document.addEventListener(kind, given, true);
  document.addEventListener("keydown", key);
  $("class-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const label = $("new-class").value.trim().replace(/\s+/g, " ");
    if (!label) return askForClass();
    addClass(label);
    choose(label);
    say("");
    $("new-class").value = "";
    $("stage").focus({ preventScroll: true });
  });
  $("undo-box").addEventListener("click", editor.undo);
  $("delete-box").addEventListener("click", editor.remove);
  $("add-box").addEventListener("click", addInTheMiddle);
  $("nothing-here").addEventListener("click", editor.nothing);
  $("suggest-boxes").addEventListener("click", suggest);
  $("next-picture").addEventListener("click", openNext);
  $("remove-picture").addEventListener("click", removePicture);
  window.addEventListener("pagehide", () => { for (const picture of unsaved) put(picture, { keepalive: true }); });

  const known = await fetchJson("teach/boxes");
  known.classes.forEach(addClass);
  known.pictures.forEach(addPicture);
  if (pictures.length) open(pictures.find(({ boxes }) => boxes === null) ?? pictures[0]);
  describe();
  return { save, any: () => pictures.length > 0 };
}

// The share of two boxes' union that is theirs together.
function overlap(one, other) {
  const side = (low, high) => Math.max(0, Math.min(one[high], other[high]) - Math.max(one[low], other[low]));
  const area = (box) => (box.right - box.left) * (box.bottom - box.top);
  const both = side("left", "right") * side("top", "bottom");
  return both / (area(one) + area(other) - both);
}
