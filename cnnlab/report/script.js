// The page is complete without: this sorts tables, reads values off the curves and switches lines.

// Tables: a button in every heading; numbers sort as numbers, the largest first.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    button.addEventListener("click", () => {
      const key = (row) => row.cells[column].dataset.key;
      const rows = [...body.rows];
      const numeric = rows.some((row) => key(row) !== "" && !isNaN(key(row)));
      const was = heading.getAttribute("aria-sort");
      const ascending = was === "none" ? !numeric : was === "descending";
      const compare = (a, b) => {
        if (!numeric) return key(a).localeCompare(key(b));
        const missing = isNaN(key(a)) - isNaN(key(b));
        return missing ? (ascending ? missing : -missing) : key(a) - key(b);
      };
      rows.sort((a, b) => (ascending ? compare(a, b) : compare(b, a)));
      for (const other of headings) other.setAttribute("aria-sort", "none");
      heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      body.append(...rows);
    });
  });
}

// Curves.
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
  const [left, top, right, bottom] = chart.frame;
  const share = chart.epochs > 1 ? (epoch - 1) / (chart.epochs - 1) : 0.5;
  return [left + share * (right - left), bottom - ((value - chart.low) / (chart.high - chart.low)) * (bottom - top)];
}
function column(lines, epoch) {
  return lines.map((line) => line.values[epoch - 1]).filter((value) => value !== null && value !== undefined);
}
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

function draw(svg, chart) {
  const lines = visibleLines(chart);
  const shown = new Set(lines.map((line) => `${line.experiment} ${line.seed} ${line.kind}`));
  for (const path of svg.querySelectorAll(".seed")) {
    path.classList.toggle("off", !shown.has(`${path.dataset.experiment} ${path.dataset.seed} ${path.dataset.kind}`));
  }
  for (const path of svg.querySelectorAll(".mean")) {
    const own = lines.filter((line) => String(line.experiment) === path.dataset.experiment && line.kind === path.dataset.kind);
    let text = "", pen = "M";
    for (let epoch = 1; epoch <= chart.epochs; epoch++) {
      const values = column(own, epoch);
      if (!values.length) { pen = "M"; continue; }
      text += pen + place(chart, epoch, mean(values)).map((number) => number.toFixed(1)).join(" ");
      pen = "L";
    }
    path.setAttribute("d", text && text.indexOf("L") < 0 ? text + "h0" : text);
  }
  for (const path of svg.querySelectorAll(".band")) {
    const all = chart.lines.filter((line) => String(line.experiment) === path.dataset.experiment);
    const solid = all.some((line) => line.kind === "validation") ? "validation" : "training";
    const own = lines.filter((line) => String(line.experiment) === path.dataset.experiment && line.kind === solid);
    const ahead = [], back = [];
    for (let epoch = 1; epoch <= chart.epochs; epoch++) {
      const values = column(own, epoch);
      if (!values.length) continue;
      ahead.push(place(chart, epoch, Math.max(...values)).map((number) => number.toFixed(1)).join(" "));
      back.unshift(place(chart, epoch, Math.min(...values)).map((number) => number.toFixed(1)).join(" "));
    }
    path.setAttribute("d", ahead.length ? "M" + ahead.concat(back).join("L") + "Z" : "");
  }
}

function read(svg, chart, epoch) {
  const cursor = svg.querySelector(".cursor");
  const reading = svg.parentElement.querySelector(".reading");
  if (epoch === null) {
    cursor.setAttribute("visibility", "hidden");
    reading.replaceChildren();
    return;
  }
  const [x] = place(chart, epoch, chart.low);
  cursor.setAttribute("x1", x);
  cursor.setAttribute("x2", x);
  cursor.setAttribute("visibility", "visible");
  const format = (value) => (chart.quantity === "accuracy" ? (100 * value).toFixed(2) + " %" : value.toFixed(4));
  const heading = document.createElement("b");
  heading.textContent = `Epoch ${epoch}`;
  const parts = [heading];
  names.forEach((name, experiment) => {
    for (const kind of ["validation", "training"]) {
      const values = column(visibleLines(chart).filter((line) => line.experiment === experiment && line.kind === kind), epoch);
      if (!values.length) continue;
      const range = values.length > 1 ? ` (${format(Math.min(...values))} to ${format(Math.max(...values))})` : "";
      parts.push(document.createElement("br"), `${name}, ${kind}: ${format(mean(values))}${range}`);
    }
  });
  reading.replaceChildren(...parts);
}

const drawings = [...document.querySelectorAll("svg[data-chart]")].map((svg) => [svg, charts[svg.dataset.chart]]);
for (const [svg, chart] of drawings) {
  let epoch = null;
  const show = (wanted) => {
    epoch = wanted === null ? null : Math.min(Math.max(wanted, 1), chart.epochs);
    read(svg, chart, epoch);
  };
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const [left, , right] = chart.frame;
    const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
    const share = (x - left) / (right - left);
    show(chart.epochs > 1 ? Math.round(1 + share * (chart.epochs - 1)) : 1);
  });
  svg.addEventListener("pointerleave", () => show(null));
  svg.addEventListener("blur", () => show(null));
  svg.addEventListener("keydown", (event) => {
    const wanted = { ArrowLeft: (epoch ?? 2) - 1, ArrowRight: (epoch ?? 0) + 1, Home: 1, End: chart.epochs, Escape: null }[event.key];
    if (wanted === undefined) return;
    event.preventDefault();
    show(wanted);
  });
}
for (const box of document.querySelectorAll(".toggles input")) {
  box.addEventListener("change", () => drawings.forEach(([svg, chart]) => draw(svg, chart)));
}

// On paper nothing can be opened: everything is.
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
