// The camera: shown where it was opened, each photograph handed to whoever opened it.
import { translate } from "./texts.js";

const $ = (id) => document.getElementById(id);
let stream = null;  // a promise, so that two clicks open it once
let onPhotograph = null;
let opener = null;
let photographs = 0;

// Show the camera within `container`; `take` gets a file for each photograph. Throws an Error that says
// why there is no camera.
export async function openCamera(container, take) {
  opener = document.activeElement;
  $("take-picture").disabled = true;  // shown elsewhere before, it begins anew
  const requested = stream ??= requestStream();
  try {
    $("camera-video").srcObject = await requested;
  } catch (error) {
    if (stream === requested) stream = null;
    throw new Error(explain(error));
  }
  if (stream !== requested) return;  // put away while the browser asked whether it may be
  onPhotograph = take;
  container.append($("camera"));
  $("camera").hidden = false;
  await $("camera-video").play();
  while (stream === requested && !$("camera-video").videoWidth) await new Promise(requestAnimationFrame);
  if (stream !== requested) return;  // now there is something to photograph
  $("take-picture").disabled = false;
  $("take-picture").focus();
}

async function requestStream() {
  const granted = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  for (const track of granted.getTracks()) track.addEventListener("ended", closeCamera);  // unplugged
  return granted;
}

function explain(error) {
  if (!navigator.mediaDevices) return translate("camera.insecure");
  const keys = { NotAllowedError: "camera.refused", NotFoundError: "camera.none", NotReadableError: "camera.taken" };
  return translate(keys[error.name] ?? "camera.failed", { why: error.message });
}

export async function closeCamera() {
  const closing = stream;
  [stream, onPhotograph] = [null, null];
  $("take-picture").disabled = true;
  $("camera").hidden = true;
  document.body.append($("camera"));  // away from where it was, which may go
  opener?.focus();
  opener = null;
  for (const track of (await closing?.catch(() => null))?.getTracks() ?? []) track.stop();
}

async function photograph() {
  const video = $("camera-video");
  const canvas = Object.assign(document.createElement("canvas"), { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext("2d").drawImage(video, 0, 0);
  const blob = await new Promise((done) => { canvas.toBlob(done, "image/jpeg", 0.92); });
  onPhotograph?.(new File([blob], `camera-${++photographs}.jpg`, { type: blob.type }));
}

export function startCamera() {
  $("take-picture").addEventListener("click", photograph);
  $("close-camera").addEventListener("click", closeCamera);
}
