// The page: the picture goes in, all layers answer.
const SLOW = 60; // milliseconds; beyond, a stroke is answered less often than it is drawn

class LivePage {
  constructor(data) {
    this.data = data;
    this.mode = data.mode;
    this.nets = data.runs.map((run) => new LiveNetwork(run));
    this.drawing = new Drawing(data, this.mode);
    this.drawing.decoded = data.examples.map((each) => ({ label: each.label, pixels: bytesOf(each.pixels) }));
    this.outputs = [];
    this.pointed = null;
    this.board = document.getElementById("drawing");
    const [high, wide] = data.turned?.exchanged ? [data.size[1], data.size[0]] : data.size;
    this.board.style.width = `min(100%, ${Math.min(22, (26 * wide) / high)}rem)`;
    this.inspector = new Inspector(this, document.getElementById("inspected"));
    this.answers = data.runs.map((_, run) => new AnswerCard(this, run));
    document.getElementById("answer-cards").append(...this.answers.map((each) => each.card));
    this.views = data.runs.flatMap((_, run) => data.runs[run].nodes.map((_, position) => new LayerView(this, run, position)));
    this.placeLayers();
    this.wire();
    readPalette();
    this.check();
    this.epochs = data.epochs ? new EpochSlider(this, data.epochs) : null;
    if (this.drawing.decoded.length) this.choose(0);
    else this.update();
  }

  placeLayers() {
    const runs = document.getElementById("runs");
    this.data.runs.forEach((run, index) => {
      const column = element("div", { "data-run": index, "data-layers": true });
      if (this.data.runs.length > 1) column.append(element("h3", { text: run.title }));
      column.append(...this.views.filter((view) => view.run === index).map((view) => view.card));
      runs.append(column);
    });
    const byCard = new Map(this.views.map((view) => [view.card, view]));
    const observer = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        const view = byCard.get(entry.target);
        view.visible = entry.isIntersecting;
        if (view.visible && view.values) view.show(view.values);
      }
    }, { rootMargin: "200px" });
    this.views.forEach((view) => observer.observe(view.card));
    let width = innerWidth;
    addEventListener("resize", () => {
      if (innerWidth === width) return; // a phone's address bar
      width = innerWidth;
      this.views.forEach((view) => (view.plan = null));
      this.render();
    });
  }

  titleOf(run) {
    return this.data.runs.length > 1 ? `${this.data.runs[run].title}, ` : "";
  }

  offOf(run) {
    const off = new Map();
    for (const view of this.views) if (view.run === run && view.off.size) off.set(view.position, view.off);
    return off.size ? off : null;
  }

  paintPixels(canvas, pixels) {
    const [height, width] = this.data.size;
    if (this.mode === "stones") paintBoard(canvas, pixels, height);
    else paint(canvas, pixels, height, width, this.data.channels, this.data);
  }

  // Compute and show everything, at most once for each frame.
  update() {
    if (this.waiting) return;
    this.waiting = true;
    const pause = this.took > SLOW && this.painting ? this.took : 0;
    setTimeout(() => requestAnimationFrame(() => {
      this.waiting = false;
      this.compute();
    }), pause);
  }

  compute() {
    const start = performance.now();
    this.pixels = Float32Array.from(this.drawing.pixels);
    const results = this.nets.map((net, run) => net.forward(this.pixels, { off: this.offOf(run) }));
    this.outputs = results.map((result) => result.outputs);
    this.probabilities = results.map((result) => result.probabilities);
    this.render();
    this.took = performance.now() - start;
    this.explainLater();
  }

  // What the networks get, with the move on a board and the receptive field of the value that is pointed at.
  paintSeen() {
    const canvas = document.getElementById("seen");
    if (this.pointed?.cursor) this.inspector.mark(canvas, this.pointed);
    else this.paintPixels(canvas, this.pixels);
    if (this.mode !== "stones") return;
    this.probabilities.forEach((probabilities, run) => {
      const move = this.data.points[probabilities.indexOf(Math.max(...probabilities))];
      const color = getComputedStyle(document.documentElement).getPropertyValue(`--c${run}`);
      if (move) markMove(canvas, this.data.size[0], move, color);
    });
  }

  render() {
    const [rows, columns] = this.drawing.boardSize;
    if (this.mode === "stones") paintBoard(this.board, this.drawing.board, rows);
    else paint(this.board, this.drawing.board, rows, columns, this.data.channels, this.data);
    this.paintSeen();
    document.querySelectorAll("#examples button").forEach((button, place) =>
      button.setAttribute("aria-pressed", String(place === this.drawing.example)));
    if (this.keyboard) this.showKeyboardCursor();
    this.answers.forEach((card, run) => card.show(this.probabilities[run]));
    for (const view of this.views) view.show(this.outputs[view.run][view.position]);
    if (this.pointed?.cursor) this.inspector.show(this.pointed);
  }

  pointAt(view) {
    this.pointed = view;
    this.inspector.show(view);
    this.paintSeen();
  }

  unpoint() {
    this.pointed?.unpoint();
    this.pointed = null;
    this.paintSeen();
  }

  replaceNetwork(run, net) {
    this.nets[run] = net;
    for (const view of this.views) if (view.run === run) view.net = net;
    this.update();
  }

  // What takes longer waits until nothing has changed for a moment.
  explainLater() {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const isCurrent = () => turn === this.turn;
    clearTimeout(this.later);
    this.later = setTimeout(async () => {
      await this.epochs?.draw(isCurrent);
      if (!isCurrent() || !document.getElementById("occlusion").checked) return;
      for (const card of this.answers) if (isCurrent()) await card.occlude(isCurrent);
    }, 120);
  }

  choose(index) {
    const example = this.drawing.decoded[index];
    this.drawing.show(example.pixels, example.label, index);
    this.state("");
    this.update();
  }

  // The picture is another one: no test image is chosen, and nobody knows the true class.
  drawn(said = "") {
    this.drawing.label = this.drawing.example = null;
    this.state(said);
    this.update();
  }

  state(text) {
    // A name of a file may hold marks that turn the direction of writing.
    document.getElementById("stated").textContent = text.replace(/[\u0000-\u001f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
  }

  // One test image, computed by Keras when the page was written: a browser that computes otherwise says so.
  check() {
    this.data.runs.forEach((run, index) => {
      if (!run.check) return;
      const example = this.drawing.decoded[run.check.example];
      const found = this.nets[index].forward(Float32Array.from(example.pixels)).probabilities;
      const differences = run.check.probabilities.map((value, place) => Math.abs(value - found[place]));
      if (differences.every((difference) => difference <= 1e-3)) return; // not a number is no small difference
      const trouble = document.getElementById("trouble");
      trouble.hidden = false;
      trouble.textContent = `This browser computes ${run.title} differently: a probability is off by ${Math.max(...differences).toPrecision(2)}. Do not rely on this page here.`;
    });
  }

  wire() {
    this.wirePainting();
    this.wireKeyboard();
    this.wireExamples();
    const on = (id, event, action) => document.getElementById(id)?.addEventListener(event, action);
    on("clear", "click", () => {
      this.drawing.clear();
      this.drawn();
    });
    on("undo", "click", () => this.drawing.undo() && this.update());
    on("center", "change", (event) => {
      this.drawing.centers = event.target.checked;
      this.update();
    });
    on("occlusion", "change", (event) => {
      document.getElementById("occlusion-hint").hidden = !event.target.checked;
      if (!event.target.checked) this.answers.forEach((card) => card.hideHeat());
      this.explainLater();
    });
    const recolor = () => {
      readPalette();
      this.render();
      this.explainLater();
    };
    on("theme", "click", recolor);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolor);
    const units = { right: " px", down: " px", turn: "°", scale: " ×", thick: "" };
    for (const slider of document.querySelectorAll("[data-change]")) {
      const name = slider.dataset.change, output = slider.parentElement.querySelector("output");
      const tell = () => (output.textContent = slider.value + units[name]);
      slider.addEventListener("input", () => {
        this.drawing.change[name] = Number(slider.value);
        tell();
        this.update();
      });
      tell();
    }
    on("unchanged", "click", () => {
      for (const slider of document.querySelectorAll("[data-change]")) {
        slider.value = UNCHANGED[slider.dataset.change];
        slider.dispatchEvent(new Event("input"));
      }
    });
    this.wirePictures();
  }

  // A point of the board under the pointer: row and column, with fractions.
  place(event) {
    const box = this.board.getBoundingClientRect(), [rows, columns] = this.drawing.boardSize;
    const x = (event.clientX - box.left) / box.width, y = (event.clientY - box.top) / box.height;
    if (!this.data.turned) return [y * rows, x * columns];
    return this.data.turned.exchanged ? [x * rows, (1 - y) * columns] : [(1 - y) * rows, x * columns];
  }

  get ink() {
    if (document.getElementById("erase")?.checked) return [0, 0, 0];
    const color = document.getElementById("color")?.value;
    return color ? [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16)) : Array(3).fill(this.data.brightest);
  }

  paintTo(place) {
    const radius = (Number(document.getElementById("brush").value) * this.drawing.factor * Math.max(...this.data.size)) / 112;
    this.drawing.stroke(this.last ?? place, place, Math.max(0.5, radius), this.ink);
    this.last = place;
    this.drawn();
  }

  setStone([row, column]) {
    const size = this.data.size[0];
    if (row < 0 || column < 0 || row >= size || column >= size) return;
    this.drawing.remember();
    const wanted = Number(document.getElementById("stone").value), at = row * size + column;
    this.drawing.place(row, column, this.drawing.board[at] === wanted ? 1 : wanted);
    this.drawn();
  }

  wirePainting() {
    const { board } = this;
    board.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      this.keyboard = null;
      if (this.mode === "stones") return this.setStone(this.place(event).map(Math.floor));
      board.setPointerCapture(event.pointerId);
      this.drawing.remember();
      this.painting = true;
      this.last = null;
      this.paintTo(this.place(event));
    });
    board.addEventListener("pointermove", (event) => {
      if (!this.painting) return;
      const between = event.getCoalescedEvents?.() ?? [];
      for (const each of between.length ? between : [event]) this.paintTo(this.place(each));
    });
    const stop = () => {
      this.painting = false;
      this.last = null;
      this.update();
    };
    board.addEventListener("pointerup", stop);
    board.addEventListener("pointercancel", stop);
  }

  // With keys: arrows move a cursor, the space bar paints or sets a stone there.
  wireKeyboard() {
    this.board.addEventListener("keydown", (event) => {
      const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
      const [height, width] = this.data.size;
      const cursor = (this.keyboard ??= [Math.floor(height / 2), Math.floor(width / 2)]);
      const isLine = event.key in moves && event.shiftKey && this.mode !== "stones";
      if (isLine && !this.isLine) this.drawing.remember(); // a line is one stroke
      if (event.key !== "Shift") this.isLine = isLine;
      if (event.key in moves) {
        const before = [...cursor], [down, right] = moves[event.key];
        const [high, wide] = this.data.turned?.exchanged ? [width, height] : [height, width];
        const [x, y] = onPicture(...cursor, height, width, this.data), within = (value, size) => Math.max(0, Math.min(size - 1, value));
        [cursor[0], cursor[1]] = fromPicture(within(x + right, wide), within(y + down, high), height, width, this.data);
        if (isLine) this.keyStroke(before);
        else this.render();
      } else if (event.key === " " || event.key === "Enter") {
        if (this.mode === "stones") this.setStone(cursor);
        else {
          this.drawing.remember();
          this.keyStroke(cursor);
        }
      } else if (event.key === "Escape") {
        this.keyboard = null;
        this.render();
      } else if (event.key === "z" && (event.ctrlKey || event.metaKey)) {
        this.drawing.undo();
        this.update();
      } else return;
      event.preventDefault();
    });
  }

  keyStroke(from) {
    const middle = ([row, column]) => [(row + 0.5) * this.drawing.factor, (column + 0.5) * this.drawing.factor];
    this.last = middle(from);
    this.paintTo(middle(this.keyboard));
    this.last = null;
  }

  showKeyboardCursor() {
    const context = this.board.getContext("2d"), [height, width] = this.data.size;
    const [x, y] = onPicture(...this.keyboard, height, width, this.data);
    const step = this.board.width / (this.data.turned?.exchanged ? height : width);
    context.lineWidth = Math.max(1, step / 6);
    context.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--error");
    context.strokeRect(x * step, y * step, step, step);
  }

  wireExamples() {
    const classes = this.data.runs[0].classes;
    const buttons = this.drawing.decoded.map(({ label, pixels }, index) => {
      const canvas = element("canvas", { "aria-hidden": "true" });
      this.paintPixels(canvas, pixels);
      const button = element("button", { type: "button", "aria-pressed": "false", "aria-label": `Test image ${index + 1}: ${classes[label]}` }, canvas, classes[label]);
      button.addEventListener("click", () => this.choose(index));
      return button;
    });
    document.getElementById("examples").append(...buttons);
  }

  wirePictures() {
    const file = document.getElementById("file"), drop = document.getElementById("drop");
    if (!file) return;
    file.addEventListener("change", async () => {
      if (file.files.length) await this.take(file.files[0]);
      file.value = ""; // the same file can be chosen again
    });
    for (const target of [drop, this.board]) {
      target.addEventListener("dragover", (event) => {
        event.preventDefault();
        drop.classList.add("over");
      });
      target.addEventListener("dragleave", () => drop.classList.remove("over"));
      target.addEventListener("drop", (event) => {
        event.preventDefault();
        drop.classList.remove("over");
        if (event.dataTransfer.files.length) this.take(event.dataTransfer.files[0]);
      });
    }
    // A picture that misses its target must not replace the page.
    for (const name of ["dragover", "drop"]) addEventListener(name, (event) => event.preventDefault());
  }

  // A picture from a file, prepared as cnnlab predict prepares it.
  async take(file) {
    this.state(`reading ${file.name}`);
    try {
      const image = await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
      if (image.width * image.height > MOST_PIXELS) throw new UnusablePicture(`expected at most ${thousands(MOST_PIXELS)} pixels`);
      const canvas = element("canvas", { width: image.width, height: image.height });
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.drawImage(image, 0, 0);
      const { pixels, notes } = prepare(context.getImageData(0, 0, image.width, image.height).data, image.width, image.height, this.data);
      this.drawing.show(pixels);
      this.drawn([file.name, ...notes].join("; "));
      return true;
    } catch (error) {
      this.state(`${file.name}: ${error.expected ? error.message : "expected a picture (PNG, JPEG, GIF, WebP, BMP), found a file that this browser cannot read as one"}`);
      return false;
    }
  }
}


const live = new LivePage(JSON.parse(document.getElementById("live-data").textContent));

// For teachers, and for tests.
window.cnnlab = {
  // pixels: numbers from 0 to 255, row by row, channels last. One list of probabilities for each run.
  async predict(pixels) {
    const [height, width] = live.data.size, expected = height * width * live.data.channels;
    if (pixels?.length !== expected) throw new Error(`expected ${expected} numbers (${height}×${width}×${live.data.channels}), found ${pixels?.length}`);
    const numbers = Float32Array.from(pixels);
    if (numbers.some((value) => !(value >= 0 && value <= 255))) throw new Error("expected numbers from 0 to 255");
    return live.nets.map((net) => Array.from(net.forward(numbers).probabilities));
  },
  // Puts a picture of the networks' size on the board.
  async show(pixels) {
    await this.predict(pixels);
    live.drawing.show(pixels);
    live.drawn();
  },
  page: live,
};
