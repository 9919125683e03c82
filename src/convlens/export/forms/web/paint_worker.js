// What a server would paint, painted here by ONNX Runtime.
import { openRuntime, pixelsOf } from "./detector.js";

const STRIDE = 4;  // sides are multiples of it
const THUMBNAIL = 256;  // the longer side of the picture whose moments normalise the maps
const opened = open();
opened.catch(() => {});  // whoever asks is told
let queue = Promise.resolve();  // a session does one thing at a time

async function open() {
  const ort = await openRuntime(await (await fetch("about.json")).json());
  const options = { logSeverityLevel: 3, executionProviders: ["wasm"] };
  return { ort, session: await ort.InferenceSession.create(new URL("../style.onnx", self.location).href, options) };
}

const fitInto = (most) => (bitmap) => {
  const scale = Math.min(1, most / Math.max(bitmap.width, bitmap.height)) / STRIDE;
  return [bitmap.width, bitmap.height].map((side) => STRIDE * Math.max(2, Math.round(side * scale)));
};

async function paint(file) {
  const { ort, session } = await opened;
  const feeds = {};
  for (const [name, most] of [["image", Infinity], ["thumbnail", THUMBNAIL]]) {
    const { pixels, height, width } = await pixelsOf(file, fitInto(most));
    feeds[name] = new ort.Tensor("uint8", pixels, [1, height, width, 3]);
  }
  const { data, dims: [, height, width] } = (await session.run(feeds)).painted;
  const image = new ImageData(width, height);
  image.data.fill(255);
  for (let from = 0, to = 0; from < data.length; from += 3, to += 4) image.data.set(data.subarray(from, from + 3), to);
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 });
}

self.addEventListener("message", ({ data: { number, files } }) => {
  queue = queue.then(async () => {
    try {
      self.postMessage({ number, answer: await paint(files[0]) });
    } catch (error) {
      self.postMessage({ number, error: error.message });
    }
  });
});
