// The page: what the detector is, and the tabs.
import { closeCamera, startCamera } from "./camera.js";
import { fetchJson } from "./shared.js";
import { formatNumber, formatPercent, translate, translatePage } from "./texts.js";
import { startInside } from "./inside.js";
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
      if (step) select(tabs[(index + step + tabs.length) % tabs.length]);
    });
  });
}

async function describeDetector() {
  const detector = await fetchJson("detector");
  $("classes").textContent = detector.labels.slice(0, 8).join(" · ") + (detector.labels.length > 8 ? " · …" : "");
  document.title = `convlens: ${detector.labels.slice(0, 4).join(", ")}`;
  const { n, accuracy, accuracy_interval: interval, AP50 } = detector.metrics;
  if (n && AP50 !== undefined) $("metrics").textContent = translate("metrics.boxes", { n: formatNumber(n), ap: formatPercent(AP50 ?? 0) });
  else if (n) $("metrics").textContent = translate("metrics", { n: formatNumber(n), accuracy: formatPercent(accuracy), low: formatPercent(interval[0]), high: formatPercent(interval[1]) });
  const report = await fetch("report", { method: "HEAD" });
  $("report").hidden = !report.ok;
  return detector;
}

translatePage(document);
startTabs();
startCamera();
const detector = await describeDetector();
const shared = { pictureListeners: [], slides: "slides" in detector.provenance };
startTrying(shared, detector.limits);
startInside(shared, detector.limits);
startWhy(shared);
startTeaching(describeDetector, detector.limits);
document.body.dataset.ready = "yes";
