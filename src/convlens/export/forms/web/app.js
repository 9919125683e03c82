// The page of a detector that runs in it.
import { fetchJson } from "./api.js";
import { startCamera } from "./camera.js";
import { describeDetector } from "./shared.js";
import { translate, translatePage } from "./texts.js";
import { startTrying } from "./try.js";

// At the first visit: from then on isolate.js answers, and the page may use several cores.
if (!self.crossOriginIsolated && "serviceWorker" in navigator && !sessionStorage.getItem("isolating")) {
  try {
    sessionStorage.setItem("isolating", "once");
    await navigator.serviceWorker.register("isolate.js");
    await navigator.serviceWorker.ready;
    location.reload();
    await new Promise(() => {});
  } catch { /* one core, then */ }
}
const status = document.getElementById("try-status");
translatePage(document);
startCamera();
const detector = await describeDetector();
startTrying({ pictureListeners: [], slides: "slides" in detector.provenance, explains: true }, detector.limits);
status.textContent = translate("web.loading");
try {
  await fetchJson("ready");
  if (status.textContent === translate("web.loading")) status.textContent = "";
} catch (error) {
  status.textContent = translate("try.failed", { why: error.message });
}
document.body.dataset.ready = "yes";
