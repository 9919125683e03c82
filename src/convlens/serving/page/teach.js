// Pictures into classes, training watched while it runs, the result tried at once.
import { dark, light } from "./camera.js";
import { ask, together } from "./shared.js";
import { number, percent, say } from "./texts.js";

const $ = (id) => document.getElementById(id);
const OFTEN = 1000;  // milliseconds between two looks at the training

export function startTeaching(describe, limits) {
  const rows = [];
  let timer = null;

  function button(text, pressed) {
    const made = document.createElement("button");
    made.textContent = say(text);
    made.addEventListener("click", pressed);
    return made;
  }

  function row() {
    const one = { box: document.createElement("div"), name: document.createElement("input"), count: document.createElement("span") };
    one.box.className = "fields";
    one.name.setAttribute("aria-label", `${say("teach.name")} ${rows.length + 1}`);
    one.name.placeholder = say("teach.name");
    one.name.maxLength = 100;
    const label = document.createElement("label");
    label.className = "button";
    const chooser = Object.assign(document.createElement("input"), { type: "file", accept: "image/*", multiple: true });
    chooser.addEventListener("change", async () => {
      await send(one, [...chooser.files]);
      chooser.value = "";
    });
    const text = document.createElement("span");
    text.textContent = say("teach.add");
    label.append(chooser, text);
    one.box.append(one.name, label, button("camera.open", () => photograph(one)), button("teach.forget", () => forget(one)), one.count);
    rows.push(one);
    $("taught").append(one.box);
    return one;
  }

  const label = (one) => encodeURIComponent(one.name.value.trim());

  function named(one) {
    if (label(one)) return true;
    $("learning").textContent = say("teach.nameless");
    one.name.focus();
    return false;
  }

  async function send(one, files) {
    if (!named(one)) return;
    one.name.readOnly = true;
    for (const some of together(files, limits)) {
      const form = new FormData();
      for (const file of some) form.append("files", file, "picture");
      await act(`teach/pictures?label=${label(one)}`, { method: "POST", body: form });
    }
  }

  async function forget(one) {
    if (one.name.readOnly) await act(`teach/pictures?label=${label(one)}`, { method: "DELETE" });
    if (one.box.contains($("camera"))) dark();
    one.box.remove();
    $("more").focus();
    rows.splice(rows.indexOf(one), 1);
  }

  async function act(path, options) {
    try {
      show(await ask(path, options));
    } catch (error) {
      $("learning").textContent = say("teach.failed", { said: error.message });
    }
  }

  async function photograph(one) {
    if (!named(one)) return;
    try {
      await light(one.box, (file) => send(one, [file]));
    } catch (error) {
      $("learning").textContent = error.message;
    }
  }

  // Classes that the server has already: the page was loaded anew, or lies open twice.
  function adopt(labels) {
    for (const name of labels.filter((name) => !rows.some((one) => one.name.value.trim() === name))) {
      const one = rows.find((some) => !some.name.value) ?? row();
      one.name.value = name;
      one.name.readOnly = true;
    }
  }

  function show(state) {
    adopt(Object.keys(state.labels));
    for (const one of rows) one.count.textContent = say("teach.count", { n: number(state.labels[one.name.value.trim()] ?? 0) });
    const training = state.status === "training";
    $("teach-missing").hidden = state.available;
    $("learn").disabled = !state.available || training;
    $("halt").hidden = !training;
    $("learnt").hidden = state.status !== "done";
    if (training) $("learning").textContent = say("teach.training", { said: state.said });
    if (state.status === "failed") $("learning").textContent = say("teach.failed", { said: state.said });
    if (state.status === "done") {
      const { n, accuracy, interval } = state.metrics;
      $("learning").textContent = n ? say("teach.done", { n: number(n), accuracy: percent(accuracy), low: percent(interval[0]), high: percent(interval[1]) }) : say("teach.plain");
    }
    draw(state.history.filter((one) => one.cost_train !== null));
    clearTimeout(timer);
    if (training) timer = setTimeout(() => act("teach"), OFTEN);
  }

  function draw(history) {
    $("costs").replaceChildren();
    if (history.length < 2) return;
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    svg.setAttribute("viewBox", "-34 -8 440 180");
    svg.setAttribute("role", "img");
    const last = history.at(-1);
    svg.setAttribute("aria-label", `${say("teach.costs")}: ${last.cost_train.toFixed(3)}`);
    const most = Math.max(...history.flatMap((one) => [one.cost_train, one.cost_val ?? 0]));
    const text = (x, y, words) => {
      const made = document.createElementNS(space, "text");
      made.setAttribute("x", x);
      made.setAttribute("y", y);
      made.textContent = words;
      svg.append(made);
    };
    for (const [key, colour] of [["cost_train", "var(--main)"], ["cost_val", "var(--lit)"]]) {
      const points = history.filter((one) => one[key] !== null).map((one) => `${(400 * one.step) / last.step},${130 - (130 * one[key]) / most}`);
      const line = document.createElementNS(space, "polyline");
      line.setAttribute("points", points.join(" "));
      line.style.cssText = `fill: none; stroke: ${colour}; stroke-width: 2`;
      svg.append(line);
    }
    text(-34, 4, most.toFixed(2));
    text(-20, 132, "0");
    text(380, 146, number(last.step));
    text(0, 164, `${say("teach.costs")} ${last.cost_train.toFixed(3)}; ${say("teach.val")} ${last.cost_val?.toFixed(3) ?? "–"}`);
    $("costs").append(svg);
  }

  async function use() {
    const { labels } = await ask("teach/use", { method: "POST" });
    await describe();
    $("learning").textContent = say("teach.used", { labels: labels.join(", ") });
  }

  $("more").addEventListener("click", () => row().name.focus());
  $("learn").addEventListener("click", () => act(`teach/start?minutes=${$("minutes").value}`, { method: "POST" }));
  $("halt").addEventListener("click", () => act("teach/stop", { method: "POST" }));
  $("use").addEventListener("click", use);
  row();
  row();
  act("teach");
}
