// The page: what the detector is, and the tabs.
import { closeCamera, startCamera } from "./camera.js";
import { startInside } from "./inside.js";
import { describeDetector } from "./shared.js";
import { translatePage } from "./texts.js";
import { startTeaching } from "./teach.js";
import { startTrying } from "./try.js";
import { startWhy } from "./why.js";

const $ = (id) => document.getElementById(id);

function startTabs() {
  const tabs = [...document.querySelectorAll("[role=tab]")];
  const select = (tab) => {
    for (const other of tabs) {
      const selected = other === tab;
      other.setAttribute("aria-selected", selected);
      other.tabIndex = selected ? 0 : -1;
      $(other.getAttribute("aria-controls")).hidden = !selected;
    }
    closeCamera();
    tab.focus();
  };
  tabs.forEach((tab, index) => {
    tab.addEventListener("click", () => select(tab));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step) tabs[(index + step + tabs.length) % tabs.length].click();
    });
  });
}

async function showDetector() {
  const detector = await describeDetector();
  const report = await fetch("report", { method: "HEAD" });
  $("report").hidden = !report.ok;
  $("suggest-boxes").hidden = detector.provenance.task !== "boxes";
  Object.assign(shared, { labels: detector.labels, slides: "slides" in detector.provenance });
  return detector;
}

translatePage(document);
startTabs();
startCamera();
const shared = { pictureListeners: [], explains: true };
const detector = await showDetector();
startTrying(shared, detector.limits);
startInside(shared, detector.limits);
startWhy(shared);
startTeaching(showDetector, detector.limits);
document.body.dataset.ready = "yes";
