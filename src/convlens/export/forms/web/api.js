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

function ask(path, files) {
  return new Promise((resolve, reject) => {
    if (!worker) startWorker();
    waiting.set(++asked, { resolve, reject });
    worker.postMessage({ number: asked, path, files });
  });
}

export const fetchJson = (path, { body } = {}) => ask(path, body?.getAll("files") ?? []);
export const fetchBlob = (path, { body }) => ask(path, [body]);

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
