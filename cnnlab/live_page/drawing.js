// What is drawn: a large picture to paint on, and the pixels that become of it.
//
// A drawn digit is prepared as a photograph of it would be: cropped, scaled, centered. A test image or a dropped
// picture has the network's size already; it lies enlarged on the board, and painting on it changes it as it lies.
class Drawing {
  constructor(data, mode) {
    [this.height, this.width] = data.size;
    this.channels = data.channels;
    this.data = data;
    this.mode = mode; // "gray", "color", "stones"
    this.factor = mode === "stones" ? 1 : Math.max(1, Math.min(10, Math.floor(280 / Math.max(this.height, this.width))));
    this.change = { ...UNCHANGED };
    this.centers = data.kind === "digit";
    this.history = [];
    this.clear();
    this.history = [];
  }

  get boardSize() {
    return [this.height * this.factor, this.width * this.factor];
  }

  clear() {
    this.remember();
    const [height, width] = this.boardSize;
    this.board = new Uint8ClampedArray(height * width * this.channels).fill(this.mode === "stones" ? 1 : 0);
    this.asItIs = false; // whether the board holds a picture of the network's size
    this.label = null; // of a test image, its class
    this.example = null; // and its place among the examples
  }

  remember() {
    if (!this.board) return;
    this.history.push({ board: this.board.slice(), asItIs: this.asItIs, label: this.label, example: this.example });
    if (this.history.length > 30) this.history.shift();
  }

  undo() {
    const before = this.history.pop();
    if (before) Object.assign(this, before);
    return Boolean(before);
  }

  // Lay a picture of the network's size on the board.
  show(pixels, label = null, example = null) {
    this.remember();
    const [height, width] = this.boardSize, { factor, channels } = this;
    this.board = new Uint8ClampedArray(height * width * channels);
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const from = (Math.floor(row / factor) * this.width + Math.floor(column / factor)) * channels;
        for (let channel = 0; channel < channels; channel++) {
          this.board[(row * width + column) * channels + channel] = pixels[from + channel];
        }
      }
    }
    this.asItIs = true;
    [this.label, this.example] = [label, example];
  }

  // A line from one point of the board to another, with round ends and soft edges.
  stroke([fromRow, fromColumn], [toRow, toColumn], radius, ink) {
    const [height, width] = this.boardSize;
    const down = toRow - fromRow, right = toColumn - fromColumn, length = down * down + right * right;
    const rows = [Math.min(fromRow, toRow) - radius - 1, Math.max(fromRow, toRow) + radius + 1];
    const columns = [Math.min(fromColumn, toColumn) - radius - 1, Math.max(fromColumn, toColumn) + radius + 1];
    for (let row = Math.max(0, Math.floor(rows[0])); row <= Math.min(height - 1, rows[1]); row++) {
      for (let column = Math.max(0, Math.floor(columns[0])); column <= Math.min(width - 1, columns[1]); column++) {
        const y = row + 0.5 - fromRow, x = column + 0.5 - fromColumn;
        const along = length ? Math.max(0, Math.min(1, (y * down + x * right) / length)) : 0;
        const distance = Math.hypot(y - along * down, x - along * right);
        const cover = Math.max(0, Math.min(1, radius + 0.5 - distance));
        for (let channel = 0; cover && channel < this.channels; channel++) {
          const at = (row * width + column) * this.channels + channel;
          const wanted = ink[channel];
          const mixed = this.board[at] + cover * (wanted - this.board[at]);
          // Strokes overlap themselves: soft edges never take back what is there.
          this.board[at] = this.mode === "gray" && wanted ? Math.max(this.board[at], cover * wanted) : mixed;
        }
      }
    }
  }

  place(row, column, stone) {
    this.board[row * this.width + column] = stone;
  }

  // The board in the network's size, before it is changed: means of factor × factor points.
  get small() {
    const { factor, channels, height, width, board } = this;
    if (factor === 1) return board;
    const result = new Float32Array(height * width * channels), area = factor * factor;
    for (let row = 0; row < height * factor; row++) {
      for (let column = 0; column < width * factor; column++) {
        const to = (Math.floor(row / factor) * width + Math.floor(column / factor)) * channels;
        const from = (row * width * factor + column) * channels;
        for (let channel = 0; channel < channels; channel++) result[to + channel] += board[from + channel];
      }
    }
    return result.map((value) => Math.round(value / area));
  }

  // What the networks get: H × W × C whole numbers from 0 to 255.
  get pixels() {
    const [height, width] = this.boardSize;
    const centered = this.centers && !this.asItIs;
    const small = centered ? centeredDigit(this.board, width, height, this.data) : this.small;
    return this.mode === "stones" ? small : changed(small, [this.height, this.width], this.channels, this.change);
  }
}

// An image, H × W × C numbers, onto a canvas of its size, as pictures of its dataset look.
function paint(canvas, values, height, width, channels, data, { shades = false } = {}) {
  const [across, down] = data.turned?.exchanged ? [height, width] : [width, height];
  canvas.width = across;
  canvas.height = down;
  const context = canvas.getContext("2d");
  const image = context.createImageData(across, down);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [x, y] = onPicture(row, column, height, width, data);
      const at = 4 * (y * across + x), from = (row * width + column) * channels;
      for (let part = 0; part < 3; part++) {
        const value = values[from + (channels === 3 ? part : 0)];
        image.data[at + part] = shades ? value : (value * 255) / data.brightest;
      }
      image.data[at + 3] = 255;
    }
  }
  context.putImageData(image, 0, 0);
}

// Where a row and a column lie on the picture: spectrograms have time across and frequency upwards.
function onPicture(row, column, height, width, data) {
  if (!data.turned) return [column, row];
  const [x, y, high] = data.turned.exchanged ? [row, column, width] : [column, row, height];
  return [x, high - 1 - y];
}

// And back.
function fromPicture(x, y, height, width, data) {
  if (!data.turned) return [y, x];
  return data.turned.exchanged ? [x, width - 1 - y] : [height - 1 - y, x];
}
