// The boxes of one picture: drawn, moved, resized and deleted by pointer and by keyboard, and undone.
// Coordinates are pixels of the picture as it is seen.
import { translate } from "./texts.js";

const LEAST = 2;  // pixels a side
const CLICK = 4;  // pixels of the screen by which a pointer moves at most while it clicks
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const CURSORS = { move: "move", l: "ew-resize", r: "ew-resize", t: "ns-resize", b: "ns-resize", lt: "nwse-resize", rb: "nwse-resize", rt: "nesw-resize", lb: "nesw-resize" };

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const round = (value) => Math.round(10 * value) / 10;

// A box within the picture, or null where too little of it is left.
export function within(box, { width, height }) {
  const [left, right] = [box.left, box.right].map((x) => round(clamp(x, 0, width)));
  const [top, bottom] = [box.top, box.bottom].map((y) => round(clamp(y, 0, height)));
  return right - left < LEAST || bottom - top < LEAST ? null : { label: box.label, left, top, right, bottom };
}

// `stage` holds an image; `classOf` gives the class to draw, or nothing; `colourOf` a class's colour;
// `onChange` is told of each change of the picture's boxes, `onSelect` of what is selected.
export function boxEditor(stage, { classOf, colourOf, onChange, onSelect }) {
  const handles = document.createElement("div");
  handles.className = "handles";
  for (const grip of ["lt", "t", "rt", "r", "rb", "b", "lb", "l"]) handles.append(Object.assign(document.createElement("i"), { className: grip }));
  const elements = [];
  let picture = null;  // its `boxes` are null where nobody has looked
  let selected = -1;
  let gesture = null;
  let nudged = 0;

  const boxes = () => picture.boxes ?? [];

  function show(next) {
    [picture, selected, gesture, nudged] = [next, -1, null, 0];
    stage.style.aspectRatio = `${picture.width} / ${picture.height}`;
    stage.style.maxWidth = `calc(70vh * ${picture.width / picture.height})`;
    draw();
    onSelect(null);
  }

  function draw(preview) {
    const shown = preview ? boxes().with(preview.index, preview.box) : boxes();
    while (elements.length > shown.length) elements.pop().remove();
    while (elements.length < shown.length) addElement();
    shown.forEach((box, index) => place(elements[index], box, index, shown.length));
  }

  function addElement() {
    const element = document.createElement("div");
    const index = elements.length;
    element.className = "drawn";
    element.tabIndex = 0;
    element.setAttribute("role", "button");
    element.append(document.createElement("span"));
    element.addEventListener("focus", () => select(index));
    element.addEventListener("keydown", (event) => nudge(event, index));
    elements.push(element);
    stage.append(element);
  }

  function place(element, box, index, all) {
    const share = (value, whole) => `${(100 * value) / whole}%`;
    element.style.left = share(box.left, picture.width);
    element.style.top = share(box.top, picture.height);
    element.style.width = share(box.right - box.left, picture.width);
    element.style.height = share(box.bottom - box.top, picture.height);
    element.style.setProperty("--class", colourOf(box.label));
    element.firstChild.textContent = box.label;
    element.setAttribute("aria-pressed", index === selected);
    const edges = Object.fromEntries(["left", "top", "right", "bottom"].map((edge) => [edge, Math.round(box[edge])]));
    element.setAttribute("aria-label", translate("draw.box", { label: box.label, n: index + 1, all, ...edges }));
    if (index === selected) element.append(handles);
  }

  function select(index, focus = false) {
    if (index !== selected) nudged = 0;
    selected = index;
    if (index < 0) handles.remove();
    draw();
    if (focus && index >= 0) elements[index].focus({ preventScroll: true });
    onSelect(boxes()[index] ?? null);
  }

  // `again` is a further step of the change before, and is undone together with it.
  function change(next, index, { again = false } = {}) {
    if (!again) picture.past.push(picture.boxes);
    picture.boxes = next;
    onChange(picture);
    select(index, index >= 0);
  }

  const replaced = (index, box) => boxes().with(index, box);

  function at(event) {
    const { left, top, width, height } = stage.getBoundingClientRect();
    return { x: ((event.clientX - left) / width) * picture.width, y: ((event.clientY - top) / height) * picture.height };
  }

  // What of the selected box is under the pointer: edges, its inside ("move"), or nothing.
  function gripAt({ x, y }, event) {
    const box = boxes()[selected];
    if (!box) return null;
    const reach = ((event.pointerType === "mouse" ? 8 : 20) * picture.width) / stage.clientWidth;
    if (x < box.left - reach || x > box.right + reach || y < box.top - reach || y > box.bottom + reach) return null;
    const edge = (value, low, high, names) => {
      const inner = Math.min(reach, (high - low) / 4);  // small boxes have an inside too
      return value < low + inner ? names[0] : value > high - inner ? names[1] : "";
    };
    return edge(x, box.left, box.right, "lr") + edge(y, box.top, box.bottom, "tb") || "move";
  }

  function moved(box, grip, dx, dy) {
    const { width, height } = picture;
    if (grip === "move") {
      [dx, dy] = [clamp(dx, -box.left, width - box.right), clamp(dy, -box.top, height - box.bottom)];
      return within({ label: box.label, left: box.left + dx, right: box.right + dx, top: box.top + dy, bottom: box.bottom + dy }, picture) ?? box;
    }
    const next = { ...box };
    if (grip.includes("l")) next.left = Math.min(box.left + dx, box.right - LEAST);
    if (grip.includes("r")) next.right = Math.max(box.right + dx, box.left + LEAST);
    if (grip.includes("t")) next.top = Math.min(box.top + dy, box.bottom - LEAST);
    if (grip.includes("b")) next.bottom = Math.max(box.bottom + dy, box.top + LEAST);
    return within(next, picture) ?? box;
  }

  function down(event) {
    if (!picture || event.button || !event.isPrimary) return;
    event.preventDefault();
    const from = at(event);
    const grip = gripAt(from, event);
    stage.setPointerCapture(event.pointerId);
    gesture = { from, grip, x: event.clientX, y: event.clientY, moved: false, box: null, index: grip ? selected : boxes().length };
  }

  function move(event) {
    if (!picture || !event.isPrimary) return;
    const to = at(event);
    if (!gesture) {
      stage.style.cursor = CURSORS[gripAt(to, event)] ?? "crosshair";
      return;
    }
    if (!gesture.moved && Math.hypot(event.clientX - gesture.x, event.clientY - gesture.y) < CLICK) return;
    const { from, grip } = gesture;
    if (!gesture.moved && !grip) {
      const label = classOf();
      if (!label) {
        gesture = null;
        return;
      }
      gesture.label = label;
    }
    gesture.moved = true;
    if (grip) gesture.box = moved(boxes()[selected], grip, to.x - from.x, to.y - from.y);
    else gesture.box = within({ label: gesture.label, left: Math.min(from.x, to.x), right: Math.max(from.x, to.x), top: Math.min(from.y, to.y), bottom: Math.max(from.y, to.y) }, picture);
    preview(gesture);
  }

  function preview({ box, index }) {
    if (!box) return draw();
    if (index < boxes().length) return draw({ box, index });
    if (elements.length === index) addElement();
    place(elements[index], box, index, index + 1);
  }

  function up() {
    if (!gesture) return;
    const { moved: dragged, box, index, from } = gesture;
    gesture = null;
    nudged = 0;
    if (!dragged) return select(smallestAt(from), true);
    if (!box) return draw();
    change(index < boxes().length ? replaced(index, box) : [...boxes(), box], index);
  }

  function cancel() {
    gesture = null;
    if (picture) draw();
  }

  function smallestAt({ x, y }) {
    const area = (box) => (box.right - box.left) * (box.bottom - box.top);
    const hit = boxes().filter((box) => x >= box.left && x <= box.right && y >= box.top && y <= box.bottom);
    return boxes().indexOf(hit.sort((one, other) => area(one) - area(other))[0]);
  }

  function nudge(event, index) {
    const step = MOVES[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const pixel = Math.max(1, Math.round(picture.width / stage.clientWidth));  // one of the screen
    const box = moved(boxes()[index], event.shiftKey ? "rb" : "move", step[0] * pixel, step[1] * pixel);
    const now = Date.now();
    change(replaced(index, box), index, { again: now - nudged < 1000 });
    nudged = now;
  }

  stage.addEventListener("pointerdown", down);
  stage.addEventListener("pointermove", move);
  stage.addEventListener("pointerup", up);
  stage.addEventListener("pointercancel", cancel);

  return {
    show,
    draw,
    deselect: () => select(-1),
    selected: () => (picture ? boxes()[selected] : null) ?? null,
    relabel(label) { change(replaced(selected, { ...boxes()[selected], label }), selected); },
    add(drawn) { change([...boxes(), ...drawn], boxes().length + drawn.length - 1); },
    nothing() { change([], -1); },
    // The last one deleted leaves a picture of which nobody has said that nothing is there.
    remove() {
      const left = boxes().filter((_, index) => index !== selected);
      change(left.length ? left : null, Math.min(selected, left.length - 1));
      nudged = 0;
      if (!left.length) stage.focus({ preventScroll: true });
    },
    undo() {
      if (!picture?.past.length) return;
      picture.boxes = picture.past.pop();
      nudged = 0;
      onChange(picture);
      select(-1);
    },
  };
}
