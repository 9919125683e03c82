// detector.onnx in ONNX Runtime: pixels in, outputs out.

const MOST_THREADS = 4;  // more gain little

function field(number, bytes) {
  const head = [(number << 3) | 2];
  let length = bytes.length;
  for (; length > 127; length >>>= 7) head.push((length & 127) | 128);
  return [...head, length, ...bytes];
}

function followed(model, bytes) {
  const whole = new Uint8Array(model.length + bytes.length);
  whole.set(model);
  whole.set(bytes, model.length);
  return whole;
}

// The constant that says to what side pictures are brought, made an input: so the detector can slide.
// A message of protobuf that follows another is part of it. The constant gives its name up.
const SIZES = "squash_to";
function withSizes(model) {
  const name = [...new TextEncoder().encode(SIZES)];
  const constant = field(8, name);
  let at = -1;
  do at = model.indexOf(constant[0], at + 1);
  while (at >= 0 && constant.some((byte, n) => model[at + n] !== byte));
  if (at < 0) return model;
  const pair = field(1, [8, 7, ...field(2, field(1, [8, 2]))]);
  const input = field(7, field(11, [...field(1, name), ...field(2, pair)]));
  const changed = followed(model, input);
  changed[at + 2] ^= 0x20;
  return changed;
}

// ONNX Runtime itself, on as many cores as the page may use.
export async function openRuntime(about) {
  const home = new URL(about.runtime, self.location);
  const ort = await import(new URL("ort.wasm.bundle.min.mjs", home));
  ort.env.wasm.wasmPaths = { wasm: new URL("ort-wasm-simd-threaded.wasm", home).href };
  const shared = self.crossOriginIsolated && home.origin === self.location.origin;
  ort.env.wasm.numThreads = shared ? Math.min(MOST_THREADS, navigator.hardwareConcurrency) : 1;
  return ort;
}

export async function openDetector(about) {
  const ort = await openRuntime(about);
  const response = await fetch("../detector.onnx");
  if (!response.ok) throw new Error(`detector.onnx: ${response.status} ${response.statusText}`);
  const model = withSizes(new Uint8Array(await response.arrayBuffer()));
  const open = (bytes) => ort.InferenceSession.create(bytes, { logSeverityLevel: 3, executionProviders: ["wasm"] });
  const session = await open(model);
  const resizes = session.inputNames.includes(SIZES);
  let explaining;  // the same graph with one output more, for those who ask

  async function run(session, { pixels, height, width }, names, sizes = [about.size, about.size]) {
    const feeds = { image: new ort.Tensor("uint8", pixels, [1, height, width, 3]) };
    if (resizes) feeds[SIZES] = new ort.Tensor("int64", BigInt64Array.from(sizes, BigInt), [2]);
    return session.run(feeds, names);
  }

  return {
    about,
    pixelsOf,
    // What answers are made of.
    outputs: (image) => run(session, image, about.outputs.filter((name) => session.outputNames.includes(name))),
    // Logits [K, down, across] of each window in a picture brought to (height, width), and their axes.
    async windowLogits(image, sizes) {
      const { windows } = await run(session, image, ["windows"], sizes);
      return { logits: windows.data, axes: windows.dims.slice(1) };
    },
    // Probabilities, and what a heat map is made of: class maps [K, h, w], or the squashed pixels.
    async explained(image) {
      explaining ??= open(followed(model, field(7, [...atob(about.why.part)].map((c) => c.charCodeAt()))));
      const { probabilities, [about.why.output]: more } = await run(await explaining, image, ["probabilities", about.why.output]);
      return { p: [...probabilities.data], values: more.data, axes: more.dims.slice(1) };
    },
  };
}

// Upright RGB: the browser turns pictures as their EXIF says and brings colours to sRGB.
export async function pixelsOf(file, fit = ({ width, height }) => [width, height]) {
  const bitmap = await createImageBitmap(file);
  const [width, height] = fit(bitmap);
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";  // what is transparent lies on white
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  const pixels = new Uint8Array(3 * width * height);
  for (let from = 0, to = 0; to < pixels.length; from += 4, to += 3) {
    pixels[to] = data[from];
    pixels[to + 1] = data[from + 1];
    pixels[to + 2] = data[from + 2];
  }
  return { pixels, height, width };
}
