// The same picture, epoch by epoch: a slider puts the weights of an epoch into the network.
class EpochSlider {
  constructor(page, data) {
    Object.assign(this, { page, data });
    this.nets = new Map();
    this.slider = document.getElementById("epoch");
    this.slider.addEventListener("input", () => this.choose(Number(this.slider.value)));
    this.button = document.getElementById("play");
    this.button.addEventListener("click", () => (this.timer ? this.stop() : this.play()));
    this.choose(data.epochs.length - 1);
  }

  net(place) {
    if (!this.nets.has(place)) this.nets.set(place, new LiveNetwork({ ...this.page.data.runs[0], ...this.data.weights[place] }));
    return this.nets.get(place);
  }

  choose(place) {
    this.chosen = place;
    this.page.replaceNetwork(0, this.net(place));
    this.say();
  }

  play() {
    this.button.textContent = "Stop";
    let place = this.chosen === this.data.epochs.length - 1 ? -1 : this.chosen;
    this.timer = setInterval(() => {
      place += 1;
      this.slider.value = place;
      this.choose(place);
      if (place === this.data.epochs.length - 1) this.stop();
    }, 600);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.button.textContent = "Play";
  }

  say() {
    const epoch = this.data.epochs[this.chosen];
    document.getElementById("epoch-number").textContent = epoch;
    this.slider.setAttribute("aria-valuetext", `epoch ${epoch}`);
    const known = this.data.history.find((each) => each.epoch === epoch);
    document.getElementById("epoch-history").textContent = known?.validation_accuracy != null
      ? `After epoch ${epoch}: validation accuracy ${percent(known.validation_accuracy)}.`
      : epoch ? `After epoch ${epoch}.` : "Before training: random weights.";
  }

  // The most likely classes of this picture over all epochs, as lines; others may change the picture meanwhile.
  async draw(isCurrent) {
    const { pixels } = this.page, off = this.page.offOf(0), rows = [];
    for (const place of this.data.epochs.keys()) {
      rows.push(this.net(place).forward(pixels, { off }).probabilities);
      await new Promise((resolve) => setTimeout(resolve));
      if (!isCurrent()) return;
    }
    const canvas = document.getElementById("epoch-chart"), context = canvas.getContext("2d");
    const wide = canvas.clientWidth || 320, high = 150, sharp = window.devicePixelRatio || 1;
    [canvas.width, canvas.height] = [wide * sharp, high * sharp];
    context.scale(sharp, sharp);
    const classes = this.page.data.runs[0].classes, last = rows[this.chosen];
    const shownClasses = [...last.keys()].sort((one, other) => last[other] - last[one]).slice(0, 3);
    const style = getComputedStyle(document.documentElement), color = (name) => style.getPropertyValue(name);
    const left = 44, right = wide - 8, top = 10, bottom = high - 28;
    const x = (place) => left + ((right - left) * place) / Math.max(1, rows.length - 1), y = (share) => bottom - (bottom - top) * share;
    context.clearRect(0, 0, wide, high);
    context.font = "13px system-ui, sans-serif";
    context.lineWidth = 1;
    context.fillStyle = color("--grey");
    context.strokeStyle = color("--faint");
    for (const share of [0, 0.5, 1]) {
      context.fillText(`${100 * share}%`, 2, y(share) + 5);
      context.beginPath();
      context.moveTo(left, y(share));
      context.lineTo(right, y(share));
      context.stroke();
    }
    context.fillText(`epoch ${this.data.epochs[0]}`, left, high - 6);
    const text = `epoch ${this.data.epochs.at(-1)}`;
    context.fillText(text, right - context.measureText(text).width, high - 6);
    context.strokeStyle = color("--grey");
    context.beginPath();
    context.moveTo(x(this.chosen), top);
    context.lineTo(x(this.chosen), bottom);
    context.stroke();
    const dashes = [[], [8, 4], [2, 3]];
    shownClasses.forEach((index, order) => {
      context.strokeStyle = color(`--c${order}`);
      context.setLineDash(dashes[order]);
      context.lineWidth = 2.5;
      context.beginPath();
      rows.forEach((row, place) => (place ? context.lineTo(x(place), y(row[index])) : context.moveTo(x(place), y(row[index]))));
      context.stroke();
    });
    context.setLineDash([]);
    const lines = ["line", "dashed line", "dotted line"];
    document.getElementById("epoch-legend").replaceChildren(...shownClasses.map((index, order) =>
      element("span", { class: `c${order}` }, element("span", { class: "swatch" }), `${classes[index]} (${lines[order]}) `)));
  }
}
