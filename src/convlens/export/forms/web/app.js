// The page of a detector that runs in it.
import { fetchJson } from "./api.js";
import { startCamera } from "./camera.js";
import { describeDetector } from "./shared.js";
import { translate, translatePage } from "./texts.js";
import { startTrying } from "./try.js";

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
