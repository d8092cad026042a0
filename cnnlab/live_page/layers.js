// One card for each layer of each run: its kernels, and its output as it is for this picture.
const element = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "text") made.textContent = value;
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
};
const times = (shape) => shape.join("×");
const thousands = (number) => number.toLocaleString("en-US");

const GAP = 2; // points between two maps
const KERNEL_GAP = 8; // between two kernels, which are small
const MOST_HEIGHT = 300; // of all maps of a layer, in points of the page

class LayerView {
  constructor(page, run, position) {
    Object.assign(this, { page, run, position });
    this.net = page.nets[run];
    this.node = this.net.data.nodes[position];
    this.geometry = this.net.geometryOf(position);
    this.off = new Set();
    this.visible = false;
    this.cursor = null; // {map, row, column}
    this.build();
  }

  build() {
    const { node, geometry } = this;
    const counted = node.params ? `, ${thousands(node.params)} parameters` : "";
    const from = node.inputs.length > 1 || node.inputs[0] !== this.position - 1
      ? ` From: ${node.inputs.map((each) => (each < 0 ? "the image" : this.net.data.nodes[each].name)).join(", ")}.` : "";
    this.about = element("p", { text: `${node.type}: ${times(node.shape)}${counted}.${from}` });
    this.scaleLine = element("p");
    this.canvas = element("canvas", { class: "maps", tabindex: "0", role: "application", "aria-label": `Output of ${node.name}` });
    this.kernels = this.kernelCanvas();
    this.card = element("article", { class: "layer", "data-run": this.run, "data-layer": node.name },
      element("h4", { text: node.name }), this.about, ...(this.kernels ? [this.kernels] : []), this.scaleLine, this.canvas);
    if (!geometry.isRow && geometry.maps > 1) this.card.append(this.filterButtons());
    this.listen();
  }

  // Kernels that see one channel, or three as colors, as small pictures; others are shown number by number.
  kernelCanvas() {
    const kernel = this.node.weights.kernel;
    if (!kernel || this.node.kernel !== "Conv2D") return null;
    const [height, width, channels, maps] = kernel.shape;
    this.isColored = channels === 3 && this.seesImage(this.node.inputs[0]);
    if (channels > 1 && !this.isColored) return null;
    const key = this.isColored ? "red, green and blue weights as colors, 0 gray" : "positive weights red, negative ones blue";
    return element("canvas", { class: "kernels", role: "img", "aria-label": `${maps} kernels of ${height}×${width}, ${key}` });
  }

  // Whether a layer's input is the image with its three colors, moved or scaled at most.
  seesImage(position) {
    if (position < 0) return true;
    const { kernel, inputs } = this.net.data.nodes[position];
    return ["Reshape", "Rescaling", "ZeroPadding2D", "Cropping2D", "RandomCrop", "BatchNormalization"].includes(kernel) && this.seesImage(inputs[0]);
  }

  filterButtons() {
    const row = element("div", { class: "filters" });
    const buttons = Array.from({ length: this.geometry.maps }, (_, map) => {
      const button = element("button", { type: "button", "aria-pressed": "false", text: String(map + 1), "aria-label": `Turn filter ${map + 1} off` });
      button.addEventListener("click", () => this.toggle(map));
      return button;
    });
    this.buttons = buttons;
    const all = element("button", { type: "button", text: "All on" });
    all.addEventListener("click", () => {
      this.off.clear();
      this.showOff();
    });
    row.append(...buttons, all);
    this.offCount = element("summary", { text: "Turn filters off" });
    return element("details", {}, this.offCount, row);
  }

  toggle(map) {
    if (this.geometry.isRow || this.geometry.maps < 2) return;
    if (!this.off.delete(map)) this.off.add(map);
    this.showOff();
  }

  showOff() {
    this.buttons.forEach((button, map) => button.setAttribute("aria-pressed", String(this.off.has(map))));
    this.offCount.textContent = this.off.size ? `Turn filters off: ${this.off.size} of ${this.geometry.maps} are off` : "Turn filters off";
    this.page.update();
  }

  // Where a number of a map of this size lies on its picture, and back: as the image lies, if the map does.
  onMap(row, column, height, width) {
    const { lies } = this.node, { data } = this.page;
    if (!lies) return [column, row];
    return lies === "image" ? onPicture(row, column, height, width, data) : onPicture(column, row, width, height, data);
  }

  fromMap(x, y, height, width) {
    const { lies } = this.node, { data } = this.page;
    if (!lies) return [y, x];
    return lies === "image" ? fromPicture(x, y, height, width, data) : fromPicture(x, y, width, height, data).reverse();
  }

  // [height, width] of the picture of a map.
  sizeOnPage(height, width) {
    const isTurned = Boolean(this.page.data.turned?.exchanged) !== (this.node.lies === "exchanged");
    return this.node.lies && isTurned ? [width, height] : [height, width];
  }

  // Where the maps lie on the canvas: as large as fits, in whole points for each number. Of large maps only every
  // so many rows and columns are drawn.
  layOut() {
    const { maps, height, width, isRow } = this.geometry;
    const [fullHigh, fullWide] = this.sizeOnPage(height, width);
    const available = Math.max(120, this.card.clientWidth - 26), gap = isRow ? 0 : GAP;
    const most = isRow ? 90 : MOST_HEIGHT;
    let scale = isRow ? 14 : 8, step = 1, high = fullHigh, wide = fullWide;
    const columnsAt = (size) => Math.max(1, Math.min(maps, Math.floor((available + gap) / (wide * size + gap))));
    const isTooLarge = () => wide * scale > available || Math.ceil(maps / columnsAt(scale)) * (high * scale + gap) > most;
    while (scale > 1 && isTooLarge()) scale--;
    while (!isRow && isTooLarge() && Math.max(high, wide) > 8) {
      step++;
      [high, wide] = [Math.ceil(fullHigh / step), Math.ceil(fullWide / step)];
    }
    const columns = columnsAt(scale);
    this.plan = { scale, step, columns, gap, high, wide, rows: Math.ceil(maps / columns) };
    this.canvas.width = columns * (wide * scale + gap) - gap;
    this.canvas.height = this.plan.rows * (high * scale + gap) - gap;
    this.canvas.style.width = `min(${this.canvas.width}px, 100%)`;
  }

  show(values) {
    this.values = values;
    if (!this.visible) return;
    if (!this.plan) this.layOut();
    const { maps, height, width, at, isRow } = this.geometry, { scale, step, columns, gap, high, wide } = this.plan;
    const most = largest(values);
    const colors = new Uint32Array(511);
    for (let step = -255; step <= 255; step++) {
      const [red, green, blue] = colorOf(step, 255);
      colors[step + 255] = (255 << 24) | (blue << 16) | (green << 8) | red;
    }
    const context = this.canvas.getContext("2d");
    const image = context.createImageData(this.canvas.width, this.canvas.height);
    const points = new Uint32Array(image.data.buffer);
    const across = this.canvas.width, factor = most ? 255 / most : 0;
    for (let map = 0; map < maps; map++) {
      const left = (map % columns) * (wide * scale + gap), top = Math.floor(map / columns) * (high * scale + gap);
      for (let y = 0; y < high; y++) {
        for (let x = 0; x < wide; x++) {
          const [row, column] = this.fromMap(x * step, y * step, height, width);
          const color = colors[Math.round(values[at(row, column, map)] * factor) + 255];
          for (let down = 0; down < scale; down++) {
            const start = (top + y * scale + down) * across + left + x * scale;
            points.fill(color, start, start + scale);
          }
        }
      }
    }
    context.putImageData(image, 0, 0);
    context.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--ink");
    for (const map of this.off) {
      const left = (map % columns) * (wide * scale + gap), top = Math.floor(map / columns) * (high * scale + gap);
      context.strokeRect(left + 0.5, top + 0.5, wide * scale - 1, high * scale - 1);
      context.beginPath();
      context.moveTo(left, top);
      context.lineTo(left + wide * scale, top + high * scale);
      context.stroke();
    }
    if (this.cursor) this.outline(context);
    const what = isRow ? `${thousands(maps)} values` : `${maps} ${maps === 1 ? "map" : "maps"} of ${height}×${width}`;
    const part = step > 1 ? `, of which every ${step}th row and column is drawn` : "";
    this.scaleLine.textContent = `${what}${part}; the strongest color is ±${shown(most)}.`;
    this.canvas.setAttribute("aria-label", `Output of ${this.node.name}: ${what}. ${this.strongest(values)}`);
    if (this.kernels) this.showKernels();
  }

  strongest(values) {
    const { maps, height, width, at } = this.geometry;
    const sums = Array.from({ length: maps }, (_, map) => {
      let most = 0;
      for (let row = 0; row < height; row++) for (let column = 0; column < width; column++) most = Math.max(most, Math.abs(values[at(row, column, map)]));
      return [most, map + 1];
    }).sort((one, other) => other[0] - one[0]).slice(0, 3);
    return `Strongest: ${sums.map(([most, map]) => `${map} (${shown(most)})`).join(", ")}.`;
  }

  outline(context) {
    const { scale, step, columns, gap, high, wide } = this.plan, { map, row, column } = this.cursor;
    const [x, y] = this.onMap(row, column, this.geometry.height, this.geometry.width).map((place) => Math.floor(place / step));
    const left = (map % columns) * (wide * scale + gap) + x * scale, top = Math.floor(map / columns) * (high * scale + gap) + y * scale;
    context.lineWidth = 1;
    context.strokeStyle = "#fff";
    context.strokeRect(left - 1.5, top - 1.5, scale + 3, scale + 3);
    context.strokeStyle = "#000";
    context.strokeRect(left - 0.5, top - 0.5, scale + 1, scale + 1);
  }

  showKernels() {
    const { shape, at } = this.node.weights.kernel, weights = this.net.weights;
    const [height, width, channels, maps] = shape;
    const [high, wide] = this.sizeOnPage(height, width);
    const scale = Math.max(2, Math.min(8, Math.floor(40 / Math.max(height, width))));
    const available = Math.max(120, this.card.clientWidth - 26);
    const columns = Math.max(1, Math.min(maps, Math.floor((available + KERNEL_GAP) / (wide * scale + KERNEL_GAP))));
    const canvas = this.kernels;
    canvas.width = columns * (wide * scale + KERNEL_GAP) - KERNEL_GAP;
    canvas.height = Math.ceil(maps / columns) * (high * scale + KERNEL_GAP) - KERNEL_GAP;
    canvas.style.width = `min(${canvas.width}px, 100%)`;
    const context = canvas.getContext("2d");
    const kernel = weights.subarray(at, at + height * width * channels * maps), most = largest(kernel);
    for (let map = 0; map < maps; map++) {
      const left = (map % columns) * (wide * scale + KERNEL_GAP), top = Math.floor(map / columns) * (high * scale + KERNEL_GAP);
      for (let row = 0; row < height; row++) {
        for (let column = 0; column < width; column++) {
          const weight = (channel) => kernel[((row * width + column) * channels + channel) * maps + map];
          const part = (channel) => Math.round(127.5 + (127.5 * weight(channel)) / (most || 1));
          context.fillStyle = this.isColored ? `rgb(${part(0)} ${part(1)} ${part(2)})` : cssColor(weight(0), most);
          const [x, y] = this.onMap(row, column, height, width);
          context.fillRect(left + x * scale, top + y * scale, scale, scale);
        }
      }
    }
  }

  // Pointer and keys: which number is meant.
  listen() {
    const { canvas } = this;
    const meant = (event) => {
      if (!this.plan) return null;
      const box = canvas.getBoundingClientRect(), { scale, step, columns, gap, high, wide } = this.plan;
      const x = ((event.clientX - box.left) * canvas.width) / box.width, y = ((event.clientY - box.top) * canvas.height) / box.height;
      const tileX = Math.floor(x / (wide * scale + gap)), tileY = Math.floor(y / (high * scale + gap));
      const across = Math.floor((x - tileX * (wide * scale + gap)) / scale), down = Math.floor((y - tileY * (high * scale + gap)) / scale);
      const map = tileY * columns + tileX;
      if (map < 0 || map >= this.geometry.maps || across < 0 || down < 0 || across >= wide || down >= high) return null;
      const [row, column] = this.fromMap(across * step, down * step, this.geometry.height, this.geometry.width);
      return { map, row, column };
    };
    const point = (event) => {
      const found = meant(event);
      if (found) this.point(found);
    };
    canvas.addEventListener("pointermove", point);
    canvas.addEventListener("pointerdown", point);
    canvas.addEventListener("focus", () => this.cursor ?? this.point({ map: 0, row: 0, column: 0 }));
    canvas.addEventListener("keydown", (event) => {
      const { maps, height, width, isRow } = this.geometry;
      let { map, row, column } = this.cursor ?? { map: 0, row: 0, column: 0 };
      const [down, right] = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] }[event.key] ?? [0, 0];
      if (event.key === "PageDown") map += 1;
      else if (event.key === "PageUp") map -= 1;
      else if (event.key === "o" || event.key === "O") return this.toggle(map);
      else if (!down && !right) return;
      event.preventDefault();
      const within = (value, size) => Math.max(0, Math.min(size - 1, value));
      if (isRow) map += right + down * this.plan.columns;
      else {
        const [high, wide] = this.sizeOnPage(height, width), [x, y] = this.onMap(row, column, height, width);
        [row, column] = this.fromMap(within(x + right, wide), within(y + down, high), height, width);
      }
      this.point({ map: within(map, maps), row, column });
    });
  }

  point(cursor) {
    const before = this.page.pointed;
    this.cursor = cursor;
    this.page.pointAt(this);
    if (before && before !== this) before.unpoint();
    if (this.values) this.show(this.values);
  }

  unpoint() {
    this.cursor = null;
    if (this.values) this.show(this.values);
  }
}
