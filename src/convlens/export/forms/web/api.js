// In the place of a server: what is asked goes to a worker of this page, and nothing leaves the browser.
const waiting = new Map();
let worker, asked = 0;

function startWorker() {
  worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  worker.addEventListener("message", ({ data: { number, answer, error } }) => {
    const { resolve, reject } = waiting.get(number);
    waiting.delete(number);
    if (error === undefined) resolve(answer);
    else reject(new Error(error));
  });
  worker.addEventListener("error", ({ message }) => {
    for (const { reject } of waiting.values()) reject(new Error(message || "worker.js"));
    waiting.clear();
  });
}

export function fetchJson(path, { body } = {}) {
  return new Promise((resolve, reject) => {
    if (!worker) startWorker();
    waiting.set(++asked, { resolve, reject });
    worker.postMessage({ number: asked, path, files: body?.getAll("files") ?? [] });
  });
}
