// What each run answers, and which parts of the picture its answer depends on.
const MOST_BARS = 12;

class AnswerCard {
  constructor(page, run) {
    Object.assign(this, { page, run });
    this.data = page.data.runs[run];
    this.best = element("p", { class: "best", role: "status" });
    this.bars = element("dl", { class: "bars" });
    this.heat = element("canvas", { role: "img", hidden: true, "aria-label": `Which parts of the picture matter to ${this.data.title}` });
    this.said = element("p", { class: "hint", hidden: true });
    const accuracy = `Test accuracy ${percent(this.data.test_accuracy)}, seed ${this.data.seed}.`;
    this.card = element("div", { class: "answer", "data-run": run, "data-answer": true },
      element("h3", {}, `${this.data.title} `, element("span", { text: accuracy })), this.best, this.bars, this.heat, this.said);
  }

  show(probabilities) {
    const { classes } = this.data, label = this.page.drawing.label;
    const order = [...probabilities.keys()].sort((one, other) => probabilities[other] - probabilities[one]);
    const first = order[0], truth = label === null ? "" : label === first ? ", which is right" : `, which is wrong: it is ${classes[label]}`;
    this.best.textContent = `${classes[first]}, ${percent(probabilities[first])}${truth}`;
    const chosen = classes.length <= MOST_BARS ? [...classes.keys()] : order.slice(0, MOST_BARS);
    this.bars.replaceChildren(...chosen.flatMap((index) => {
      const fill = element("i");
      fill.style.width = `${100 * probabilities[index]}%`;
      const name = index === label ? `${classes[index]} (true)` : classes[index];
      const bold = index === first ? "likely" : null;
      return [element("dt", { class: bold, text: name }), element("dd", { class: "bar", "aria-hidden": "true" }, fill), element("dd", { class: bold, text: percent(probabilities[index]) })];
    }));
  }

  hideHeat() {
    this.heat.hidden = this.said.hidden = true;
  }

  // Cover one place after the other, and see what becomes of the answer (Zeiler & Fergus 2014).
  async occlude(isCurrent) {
    const { page } = this, [height, width] = page.data.size, channels = page.data.channels;
    const net = page.nets[this.run], pixels = page.pixels, off = page.offOf(this.run);
    const all = net.forward(pixels, { off }).probabilities, best = all.indexOf(Math.max(...all));
    const side = Math.max(1, Math.round(Math.max(height, width) / 7)), step = Math.max(1, Math.floor(side / 2));
    const cover = page.mode === "stones" ? 1 : page.data.kind === "photograph" ? 128 : 0;
    const drops = new Float32Array(height * width), counts = new Float32Array(height * width);
    let paused = performance.now();
    for (let top = 1 - side; top < height; top += step) {
      for (let left = 1 - side; left < width; left += step) {
        const covered = Float32Array.from(pixels);
        const cells = [];
        for (let row = Math.max(0, top); row < Math.min(height, top + side); row++) {
          for (let column = Math.max(0, left); column < Math.min(width, left + side); column++) {
            cells.push(row * width + column);
            covered.fill(cover, (row * width + column) * channels, (row * width + column + 1) * channels);
          }
        }
        const drop = all[best] - net.forward(covered, { off }).probabilities[best];
        for (const cell of cells) {
          drops[cell] += drop;
          counts[cell] += 1;
        }
        if (performance.now() - paused > 24) {
          await new Promise((resolve) => setTimeout(resolve));
          if (!isCurrent()) return;
          paused = performance.now();
        }
      }
    }
    const mean = drops.map((drop, cell) => (counts[cell] ? drop / counts[cell] : 0)), most = largest(mean);
    const colors = new Float32Array(height * width * 3);
    mean.forEach((drop, cell) => colors.set(colorOf(drop, most), cell * 3));
    paint(this.heat, colors, height, width, 3, page.data, { shades: true });
    this.heat.hidden = false;
    this.said.hidden = false;
    this.said.textContent = `Covering a place changes the probability of ${this.data.classes[best]} by up to ${percent(most)}.`;
  }
}
