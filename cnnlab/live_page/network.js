// A trained network: weights from the page, forwards through its layers, and how one number is made.
const POINTWISE = new Set(["Activation", "BatchNormalization", "ELU", "LeakyReLU", "PReLU", "ReLU", "Rescaling", "Reshape"]);

class LiveNetwork {
  constructor(data) {
    this.data = data;
    this.weights = decodedWeights(data.weights, data.precision);
    const { nodes } = data;
    this.named = nodes.map((node) =>
      Object.fromEntries(Object.entries(node.weights).map(([name, { shape, at }]) => [name, this.weights.subarray(at, at + sizeOf(shape))])));
    const [height, width, channels] = data.input.shape;
    this.inputShape = data.input.channels_first ? [channels, height, width] : [height, width, channels];
  }

  shapeOf(position) {
    return position < 0 ? this.inputShape : this.data.nodes[position].shape;
  }

  // H · W · C numbers from 0 to 255, channels last → what the first layer gets.
  prepared(pixels) {
    const { shape: [height, width, channels], channels_first, factor, offset, order } = this.data.input;
    const result = new Float32Array(height * width * channels), area = height * width;
    for (let place = 0; place < area; place++) {
      const from = (order ? order[place] : place) * channels;
      for (let channel = 0; channel < channels; channel++) {
        const value = (pixels[from + channel] / 255) * factor[channel % factor.length] + offset[channel % offset.length];
        result[channels_first ? channel * area + place : place * channels + channel] = value;
      }
    }
    return result;
  }

  // off: by position of a layer, the maps of its output that are set to 0.
  forward(pixels, { off = null } = {}) {
    const image = this.prepared(pixels), outputs = [];
    this.data.nodes.forEach((node, position) => {
      const inputs = node.inputs.map((each) => (each < 0 ? image : outputs[each]));
      const shapes = node.inputs.map((each) => this.shapeOf(each));
      const kernel = KERNELS[node.kernel];
      let output = kernel(node, inputs, shapes, this.named[position]);
      const silent = off?.get(position);
      if (silent) output = withoutMaps(output, node, silent);
      outputs.push(output);
    });
    const last = outputs.at(-1);
    const probabilities = this.data.logits ? Float32Array.from(ROW_ACTIVATIONS.softmax(Array.from(last))) : last;
    this.image = image;
    return { outputs, probabilities };
  }

  // How the numbers of an output lie; −1: of the image.
  geometryOf(position) {
    return geometryOf(this.shapeOf(position), position < 0 ? (this.data.input.channels_first ? 0 : 2) : this.data.nodes[position].maps_axis);
  }

  // The map, row and column that a number stands for: its own, or, behind Flatten, that of the map it was moved
  // from. {position, map, row, column}; null where a layer has mixed positions, as Dense does.
  originOf(position, index) {
    const shape = this.shapeOf(position), node = this.data.nodes[position];
    if (shape.length === 3) return { position, ...this.geometryOf(position).placeOf(index) };
    const source = node.inputs[0], before = this.shapeOf(source);
    if (node.kernel === "Flatten") {
      if (before.length !== 3 || !node.channels_first) return this.originOf(source, index);
      // Flatten has written the first axis last.
      const [first, , last] = before, rest = Math.floor(index / first);
      return this.originOf(source, ((index % first) * before[1] + Math.floor(rest / last)) * last + (rest % last));
    }
    return this.isPointwise(position) && before.length === shape.length ? this.originOf(source, index) : null;
  }

  // Whether each number of a layer's output depends on the one in its place alone.
  isPointwise(position) {
    const { kernel, settings, inputs } = this.data.nodes[position];
    const isSame = this.shapeOf(inputs[0]).join() === this.shapeOf(position).join();
    return POINTWISE.has(kernel) && isSame && !(settings.activation in ROW_ACTIVATIONS);
  }

  // How the number at `index` of a layer's output is made: {kind, terms, bias, before, activation, result}.
  explain(position, index, outputs) {
    const node = this.data.nodes[position], weights = this.named[position], source = node.inputs[0];
    const x = source < 0 ? this.image : outputs[source], shape = this.shapeOf(source), { settings } = node;
    const result = outputs[position][index];
    if (node.kernel === "Dense") {
      const units = node.shape[0];
      const terms = Array.from(x, (value, at) => ({ value, weight: weights.kernel[at * units + index], at: [at] }));
      return summed(terms, weights.bias?.[index] ?? 0, settings.activation, result);
    }
    const isWindow = ["Conv2D", "DepthwiseConv2D", "LocallyConnected2D", "MaxPooling2D", "AveragePooling2D"].includes(node.kernel);
    if (!isWindow || settings.activation in ROW_ACTIVATIONS) return this.explainOther(position, index, outputs);
    const isFirst = node.channels_first, [height, width, channels] = isFirst ? lastShape(shape) : shape;
    const [, outColumns, maps] = isFirst ? lastShape(node.shape) : node.shape;
    const area = node.shape.length === 3 ? sizeOf(node.shape) / maps : 1;
    const map = isFirst ? Math.floor(index / area) : index % maps, place = isFirst ? index % area : Math.floor(index / maps);
    const row = Math.floor(place / outColumns), column = place % outColumns;
    const { rows, columns, strides, dilation, before } = windowOf({ padding: "valid", ...settings }, [height, width]);
    const terms = [];
    const valueAt = (y, across, channel) => (isFirst ? x[(channel * height + y) * width + across] : x[(y * width + across) * channels + channel]);
    const seen = this.channelsOf(node, map, channels, maps);
    for (let down = 0; down < rows; down++) {
      const y = row * strides[0] - before[0] + down * dilation[0];
      for (let right = 0; right < columns; right++) {
        const across = column * strides[1] - before[1] + right * dilation[1];
        if (y < 0 || across < 0 || y >= height || across >= width) continue; // padding
        for (const channel of seen) {
          const term = { value: valueAt(y, across, channel), at: [y, across, channel] };
          const at = (down * columns + right) * seen.length + (channel - seen[0]);
          if (node.kernel === "Conv2D") term.weight = weights.kernel[at * maps + map];
          else if (node.kernel === "DepthwiseConv2D") term.weight = weights.kernel[(down * columns + right) * maps + map];
          else if (node.kernel === "LocallyConnected2D") term.weight = weights.kernel[(place * rows * columns * channels + at) * maps + map];
          terms.push(term);
        }
      }
    }
    if (node.kernel === "MaxPooling2D" || node.kernel === "AveragePooling2D") {
      return { kind: node.kernel === "MaxPooling2D" ? "max" : "mean", terms, bias: 0, before: result, activation: "linear", result };
    }
    const bias = weights.bias?.[node.kernel === "LocallyConnected2D" ? place * maps + map : map] ?? 0;
    return summed(terms, bias, settings.activation, result);
  }

  // Merging and global pooling are sums, too; of a layer that acts on each number alone, the number is told.
  explainOther(position, index, outputs) {
    const node = this.data.nodes[position], result = outputs[position][index];
    const valuesOf = (source) => (source < 0 ? this.image : outputs[source]);
    const isSame = node.inputs.every((source) => this.shapeOf(source).join() === node.shape.join());
    if (isSame && ["Add", "Average", "Maximum"].includes(node.kernel)) {
      const terms = node.inputs.map((source) => ({ value: valuesOf(source)[index], at: [index], from: source }));
      return { kind: { Add: "plain sum", Average: "mean", Maximum: "max" }[node.kernel], terms, result };
    }
    if (node.kernel.startsWith("Global")) {
      // Which axis counts the maps is this layer's affair: its input may be drawn otherwise.
      const terms = [], isFirst = node.channels_first, before = this.shapeOf(node.inputs[0]);
      const [height, width, maps] = isFirst ? lastShape(before) : before;
      for (let row = 0; row < height; row++) {
        for (let column = 0; column < width; column++) {
          const place = row * width + column; // there is one output for each map
          terms.push({ value: valuesOf(node.inputs[0])[isFirst ? index * height * width + place : place * maps + index], at: [row, column, index] });
        }
      }
      return { kind: node.kernel === "GlobalMaxPooling2D" ? "max" : "mean", terms, result };
    }
    if (this.isPointwise(position)) return { kind: "one", terms: [{ value: valuesOf(node.inputs[0])[index], at: [index] }], result };
    return { kind: "other", terms: [], result };
  }

  // Which channels of its input a map sees.
  channelsOf(node, map, channels, maps) {
    if (node.kernel === "DepthwiseConv2D") return [Math.floor(map / node.settings.multiplier)];
    if (node.kernel.endsWith("Pooling2D")) return [map];
    const groups = node.settings.groups ?? 1, own = channels / groups, first = Math.floor(map / (maps / groups)) * own;
    return Array.from({ length: own }, (_, index) => first + index);
  }
}

function summed(terms, bias, activation, result) {
  let total = bias;
  for (const term of terms) {
    term.product = term.value * term.weight;
    total += term.product;
  }
  return { kind: "sum", terms, bias, before: total, activation: activation ?? "linear", result };
}

// A copy of an output in which some maps are 0.
function withoutMaps(output, node, silent) {
  const result = Float32Array.from(output), { height, width, at } = geometryOf(node.shape, node.maps_axis);
  for (const map of silent) {
    for (let row = 0; row < height; row++) for (let column = 0; column < width; column++) result[at(row, column, map)] = 0;
  }
  return result;
}

// How the numbers of a tensor lie: maps of height × width, counted along one axis, or one row of numbers.
function geometryOf(shape, mapsAxis) {
  if (shape.length !== 3) {
    return { maps: sizeOf(shape), height: 1, width: 1, isRow: true, at: (row, column, map) => map, placeOf: (map) => ({ map, row: 0, column: 0 }) };
  }
  const [rowAxis, columnAxis] = [0, 1, 2].filter((axis) => axis !== mapsAxis);
  const steps = [shape[1] * shape[2], shape[2], 1];
  const along = (index, axis) => Math.floor(index / steps[axis]) % shape[axis];
  return {
    maps: shape[mapsAxis], height: shape[rowAxis], width: shape[columnAxis],
    isRow: shape[rowAxis] * shape[columnAxis] === 1,
    at: (row, column, map) => row * steps[rowAxis] + column * steps[columnAxis] + map * steps[mapsAxis],
    placeOf: (index) => ({ map: along(index, mapsAxis), row: along(index, rowAxis), column: along(index, columnAxis) }),
  };
}

// Base64 of little-endian numbers of 32 or 16 bits → Float32Array.
function decodedWeights(text, precision) {
  const bytes = bytesOf(text);
  if (precision === "float32") return new Float32Array(bytes.buffer, 0, bytes.length / 4);
  numbersOfHalves ??= Float32Array.from({ length: 1 << 16 }, (_, bits) => numberOfHalf(bits));
  const halves = new Uint16Array(bytes.buffer, 0, bytes.length / 2), result = new Float32Array(halves.length);
  for (let index = 0; index < result.length; index++) result[index] = numbersOfHalves[halves[index]];
  return result;
}

let numbersOfHalves = null; // for 5 million weights 25 times as fast as to work each of them out

// A finite number of 16 bits.
function numberOfHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  return sign * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24);
}

function bytesOf(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  return Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
}
