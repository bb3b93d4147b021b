"use strict";
/* The behaviour of the page. What is shown, and in which order, was decided in film.py and stands in `film`:

     film.frames   [{pass, id, lights: [edge ids], sums: {parameter: edge id}, text}]
     film.about    {id: {label, kind, facts, count, value, to}}  what is told of a circle, a parameter, an edge
     film.gaps     the ids of the words that stand for steps left out
     film.ids      the ids of all that has a gradient; choices[i].sizes[k] is that of ids[k]: a number, 0 for exactly
                   nothing, null where none was asked for, "nan" or "inf"
     film.choices  [{value, label, total, sizes, first: {id: the first numbers of its cotangent},
                     across: {gap: the change of the gradient across the steps left out, if it came from beyond them}}]
     film.scale    {low, high, clipped, colors, zero, nonfinite}

   The picture is a function of three numbers (`state`): `paint` draws it anew from these, and nothing else changes it.
   Names come from the user's program, so they enter the page as text only, never as HTML. */

const part = (name) => document.querySelector(`[data-part="${name}"]`);
const film = JSON.parse(part("film").textContent);
const svg = part("figure").querySelector("svg");
const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
const last = film.frames.length - 1;
const turn = film.frames.findIndex((frame) => frame.pass === "turn");
const state = { frame: 0, choice: 0, speed: 1 };
let timer = null;   // while playing
let pointed = null; // the id of what the mouse or the focus is on

// -- which frame lights up what ---------------------------------------------------------------------------------------

const drawn = new Map(); // id -> its <g> in the figure
const gaps = new Map(); // likewise
for (const g of svg.querySelectorAll("g.node, g.edge")) {
  if (Object.hasOwn(film.about, g.id)) drawn.set(g.id, g);
  if (film.gaps.includes(g.id)) gaps.set(g.id, g);
}
const row = new Map(film.ids.map((id, k) => [id, k]));
const lit = { forward: new Map(), backward: new Map() }; // id -> the frame that lights it up
film.frames.forEach((frame, i) => {
  if (!(frame.pass in lit)) return;
  for (const id of [frame.id, ...frame.lights]) lit[frame.pass].set(id, i);
});
const reached = (pass, id) => lit[pass].has(id) && lit[pass].get(id) <= state.frame;

/** The size to show now: of a parameter, that of the contributions added up so far. */
function size(id) {
  const sizes = film.choices[state.choice].sizes;
  if (film.about[id].kind !== "parameter") return sizes[row.get(id)];
  const sum = sumSoFar(id);
  return sum === null ? null : sizes[row.get(sum)];
}

/** The piece of a parameter's bus that holds the sum at this frame; null before its first contribution. */
function sumSoFar(parameter) {
  for (let i = state.frame; i > turn; i--) {
    const { sums = {} } = film.frames[i];
    if (Object.hasOwn(sums, parameter)) return sums[parameter];
  }
  return null;
}

// -- colours ----------------------------------------------------------------------------------------------------------

/** Where between 0 (low) and 1 (high) a size lies, on a logarithmic scale. */
function position(value) {
  const { low, high } = film.scale;
  return Math.min(Math.max(Math.log(value / low) / Math.log(high / low), 0), 1);
}

function colorAt(at) {
  const colors = film.scale.colors;
  const i = Math.min(Math.floor(at * (colors.length - 1)), colors.length - 2);
  const rest = at * (colors.length - 1) - i;
  return colors[i].map((low, k) => Math.round(low + (colors[i + 1][k] - low) * rest));
}

/** How a gradient of this size looks: data-state for the style sheet, and the colours that it cannot know. */
function look(value) {
  if (value === null) return { state: "none" };
  if (value === 0) return { state: "zero" };
  if (typeof value === "string") return { state: "nonfinite", color: film.scale.nonfinite };
  const at = position(value);
  const [red, green, blue] = colorAt(at);
  const light = 0.2126 * red + 0.7152 * green + 0.0722 * blue > 120;
  return {
    state: "gradient", color: `rgb(${red}, ${green}, ${blue})`, text: light ? "black" : "white",
    width: `${(1.2 + 2.8 * at).toFixed(2)}px`,
  };
}

function lookNow(id) {
  if (film.about[id].kind === "parameter") {
    return sumSoFar(id) === null ? { state: "forward" } : look(size(id)); // parameters are given from the start
  }
  if (reached("backward", id)) return look(size(id));
  return { state: reached("forward", id) ? "forward" : "waiting" };
}

// -- the picture of one frame -----------------------------------------------------------------------------------------

function paint() {
  const frame = film.frames[state.frame];
  for (const [id, g] of drawn) {
    const now = lookNow(id);
    g.dataset.state = now.state;
    const colored = g.classList.contains("node") ? "--fill" : "--stroke";
    set(g, colored, now.color);
    set(g, "--text", now.text);
    set(g, "--width", now.width);
    g.classList.toggle("now", id === frame.id);
    g.classList.toggle("pointed", id === pointed);
  }
  for (const [id, words] of gaps) words.classList.toggle("now", id === frame.id);
  document.body.classList.toggle("backward", state.frame >= turn);
  part("phase").dataset.pass = frame.pass;
  part("phase").textContent = frame.pass;
  part("told").textContent = sentence(frame);
  part("counter").textContent = `${state.frame} / ${last}`;
  part("seek").value = state.frame;
  part("seek").setAttribute("aria-valuetext", `${state.frame} of ${last}: ${sentence(frame)}`);
  part("first").disabled = part("back").disabled = state.frame === 0;
  part("last").disabled = part("next").disabled = state.frame === last;
  part("of").textContent = film.choices[state.choice].label;
  tell(pointed ?? frame.id);
}

function set(g, property, value) {
  if (value === undefined) g.style.removeProperty(property);
  else g.style.setProperty(property, value);
}

function sentence(frame) {
  const choice = film.choices[state.choice];
  if (frame.pass === "turn") {
    return `The forward pass is done: ${choice.total}. Now backwards, starting from 1 at ${choice.label}.`;
  }
  if (frame.pass === "backward" && !gaps.has(frame.id) && size(frame.id) === 0) {
    const { label } = film.about[frame.id];
    return `${label}: exactly nothing of the gradient of ${choice.label} arrives, so it has nothing to pass on.`;
  }
  if (frame.pass === "backward" && Object.hasOwn(choice.across, frame.id)) {
    return `${frame.text} Across them the gradient changes by a factor of ${short(choice.across[frame.id], 2)}.`;
  }
  return frame.text;
}

// -- the numbers ------------------------------------------------------------------------------------------------------

/** A number to so many digits: 0.0123, −4.5e−12. */
function short(value, digits = 3) {
  if (typeof value === "string") return value;
  const rounded = Number(value.toPrecision(digits));
  const plain = rounded === 0 || (Math.abs(rounded) >= 1e-3 && Math.abs(rounded) < 1e5);
  return (plain ? String(rounded) : rounded.toExponential()).replaceAll("-", "−").replace("e+", "e");
}

function sized(value) {
  if (value === null) return "no gradient asked for";
  return value === 0 ? "exactly 0" : `rms ${short(value)}`;
}

/** The first numbers of an array and the size of all of it; of a single number, itself. */
function numbers(id, first, rms) {
  if (film.about[id].count === 1) return short(first[0]);
  const more = film.about[id].count > first.length ? ", …" : "";
  return `[${first.map((value) => short(value)).join(", ")}${more}] · ${sized(rms)}`;
}

/** Fill the panel: what is known at this frame about a circle, a parameter or an edge. */
function tell(id) {
  const about = film.about[id];
  const { label, total, first } = film.choices[state.choice];
  part("rows").replaceChildren();
  if (!about) {
    part("name").textContent = total;
    part("facts").textContent = "Point at a circle, an arrow or a parameter.";
    if (state.frame === last) {
      const parameters = film.ids.filter((parameter) => film.about[parameter].kind === "parameter");
      for (const parameter of parameters) write(`∂ ${label} / ∂ ${parameter}`, sized(size(parameter)));
    }
    return;
  }
  part("name").textContent = about.label;
  part("facts").textContent = about.facts;
  const parameter = about.kind === "parameter";
  if (about.value) {
    const known = parameter || reached("forward", id);
    write("value", known ? numbers(id, about.value.first, about.value.rms) : "not computed yet");
  }
  const name = about.value ? `∂ ${label} / ∂ ${about.label}` : "gradient";
  const asked = film.choices[state.choice].sizes[row.get(id)] !== null;
  const done = parameter ? state.frame === last || sumSoFar(id) === lastSum(id) : reached("backward", id);
  if (!asked) write(name, sized(null));
  else if (done) write(name, about.value && size(id) !== 0 ? numbers(id, first[id], size(id)) : sized(size(id)));
  else if (parameter && sumSoFar(id) !== null) write(name, `so far ${sized(size(id))}`);
  else write(name, "not yet: the backward pass has not come here");
  if (reached("backward", id) && about.value) {
    const { lights } = film.frames[lit.backward.get(id)];
    const shares = lights.filter((edge) => film.about[edge].to && size(edge) !== null);
    const told = shares.map((edge) => `${film.about[edge].to}: ${sized(size(edge)).replace("rms ", "")}`);
    if (told.length) write("shares passed on (rms)", [...new Set(told)].join(" · ")); // of a tap, two pieces are drawn
  }
}

function lastSum(parameter) {
  const adds = ({ pass, sums }) => pass === "backward" && Object.hasOwn(sums, parameter);
  return film.frames.findLast(adds).sums[parameter];
}

function write(term, text) {
  const dt = document.createElement("dt");
  const dd = document.createElement("dd");
  dt.textContent = term;
  dd.textContent = text;
  part("rows").append(dt, dd);
}

// -- moving -----------------------------------------------------------------------------------------------------------

function go(frame, { playing = false } = {}) {
  if (!playing) pause();
  const one = frame === state.frame + 1;
  state.frame = Math.min(Math.max(frame, 0), last);
  paint();
  follow();
  if (one && !calm.matches) motes();
  if (!playing) remember();
}

function play() {
  const again = state.frame === last;
  if (again) go(0, { playing: true });
  document.body.classList.add("playing");
  part("play-label").textContent = "Pause";
  part("told").setAttribute("aria-live", "off"); // nobody can listen that fast
  part("panel").setAttribute("aria-live", "off");
  timer = setTimeout(tick, again ? interval() : 0);
}

function tick() {
  go(state.frame + 1, { playing: true });
  if (state.frame === last) pause();
  else timer = setTimeout(tick, interval());
}

const interval = () => 1000 / state.speed;

function pause() {
  if (timer === null) return;
  clearTimeout(timer);
  timer = null;
  document.body.classList.remove("playing");
  part("play-label").textContent = "Play";
  part("told").setAttribute("aria-live", "polite");
  part("panel").setAttribute("aria-live", "polite");
  remember();
}

/** Keep what is happening in sight where the figure is wider than the screen. */
function follow() {
  const { pass, id } = film.frames[state.frame];
  const box = part("figure");
  const g = gaps.get(id) ?? drawn.get(id);
  if (pass === "start") box.scrollTo({ left: 0 });
  if (!g || box.scrollWidth <= box.clientWidth) return;
  const at = g.getBoundingClientRect();
  const frame = box.getBoundingClientRect();
  const margin = Math.min(150, frame.width / 4);
  if (at.left > frame.left + margin && at.right < frame.right - margin) return;
  const way = (at.left + at.right) / 2 - (frame.left + frame.right) / 2;
  const smooth = !calm.matches && Math.abs(way) < frame.width; // a leap is no journey
  box.scrollTo({ left: box.scrollLeft + way, behavior: smooth ? "smooth" : "auto" });
}

/** Small dots that run along the arrows of this frame: forwards what is computed from, backwards the shares. */
function motes() {
  for (const old of svg.querySelectorAll(".mote")) old.remove();
  const { lights = [], pass } = film.frames[state.frame];
  const sizes = film.choices[state.choice].sizes;
  const paths = lights
    .filter((id) => drawn.has(id) && (pass === "forward" || sizes[row.get(id)])) // nothing runs where nothing flows
    .map((id) => drawn.get(id).querySelector("path"));
  const dots = paths.map((path) => {
    const dot = document.createElementNS(svg.namespaceURI, "circle");
    dot.setAttribute("class", "mote");
    dot.setAttribute("r", "4.5");
    path.closest("g.graph").append(dot);
    return dot;
  });
  const begun = performance.now();
  const duration = Math.min(0.8 * interval(), 650);
  const move = (time) => {
    const done = Math.min(Math.max((time - begun) / duration, 0), 1);
    dots.forEach((dot, i) => {
      const length = paths[i].getTotalLength();
      const { x, y } = paths[i].getPointAtLength(length * (pass === "forward" ? done : 1 - done));
      dot.setAttribute("cx", x);
      dot.setAttribute("cy", y);
      if (done === 1) dot.remove();
    });
    if (done < 1 && dots.some((dot) => dot.isConnected)) requestAnimationFrame(move);
  };
  if (dots.length) move(begun);
}

// -- the address: #frame=12&cost=3 ------------------------------------------------------------------------------------

function recall() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const frame = Math.round(Number(asked.get("frame")));
  const choice = film.choices.findIndex((each) => each.value === (asked.get("cost") ?? "all"));
  state.choice = Math.max(choice, 0);
  part("choice").value = film.choices[state.choice].value;
  go(Number.isNaN(frame) ? 0 : frame);
}

function remember() {
  try {
    history.replaceState(null, "", `#frame=${state.frame}&cost=${film.choices[state.choice].value}`);
  } catch {
    // In a notebook's frame a page has no address of its own, and needs none.
  }
}

// -- what the reader does ---------------------------------------------------------------------------------------------

const toggle = () => (timer === null ? play() : pause());
part("play").addEventListener("click", toggle);
part("first").addEventListener("click", () => go(0));
part("last").addEventListener("click", () => go(last));
part("back").addEventListener("click", () => go(state.frame - 1));
part("next").addEventListener("click", () => go(state.frame + 1));
part("seek").addEventListener("input", (event) => go(Number(event.target.value)));
part("speed").addEventListener("change", (event) => { state.speed = Number(event.target.value); });
part("choice").addEventListener("change", (event) => {
  state.choice = film.choices.findIndex((choice) => choice.value === event.target.value);
  paint();
  remember();
});
window.addEventListener("hashchange", recall);

const keys = {
  " ": toggle, ArrowLeft: () => go(state.frame - 1), ArrowRight: () => go(state.frame + 1),
  Home: () => go(0), End: () => go(last),
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || !Object.hasOwn(keys, event.key)) return;
  const own = event.key === " " ? "button, select" : "select, input"; // where these keys have a meaning already
  if (event.target.closest?.(own)) return;
  event.preventDefault();
  keys[event.key]();
});

function point(id) {
  pointed = id;
  paint();
}
for (const [id, g] of drawn) {
  g.addEventListener("pointerenter", () => point(id));
  g.addEventListener("pointerleave", () => point(null));
}
// On the whole figure: a listener for "focus" on an arrow would make the arrow a stop of the Tab key.
part("figure").addEventListener("focusin", (event) => point(drawn.has(event.target.id) ? event.target.id : null));
part("figure").addEventListener("focusout", () => point(null));

// -- setting up -------------------------------------------------------------------------------------------------------

for (const [id, g] of drawn) {
  if (film.about[id].kind) g.dataset.kind = film.about[id].kind;
  const path = g.classList.contains("edge") ? g.querySelector("path") : null;
  if (path) { // a thin line is hard to point at: a broad one that nobody sees lies over it
    const hit = path.cloneNode();
    hit.setAttribute("class", "hit");
    g.append(hit);
  }
}
for (const words of gaps.values()) words.classList.add("words");
for (const { value, label } of film.choices) {
  const option = new Option(value === "all" ? label : `${label} only`, value);
  part("choice").append(option);
}
const natural = svg.viewBox.baseVal.width * 96 / 72; // from points to pixels, the size that Graphviz meant
svg.removeAttribute("width");
svg.removeAttribute("height");
svg.style.setProperty("--natural", `${Math.round(natural)}px`);
svg.style.setProperty("--ratio", svg.viewBox.baseVal.width / svg.viewBox.baseVal.height);
part("seek").max = last;
part("seek").style.setProperty("--turn", `${(100 * turn) / last}%`);
const stops = Array.from({ length: 13 }, (_, i) => `rgb(${colorAt(i / 12).join(", ")})`);
part("ramp").style.background = `linear-gradient(to right, ${stops.join(", ")})`;
const { low, high, clipped } = film.scale;
part("low").textContent = (clipped ? "≤ " : "") + short(low);
part("middle").textContent = short(Math.sqrt(low) * Math.sqrt(high), 1);
part("high").textContent = short(high);
const finite = film.choices.every((choice) => choice.sizes.every((value) => typeof value !== "string"));
part("nonfinite").hidden = finite;
part("nonfinite").querySelector("path").style.setProperty("--stroke", film.scale.nonfinite);
recall();
