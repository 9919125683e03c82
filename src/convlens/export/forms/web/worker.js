// What a server would answer, computed here by ONNX Runtime.
import { openDetector } from "./detector.js";
import { find } from "./finder.js";
import { heatMap } from "./heat_map.js";
import { answerOf } from "./rule.js";

const about = fetch("about.json").then((response) => response.json());
const opened = about.then(openDetector);
opened.catch(() => {});  // whoever asks is told
let queue = Promise.resolve();  // a session does one thing at a time

async function answers(files, compute, failed) {
  const detector = await opened;
  const all = [];
  for (const file of files) {
    const began = performance.now();
    let answer;
    try {
      answer = await compute(detector, await detector.pixelsOf(file));
    } catch (error) {
      answer = { ...failed, error: error.message };
    }
    all.push({ name: file.name, error: null, ...answer, seconds: (performance.now() - began) / 1000 });
  }
  return all;
}

const paths = {
  detector: () => about,
  ready: async () => { await opened; },
  predict: async (files) => ({ predictions: await answers(files, async (detector, image) => answerOf(await detector.outputs(image), detector.about), { predicted: null, probability: null, probabilities: {}, strangeness: null, strange: false }) }),
  "heat-map": async (files) => ({ pictures: await answers(files, heatMap, {}) }),
  find: async (files) => ({ pictures: await answers(files, find, { findings: [] }) }),
};

self.addEventListener("message", ({ data: { number, path, files } }) => {
  queue = queue.then(async () => {
    try {
      self.postMessage({ number, answer: await paths[path](files) });
    } catch (error) {
      self.postMessage({ number, error: error.message });
    }
  });
});
