// The server is asked.
async function ask(path, options) {
  const response = await fetch(path, options);
  if (response.ok) return response;
  const { detail, title } = await response.json();
  throw Object.assign(new Error(detail ?? title), { status: response.status });
}

export const fetchJson = async (...request) => (await ask(...request)).json();
export const fetchBlob = async (...request) => (await ask(...request)).blob();
