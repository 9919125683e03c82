// The page: what the detector is, and the tabs.
import { dark, startCamera } from "./camera.js";
import { ask } from "./shared.js";
import { fill, number, percent, say } from "./texts.js";
import { startTeaching } from "./teach.js";
import { startTrying } from "./try.js";
import { startWhy } from "./why.js";

const $ = (id) => document.getElementById(id);

function startTabs() {
  const tabs = [...document.querySelectorAll("[role=tab]")];
  const open = (tab) => {
    for (const one of tabs) {
      const chosen = one === tab;
      one.setAttribute("aria-selected", chosen);
      one.tabIndex = chosen ? 0 : -1;
      $(one.getAttribute("aria-controls")).hidden = !chosen;
    }
    dark();
    tab.focus();
  };
  tabs.forEach((tab, n) => {
    tab.addEventListener("click", () => open(tab));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step) open(tabs[(n + step + tabs.length) % tabs.length]);
    });
  });
}

async function describe() {
  const about = await ask("detector");
  $("classes").textContent = about.labels.slice(0, 8).join(" · ") + (about.labels.length > 8 ? " · …" : "");
  document.title = `convlens: ${about.labels.slice(0, 4).join(", ")}`;
  const { n, accuracy, interval } = about.metrics;
  if (n) $("metrics").textContent = say("metrics", { n: number(n), accuracy: percent(accuracy), low: percent(interval[0]), high: percent(interval[1]) });
  const report = await fetch("report", { method: "HEAD" });
  $("report").hidden = !report.ok;
  return about;
}

fill(document);
startTabs();
startCamera();
const about = await describe();
const shared = { picture: null, changed: [], slides: "slides" in about.provenance };
startTrying(shared, about.limits);
startWhy(shared);
startTeaching(describe, about.limits);
document.body.dataset.ready = "yes";
