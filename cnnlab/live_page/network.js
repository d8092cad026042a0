// A trained network: weights from the page, forwards through its layers, and how one number is made.
const POINTWISE = new Set(["Activation", "BatchNormalization", "ELU", "LeakyReLU", "PReLU", "ReLU", "Rescaling", "Reshape"]);

// What a pooling keeps of its window.
const POOLING = { AveragePooling2D: "mean", GlobalAveragePooling2D: "mean", GlobalMaxPooling2D: "max", MaxPooling2D: "max" };

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

  // The map, row and column that a number stands for: its own, or, behind Flatten, that of the map it was moved
  // from. {position, map, row, column}; null where a layer has mixed positions, as Dense does.
  originOf(position, index) {
    const shape = this.shapeOf(position), node = this.data.nodes[position];
    if (shape.length === 3) {
      const isFirst = node ? node.channels_first : this.data.input.channels_first;
      const [height, width, maps] = isFirst ? lastShape(shape) : shape;
      const map = isFirst ? Math.floor(index / (height * width)) : index % maps;
      const place = isFirst ? index % (height * width) : Math.floor(index / maps);
      return { position, map, row: Math.floor(place / width), column: place % width };
    }
    const source = node.inputs[0], before = this.shapeOf(source);
    if (node.kernel === "Flatten") {
      if (before.length !== 3) return this.originOf(source, index);
      const isFirst = source < 0 ? this.data.input.channels_first : this.data.nodes[source].channels_first;
      // Flatten writes channels last where its layer says that channels come first; else as the numbers lie.
      const [height, width, maps] = node.channels_first ? lastShape(before) : before;
      const moved = node.channels_first && isFirst ? ((index % maps) * height + Math.floor(index / maps / width)) * width + (Math.floor(index / maps) % width) : index;
      return this.originOf(source, moved);
    }
    const isPointwise = POINTWISE.has(node.kernel) && sizeOf(before) === sizeOf(shape) && before.length === shape.length;
    return isPointwise && !(node.settings.activation in ROW_ACTIVATIONS) ? this.originOf(source, index) : null;
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
    const isWindow = ["Conv2D", "DepthwiseConv2D", "LocallyConnected2D"].includes(node.kernel) || node.kernel in POOLING;
    if (!isWindow || (settings.activation in ROW_ACTIVATIONS) || settings.activation === "glu") return { kind: "other", terms: [], result };
    const isFirst = node.channels_first, [height, width, channels] = isFirst ? lastShape(shape) : shape;
    // A global pooling has one window for all, and its output may be a row.
    const output = node.shape.length === 3 ? node.shape : [1, 1, ...node.shape];
    const [outRows, outColumns, maps] = isFirst && node.shape.length === 3 ? lastShape(output) : output, area = outRows * outColumns;
    const map = isFirst ? Math.floor(index / area) : index % maps, place = isFirst ? index % area : Math.floor(index / maps);
    const row = Math.floor(place / outColumns), column = place % outColumns;
    const { rows, columns, strides, dilation, before } = windowOf({ window: [height, width], strides: [1, 1], padding: "valid", ...settings }, [height, width]);
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
    if (node.kernel in POOLING) {
      return { kind: POOLING[node.kernel], terms, bias: 0, before: result, activation: "linear", result };
    }
    const bias = weights.bias?.[node.kernel === "LocallyConnected2D" ? place * maps + map : map] ?? 0;
    return summed(terms, bias, settings.activation, result);
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
  const result = Float32Array.from(output);
  const [, , maps] = node.channels_first ? lastShape(node.shape) : node.shape, area = result.length / maps;
  for (const map of silent) {
    for (let place = 0; place < area; place++) result[node.channels_first ? map * area + place : place * maps + map] = 0;
  }
  return result;
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
