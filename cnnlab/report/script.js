// The page is complete without: this reads values off the curves and switches lines.

// Curves: the drawings are complete without; this draws them anew for the lines that are switched on.
const charts = JSON.parse(document.getElementById("chart-data").textContent);
const names = JSON.parse(document.getElementById("experiment-names").textContent);
const chosen = (kind) =>
  new Set([...document.querySelectorAll(`.toggles [data-${kind}]`)].filter((box) => box.checked).map((box) => box.dataset[kind]));

function visibleLines(chart) {
  const experiments = chosen("experiment"), seeds = chosen("seed"), kinds = chosen("kind");
  return chart.lines.filter(
    (line) => experiments.has(String(line.experiment)) && seeds.has(String(line.seed)) && kinds.has(line.kind));
}
function place(chart, epoch, value) {
  const [left, top, right, bottom] = chart.frame, [first, last] = chart.x, [low, high] = chart.y;
  return [left + ((epoch - first) / (last - first)) * (right - left), bottom - ((value - low) / (high - low)) * (bottom - top)];
}
const valuesAt = (lines, epoch) =>
  lines.map((line) => line.values[epoch - 1]).filter((value) => value !== null && value !== undefined);
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

// Pieces of a curve without gaps: each a list of points in the drawing.
function pieces(chart, lines, summary) {
  const found = [[]];
  for (let epoch = 1; epoch <= chart.epochs; epoch++) {
    const values = valuesAt(lines, epoch);
    if (values.length) found.at(-1).push(place(chart, epoch, summary(values)));
    else if (found.at(-1).length) found.push([]);
  }
  return found.filter((piece) => piece.length);
}
const path = (points) => "M" + points.map((point) => point.map((number) => number.toFixed(2)).join(" ")).join("L");

function draw(svg, chart) {
  const lines = visibleLines(chart);
  for (const group of svg.querySelectorAll("[data-part]")) {
    const [what, kind, experiment, seed] = group.dataset.part.split("-");
    const own = lines.filter(
      (line) => String(line.experiment) === experiment && line.kind === kind && (what !== "seed" || String(line.place) === seed));
    group.classList.toggle("off", !own.length);
    const shape = group.querySelector("path");
    if (what === "band") {
      const low = pieces(chart, own, (values) => Math.min(...values));
      const high = pieces(chart, own, (values) => Math.max(...values));
      const offset = Number(group.querySelector("use")?.getAttribute("y") ?? 0);
      const outlines = high.map((piece, index) => [...piece, ...low[index].reverse()].map(([x, y]) => [x, y - offset]));
      shape.setAttribute("d", outlines.map((outline) => path(outline) + "Z").join(""));
      for (const other of [...group.querySelectorAll("path")].slice(1)) other.remove(); // one for each piece, before
      continue;
    }
    const curve = pieces(chart, own, mean);
    shape.setAttribute("d", curve.map(path).join(""));
    const dots = group.querySelectorAll("use");
    if (!dots.length) continue;
    // Dots stand for points without neighbors, or for all points where colors have run out.
    group.dot ??= dots[0].cloneNode();
    group.everywhere ??= dots.length === curve.flat().length;
    const points = group.everywhere ? curve.flat() : curve.filter((piece) => piece.length === 1).flat();
    dots[0].parentNode.replaceChildren(...(points.length ? points : [[-9, -9]]).map(([x, y]) => {
      const dot = group.dot.cloneNode();
      dot.setAttribute("x", x);
      dot.setAttribute("y", y);
      return dot;
    }));
  }
}

function read(figure, chart, epoch) {
  const cursor = figure.querySelector(".cursor");
  const reading = figure.querySelector(".reading");
  cursor.setAttribute("visibility", epoch === null ? "hidden" : "visible");
  if (epoch === null) {
    reading.replaceChildren();
    return;
  }
  const [x] = place(chart, epoch, 0);
  cursor.setAttribute("x1", x);
  cursor.setAttribute("x2", x);
  const format = (value) => (chart.quantity === "accuracy" ? (100 * value).toFixed(2) + "%" : value.toFixed(4));
  const heading = document.createElement("b");
  heading.textContent = `Epoch ${epoch}`;
  const parts = [heading];
  names.forEach((name, experiment) => {
    for (const kind of ["validation", "training"]) {
      const values = valuesAt(visibleLines(chart).filter((line) => line.experiment === experiment && line.kind === kind), epoch);
      if (!values.length) continue;
      const range = values.length > 1 ? ` (${format(Math.min(...values))} to ${format(Math.max(...values))})` : "";
      parts.push(document.createElement("br"), `${name}, ${kind}: ${format(mean(values))}${range}`);
    }
  });
  reading.replaceChildren(...parts);
}

const figures = [...document.querySelectorAll("[data-chart]")].map((figure) =>
  [figure, figure.querySelector("svg"), charts[figure.dataset.chart]]);
for (const [figure, svg, chart] of figures) {
  const [left, top, right, bottom] = chart.frame;
  const cursor = svg.appendChild(document.createElementNS(svg.namespaceURI, "line"));
  cursor.setAttribute("class", "cursor");
  cursor.setAttribute("visibility", "hidden");
  cursor.setAttribute("y1", top);
  cursor.setAttribute("y2", bottom);
  svg.tabIndex = 0;
  let epoch = null;
  const show = (wanted) => {
    epoch = wanted === null ? null : Math.min(Math.max(wanted, 1), chart.epochs);
    read(figure, chart, epoch);
  };
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
    show(Math.round(chart.x[0] + ((x - left) / (right - left)) * (chart.x[1] - chart.x[0])));
  });
  svg.addEventListener("pointerleave", () => show(null));
  svg.addEventListener("blur", () => show(null));
  svg.addEventListener("keydown", (event) => {
    const wanted = { ArrowLeft: (epoch ?? 2) - 1, ArrowRight: (epoch ?? 0) + 1, Home: 1, End: chart.epochs, Escape: null }[event.key];
    if (wanted === undefined) return;
    event.preventDefault();
    show(wanted);
  });
  draw(svg, chart);
}
for (const box of document.querySelectorAll(".toggles input")) {
  box.addEventListener("change", () => figures.forEach(([, svg, chart]) => draw(svg, chart)));
}

// On paper nothing can be opened: everything is.
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
