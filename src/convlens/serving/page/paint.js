// The page of a learnt style: paints what the camera sees, picture after picture, and pictures that are given.
import { fetchBlob } from "./api.js";
import { closeCamera, openCamera, startCamera } from "./camera.js";
import { formatNumber, translate, translatePage } from "./texts.js";

const $ = (id) => document.getElementById(id);
const SECONDS = 0.2;  // for one picture of the camera's, which is as large as that allows
const [LEAST, MOST, MOST_OF_PICTURE] = [128, 512, 1024];  // longer sides
let asked = 0, shown = 0, live = false, side = 320;

// What is seen now, painted and shown; an answer that a later one has overtaken is dropped.
async function paint(source, width, height, most, type) {
  const number = ++asked;
  const scale = Math.min(1, most / Math.max(width, height));
  const canvas = Object.assign(document.createElement("canvas"), { width: Math.round(width * scale), height: Math.round(height * scale) });
  canvas.getContext("2d").drawImage(source, 0, 0, canvas.width, canvas.height);
  const began = performance.now();
  const body = await new Promise((done) => { canvas.toBlob(done, type, 0.92); });
  const painted = await fetchBlob("paint", { method: "POST", body });
  const seconds = (performance.now() - began) / 1000;
  if (number < shown) return seconds;
  shown = number;
  URL.revokeObjectURL($("painted").src);
  $("painted").src = $("save").href = URL.createObjectURL(painted);
  $("painted").hidden = $("save").hidden = false;
  const texts = { width: formatNumber(canvas.width), height: formatNumber(canvas.height), ms: formatNumber(Math.round(1000 * seconds)) };
  $("paint-status").textContent = translate("paint.done", texts);
  return seconds;
}

const fail = (error) => { $("paint-status").textContent = translate("try.failed", { why: error.message }); };

async function paintLive() {
  if (live) return;
  live = true;
  const video = $("camera-video");
  try {
    while (!$("camera").hidden) {
      const seconds = await paint(video, video.videoWidth, video.videoHeight, side, "image/jpeg");
      side = Math.min(MOST, Math.max(LEAST, 32 * Math.round((side * Math.sqrt(SECONDS / seconds)) / 32)));
      await new Promise(requestAnimationFrame);
    }
  } catch (error) {
    closeCamera();
    fail(error);
  } finally {
    live = false;
  }
}

async function take([file]) {
  if (!file) return;
  closeCamera();
  $("paint-status").textContent = translate("paint.working");
  try {
    const bitmap = await createImageBitmap(file);
    await paint(bitmap, bitmap.width, bitmap.height, MOST_OF_PICTURE, "image/png");
  } catch (error) {
    fail(error);
  }
}

translatePage(document);
startCamera();
$("choose").addEventListener("change", ({ target }) => take(target.files));
$("live-camera").addEventListener("click", () => {
  openCamera($("drop"), (file) => take([file])).then(paintLive, (error) => { $("paint-status").textContent = error.message; });
});
document.addEventListener("paste", (event) => take(event.clipboardData.files));
for (const kind of ["dragover", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    if (kind === "drop") take(event.dataTransfer.files);
  });
}
document.body.dataset.ready = "yes";
