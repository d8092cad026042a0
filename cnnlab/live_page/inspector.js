// How one number of a layer is made: its receptive field on the picture, and the sum, number by number.
const MOST_CELLS = 121; // numbers of a window that are written out
const MOST_TERMS = 14; // of a long sum, those that weigh most

class Inspector {
  constructor(page, place) {
    Object.assign(this, { page, place });
    document.getElementById("close").addEventListener("click", () => this.close());
    addEventListener("keydown", (event) => event.key === "Escape" && this.close());
    this.channel = null; // the input channel whose window is shown; null: the one that weighs most
  }

  show(view) {
    const { node, geometry, cursor, net, position } = view, { map, row, column } = cursor;
    if (this.view !== view) this.channel = null;
    this.view = view;
    const index = geometry.at(row, column, map), value = view.values[index];
    const where = geometry.isRow ? `value ${thousands(map + 1)}` : `map ${map + 1}, row ${row + 1}, column ${column + 1}`;
    document.getElementById("inspector-title").textContent = `${this.page.titleOf(view.run)}${node.name}: ${where}: ${shown(value)}`;
    const parts = view.off.has(map)
      ? [element("p", { text: "This filter is turned off: its values are set to 0." })]
      : this.sum(view, net.explain(position, index, this.page.outputs[view.run]), value);
    const thumbnail = element("canvas", { role: "img", "aria-label": "The picture with the receptive field" });
    this.mark(thumbnail, view);
    const figure = element("figure", {}, thumbnail, element("figcaption", { class: "hint", text: this.seen(view) }));
    this.place.replaceChildren(figure, element("div", {}, ...parts));
    this.place.parentElement.hidden = false;
  }

  seen(view) {
    const field = this.fieldOf(view);
    if (field && (field[0] === field[1] || field[2] === field[3])) return "Sees only padding";
    if (field) return `Sees rows ${field[0] + 1}–${field[1]}, columns ${field[2] + 1}–${field[3]}`;
    if (view.net.data.input.order) return "The pixels are permuted: what it sees is scattered over the picture";
    return view.node.shape.length === 3 ? "Which part it sees is not fixed, or not known" : "Depends on all values before it";
  }

  close() {
    if (this.place.parentElement.hidden) return;
    this.place.parentElement.hidden = true;
    this.view?.canvas.focus({ preventScroll: true });
    this.view = null;
    this.page.unpoint();
  }

  // Top, bottom, left, right on the network's image; null: all of it, or unknown.
  fieldOf({ net, position, geometry, cursor }) {
    const index = geometry.at(cursor.row, cursor.column, cursor.map);
    const origin = net.originOf(position, index), field = origin && net.data.nodes[origin.position]?.field;
    if (origin?.position === -1 && !net.data.input.order) return [origin.row, origin.row + 1, origin.column, origin.column + 1];
    if (!field) return null;
    const [rows, columns] = [field.rows[origin.row], field.columns[origin.column]];
    return net.data.nodes[origin.position].lies === "image" ? [...rows, ...columns] : [...columns, ...rows];
  }

  mark(canvas, view) {
    const { data, pixels } = this.page, [height, width] = data.size;
    this.page.paintPixels(canvas, pixels);
    const field = this.fieldOf(view);
    if (!field || field[0] === field[1] || field[2] === field[3]) return;
    const enlarged = Math.max(1, Math.round(112 / Math.max(canvas.width, canvas.height))), small = document.createElement("canvas");
    small.width = canvas.width;
    small.height = canvas.height;
    small.getContext("2d").drawImage(canvas, 0, 0);
    canvas.width *= enlarged;
    canvas.height *= enlarged;
    const context = canvas.getContext("2d"), step = canvas.width / (data.turned?.exchanged ? height : width);
    context.imageSmoothingEnabled = false;
    context.drawImage(small, 0, 0, canvas.width, canvas.height);
    const [top, bottom, left, right] = field;
    const corners = [onPicture(top, left, height, width, data), onPicture(bottom - 1, right - 1, height, width, data)];
    const x = Math.min(corners[0][0], corners[1][0]) * step, y = Math.min(corners[0][1], corners[1][1]) * step;
    const across = (Math.abs(corners[0][0] - corners[1][0]) + 1) * step, down = (Math.abs(corners[0][1] - corners[1][1]) + 1) * step;
    for (const [color, thickness] of [["#000", 5], ["#ffd400", 2.5]]) {
      context.strokeStyle = color;
      context.lineWidth = thickness;
      context.strokeRect(x, y, across, down);
    }
  }

  sum(view, told, value) {
    const say = (text) => element("p", { class: "sum", text });
    if (told.kind === "other") return [say(`Its value is ${shown(value)}.`)];
    if (told.kind === "one") return [say(`Its input is ${shown(told.terms[0].value)}; ${view.node.type} gives ${shown(value)}.`)];
    const ending = [];
    if (told.kind === "sum") {
      const bias = told.bias ? ` ${told.bias < 0 ? "−" : "+"} ${shown(Math.abs(told.bias))} (bias)` : "";
      const after = told.activation && told.activation !== "linear" ? `; ${told.activation} gives ${shown(told.result)}` : "";
      const before = told.terms.reduce((total, term) => total + term.product, 0);
      ending.push(say(`${thousands(told.terms.length)} products, sum ${shown(before)}${bias} = ${shown(told.before)}${after}.`));
    } else if (told.kind === "plain sum") ending.push(say(`The sum of ${told.terms.length} values is ${shown(told.result)}.`));
    else if (told.kind === "max") ending.push(say(`The largest of ${told.terms.length} values is ${shown(told.result)}.`));
    else ending.push(say(`The mean of ${told.terms.length} values is ${shown(told.result)}.`));
    const isWindow = told.terms.length > 0 && told.terms[0].at.length === 3;
    return [...ending, ...(isWindow ? this.windows(told) : [this.weightiest(view, told)])];
  }

  // A window's inputs, weights and products as small tables, one input channel at a time.
  windows(told) {
    const channels = new Map();
    for (const term of told.terms) {
      if (!channels.has(term.at[2])) channels.set(term.at[2], []);
      channels.get(term.at[2]).push(term);
    }
    const weigh = (terms) => terms.reduce((total, term) => total + (term.product ?? term.value), 0);
    const order = [...channels].map(([channel, terms]) => [channel, weigh(terms)]).sort((one, other) => Math.abs(other[1]) - Math.abs(one[1]));
    if (!order.length) return [];
    const chosen = channels.has(this.channel) ? this.channel : order[0][0];
    const parts = [];
    if (order.length > 1) {
      const row = element("div", { class: "channels", role: "group", "aria-label": "Input maps, the weightiest first" });
      for (const [channel, total] of order.slice(0, MOST_TERMS)) {
        const button = element("button", { type: "button", "aria-pressed": String(channel === chosen), text: `map ${channel + 1}: ${shown(total)}` });
        button.addEventListener("click", () => {
          this.channel = channel;
          this.show(this.view);
        });
        row.append(button);
      }
      if (order.length > MOST_TERMS) row.append(element("span", { class: "hint", text: `and ${order.length - MOST_TERMS} more maps` }));
      parts.push(element("p", { class: "hint", text: "What each input map adds; choose one to see its numbers." }), row);
    }
    const terms = channels.get(chosen);
    if (terms.length > MOST_CELLS) return [...parts, this.weightiest(this.view, { ...told, terms })];
    const grids = element("div", { class: "grids" });
    const highest = told.kind === "max" ? Math.max(...terms.map((term) => term.value)) : null;
    grids.append(this.grid("Input", terms, (term) => term.value, (term) => term.value === highest));
    if (told.kind === "sum") grids.append(this.grid("Weights", terms, (term) => term.weight), this.grid("Products", terms, (term) => term.product));
    return [...parts, grids];
  }

  grid(title, terms, of, isChosen = () => false) {
    const rows = [...new Set(terms.map((term) => term.at[0]))].sort((a, b) => a - b);
    const columns = [...new Set(terms.map((term) => term.at[1]))].sort((a, b) => a - b);
    const most = largest(terms.map(of));
    const body = element("tbody");
    for (const row of rows) {
      const line = element("tr");
      for (const column of columns) {
        const term = terms.find((each) => each.at[0] === row && each.at[1] === column);
        const cell = element("td", { text: term ? shown(of(term)) : "", class: term && isChosen(term) ? "chosen" : null });
        if (term) {
          const color = colorOf(of(term), most);
          cell.style.background = `rgb(${color.join(" ")})`;
          cell.style.color = inkOn(color);
        }
        line.append(cell);
      }
      body.append(line);
    }
    return element("table", {}, element("caption", { text: title }), body);
  }

  // Of a long sum, the terms that weigh most.
  weightiest(view, told) {
    const sorted = [...told.terms].sort((one, other) => Math.abs(other.product ?? other.value) - Math.abs(one.product ?? one.value));
    const head = element("tr", {}, ...["Input", "Value", ...(told.kind === "sum" ? ["Weight", "Product"] : [])].map((text) => element("th", { text, scope: "col" })));
    const body = element("tbody");
    for (const term of sorted.slice(0, MOST_TERMS)) {
      const numbers = told.kind === "sum" ? [term.value, term.weight, term.product] : [term.value];
      body.append(element("tr", {}, element("th", { scope: "row", text: this.nameOf(view, term) }), ...numbers.map((number) => element("td", { text: shown(number) }))));
    }
    const rest = sorted.length - MOST_TERMS;
    const caption = rest > 0 ? `The ${MOST_TERMS} terms that weigh most; ${thousands(rest)} more` : "All terms";
    return element("div", { class: "scroll" }, element("table", { class: "data" }, element("caption", { text: caption }), element("thead", {}, head), body));
  }

  // An input by its place; behind Flatten, by the map that it comes from.
  nameOf(view, { at, from }) {
    if (from !== undefined) return from < 0 ? "the image" : view.net.data.nodes[from].name;
    if (at.length === 3) return `map ${at[2] + 1}, row ${at[0] + 1}, column ${at[1] + 1}`;
    const origin = view.net.originOf(view.node.inputs[0], at[0]);
    if (!origin) return `value ${thousands(at[0] + 1)}`;
    const place = `row ${origin.row + 1}, column ${origin.column + 1}`;
    return origin.position === -1 && this.page.data.channels === 1 ? `pixel ${place}` : `map ${origin.map + 1}, ${place}`;
  }
}
