// The camera: seen where it was asked for, each photograph handed to whoever asked.
import { say } from "./texts.js";

const $ = (id) => document.getElementById(id);
let stream = null;  // a promise, so that two clicks open it once
let handTo = null;
let opener = null;
let number = 0;

// Show the camera within `place`; `take` gets a file for each photograph. Where there is none, says why.
export async function light(place, take) {
  opener = document.activeElement;
  $("snap").disabled = true;  // seen elsewhere before, it begins anew
  const mine = stream ??= open();
  try {
    $("seen").srcObject = await mine;
  } catch (error) {
    if (stream === mine) stream = null;
    throw new Error(reason(error));
  }
  if (stream !== mine) return;  // put away while the browser asked whether it may be
  handTo = take;
  place.append($("camera"));
  $("camera").hidden = false;
  await $("seen").play();
  while (stream === mine && !$("seen").videoWidth) await new Promise(requestAnimationFrame);
  if (stream !== mine) return;  // now there is something to photograph
  $("snap").disabled = false;
  $("snap").focus();
}

async function open() {
  const opened = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  for (const track of opened.getTracks()) track.addEventListener("ended", dark);  // unplugged
  return opened;
}

function reason(error) {
  if (!navigator.mediaDevices) return say("camera.insecure");
  const known = { NotAllowedError: "camera.refused", NotFoundError: "camera.none", NotReadableError: "camera.taken" };
  return say(known[error.name] ?? "camera.failed", { why: error.message });
}

export async function dark() {
  const opened = stream;
  [stream, handTo] = [null, null];
  $("snap").disabled = true;
  $("camera").hidden = true;
  document.body.append($("camera"));  // away from where it was, which may go
  opener?.focus();
  opener = null;
  for (const track of (await opened?.catch(() => null))?.getTracks() ?? []) track.stop();
}

async function snap() {
  const video = $("seen");
  const canvas = Object.assign(document.createElement("canvas"), { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext("2d").drawImage(video, 0, 0);
  const blob = await new Promise((done) => { canvas.toBlob(done, "image/jpeg", 0.92); });
  handTo?.(new File([blob], `camera-${++number}.jpg`, { type: blob.type }));
}

export function startCamera() {
  $("snap").addEventListener("click", snap);
  $("dark").addEventListener("click", dark);
}
