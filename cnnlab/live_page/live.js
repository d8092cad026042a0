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
    const pause = this.seconds > SLOW && this.painting ? this.seconds : 0;
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
    this.seconds = performance.now() - start;
    this.explainLater();
  }

  render() {
    const [rows, columns] = this.drawing.boardSize;
    if (this.mode === "stones") paintBoard(this.board, this.drawing.board, rows);
    else paint(this.board, this.drawing.board, rows, columns, this.data.channels, this.data);
    this.paintPixels(document.getElementById("seen"), this.pixels);
    if (this.mode === "stones") {
      this.probabilities.forEach((probabilities, run) => {
        const move = this.data.points[probabilities.indexOf(Math.max(...probabilities))];
        const color = getComputedStyle(document.documentElement).getPropertyValue(`--c${run + 1}`);
        markMove(document.getElementById("seen"), rows, move, color);
      });
    }
    if (this.keyboard && this.mode !== undefined) this.showKeyboardCursor();
    this.answers.forEach((card, run) => card.show(this.probabilities[run]));
    for (const view of this.views) view.show(this.outputs[view.run][view.position]);
    if (this.pointed?.cursor) this.inspector.show(this.pointed);
  }

  pointAt(view) {
    this.pointed = view;
    this.inspector.show(view);
    this.inspector.mark(document.getElementById("seen"), view);
  }

  unpoint() {
    this.pointed?.unpoint();
    this.pointed = null;
    this.paintPixels(document.getElementById("seen"), this.pixels);
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
      this.epochs?.draw(this.pixels);
      if (!document.getElementById("occlusion").checked) return;
      for (const card of this.answers) if (isCurrent()) await card.occlude(isCurrent);
    }, 120);
  }

  choose(index) {
    const example = this.drawing.decoded[index];
    this.drawing.show(example.pixels, example.label);
    document.querySelectorAll("#examples button").forEach((button, place) => button.setAttribute("aria-pressed", String(place === index)));
    this.state("");
    this.update();
  }

  // The picture is another one: no test image is chosen, and nobody knows the true class.
  drawn() {
    this.drawing.label = null;
    document.querySelectorAll("#examples button").forEach((button) => button.setAttribute("aria-pressed", "false"));
    this.update();
  }

  state(text) {
    document.getElementById("stated").textContent = text;
  }

  // One test image, computed by Keras when the page was written: a browser that computes otherwise says so.
  check() {
    this.data.runs.forEach((run, index) => {
      if (!run.check) return;
      const example = this.drawing.decoded[run.check.example];
      const found = this.nets[index].forward(Float32Array.from(example.pixels)).probabilities;
      const difference = largest(run.check.probabilities.map((value, place) => value - found[place]));
      if (difference <= 1e-3) return;
      const trouble = document.getElementById("trouble");
      trouble.hidden = false;
      trouble.textContent = `This browser computes ${run.title} differently: a probability is off by ${difference.toPrecision(2)}. Do not rely on this page here.`;
    });
  }

  wire() {
    this.wirePainting();
    this.wireKeyboard();
    this.wireExamples();
    const on = (id, event, action) => document.getElementById(id)?.addEventListener(event, action);
    on("clear", "click", () => {
      this.drawing.clear();
      this.state("");
      this.drawn();
    });
    on("undo", "click", () => this.drawing.undo() && this.update());
    on("center", "change", (event) => {
      this.drawing.centers = event.target.checked;
      this.update();
    });
    on("occlusion", "change", (event) => {
      document.getElementById("occlusion-hint").hidden = !event.target.checked;
      if (!event.target.checked) this.answers.forEach((card) => (card.heat.hidden = true));
      this.explainLater();
    });
    on("theme", "click", () => {
      readPalette();
      this.render();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      readPalette();
      this.render();
    });
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
      for (const each of event.getCoalescedEvents?.() ?? [event]) this.paintTo(this.place(each));
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
      if (event.key in moves) {
        const before = [...cursor];
        cursor[0] = Math.max(0, Math.min(height - 1, cursor[0] + moves[event.key][0]));
        cursor[1] = Math.max(0, Math.min(width - 1, cursor[1] + moves[event.key][1]));
        if (event.shiftKey && this.mode !== "stones") this.keyStroke(before);
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
    context.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--c1");
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
    file.addEventListener("change", () => file.files.length && this.take(file.files[0]));
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
    try {
      const image = await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
      const canvas = element("canvas", { width: image.width, height: image.height });
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.drawImage(image, 0, 0);
      const { pixels, notes } = prepare(context.getImageData(0, 0, image.width, image.height).data, image.width, image.height, this.data);
      this.drawing.show(pixels);
      this.state([file.name, ...notes].join("; "));
      this.drawn();
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
