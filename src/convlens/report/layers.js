// Pointing at a map: what the value is, and what it sees of the picture.
const says = document.getElementById("map-says");
const field = document.getElementById("map-field");
const told = (value) => value.toLocaleString(undefined, { maximumSignificantDigits: 3 });

function levelsOf(map) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [map.naturalWidth, map.naturalHeight];
  const context = canvas.getContext("2d");
  context.drawImage(map, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height).data;
}

// Where what a value sees begins along an axis and how long it is, in per cent.
function seen([step, first, last, end], side, at) {
  const from = Math.max(0, step * at + first);
  return [from, Math.min(end, step * at + last) + 1 - from].map((pixels) => `${(100 * pixels) / side}%`);
}

function start(map, layer) {
  let levels = null;
  let [row, column] = [map.naturalHeight >> 1, map.naturalWidth >> 1];
  const to = (y, x) => {
    row = Math.max(0, Math.min(map.naturalHeight - 1, y));
    column = Math.max(0, Math.min(map.naturalWidth - 1, x));
    levels ??= levelsOf(map);
    const value = layer.low + ((layer.high - layer.low) * levels[4 * (row * map.naturalWidth + column)]) / 255;
    const place = [row, column].map((at) => at * layer.every);
    says.textContent = `${map.alt}, row ${place[0]}, column ${place[1]}: ${told(value)}. It sees ${layer.sees} pixels of the picture that the network sees, or fewer at the edge.`;
    [[field.style.top, field.style.height], [field.style.left, field.style.width]] = layer.spans.map((span, axis) => seen(span, layer.sides[axis], place[axis]));
    field.hidden = false;
  };
  const follow = ({ offsetX, offsetY }) => to(Math.floor((offsetY / map.clientHeight) * map.naturalHeight), Math.floor((offsetX / map.clientWidth) * map.naturalWidth));
  map.addEventListener("pointermove", follow);
  map.addEventListener("pointerdown", follow);
  map.addEventListener("focus", () => to(row, column));
  map.addEventListener("keydown", (event) => {
    const [down, across] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [0, 0];
    if (!down && !across) return;
    event.preventDefault();
    to(row + down, column + across);
  });
}

for (const maps of document.querySelectorAll("[data-layer]")) {
  const layer = JSON.parse(maps.dataset.layer);
  for (const map of maps.querySelectorAll("[data-range]")) {
    const [low, high] = JSON.parse(map.dataset.range);
    map.tabIndex = 0;
    start(map, { ...layer, low, high });
  }
}
