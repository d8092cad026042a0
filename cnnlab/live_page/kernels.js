// What each layer computes, forwards, for one image. Tensors are Float32Arrays, row by row; sums are taken in
// double precision. A kernel gets the layer, its inputs, their shapes, and its weights by name.

const sizeOf = (shape) => shape.reduce((total, size) => total * size, 1);

// (C, H, W) → (H, W, C), and back. Kernels of images know channels last only.
function toChannelsLast(values, [channels, height, width]) {
  const result = new Float32Array(values.length), area = height * width;
  for (let channel = 0; channel < channels; channel++) {
    for (let place = 0; place < area; place++) result[place * channels + channel] = values[channel * area + place];
  }
  return result;
}
function toChannelsFirst(values, [height, width, channels]) {
  const result = new Float32Array(values.length), area = height * width;
  for (let channel = 0; channel < channels; channel++) {
    for (let place = 0; place < area; place++) result[channel * area + place] = values[place * channels + channel];
  }
  return result;
}
const lastShape = ([channels, height, width]) => [height, width, channels];

// A kernel for images, channels last → one for the layer's own format.
function imageKernel(compute) {
  return (node, inputs, shapes, weights) => {
    if (!node.channels_first) return compute(node, inputs, shapes, weights, node.shape);
    const isImage = node.shape.length === 3;
    const images = inputs.map((each, index) => (shapes[index].length === 3 ? toChannelsLast(each, shapes[index]) : each));
    const moved = shapes.map((shape) => (shape.length === 3 ? lastShape(shape) : shape));
    const output = isImage ? lastShape(node.shape) : node.shape;
    const result = compute(node, images, moved, weights, output);
    return isImage ? toChannelsFirst(result, output) : result;
  };
}

// Rows (or columns) of padding before the first: with "same", the smaller half.
function paddingBefore(size, kernel, stride, dilation, padding) {
  if (padding === "valid") return 0;
  const outputs = Math.ceil(size / stride), extent = (kernel - 1) * dilation + 1;
  return Math.floor(Math.max((outputs - 1) * stride + extent - size, 0) / 2);
}

// Where a layer's window begins: {rows, columns, strides, dilation, before}.
function windowOf(settings, [height, width]) {
  const [rows, columns] = settings.window, strides = settings.strides, dilation = settings.dilation ?? [1, 1];
  return {
    rows, columns, strides, dilation,
    before: [
      paddingBefore(height, rows, strides[0], dilation[0], settings.padding),
      paddingBefore(width, columns, strides[1], dilation[1], settings.padding),
    ],
  };
}

const ONE_BY_ONE = { rows: 1, columns: 1, strides: [1, 1], dilation: [1, 1], before: [0, 0] };

// sums[filter] += Σ values[term] · kernel[places[term] + filter], for `length` filters from `first` on. Four terms at
// once: browsers take half the time, because each sum is loaded and stored a quarter as often.
function addWeighted(sums, first, length, kernel, values, places, count) {
  const end = first + length;
  let term = 0;
  for (; term + 3 < count; term += 4) {
    const a = values[term], b = values[term + 1], c = values[term + 2], d = values[term + 3];
    const atA = places[term], atB = places[term + 1], atC = places[term + 2], atD = places[term + 3];
    for (let filter = first; filter < end; filter++) {
      sums[filter] += a * kernel[atA + filter] + b * kernel[atB + filter] + c * kernel[atC + filter] + d * kernel[atD + filter];
    }
  }
  for (; term < count; term++) {
    const value = values[term], at = places[term];
    for (let filter = first; filter < end; filter++) sums[filter] += value * kernel[at + filter];
  }
}

// The numbers of `own` channels, from `first` on, in one window, and where their weights begin in a kernel; how many
// they are. Zeros are left out: most pixels of a digit are, and what relu has cut off.
function gathered(x, [height, width, channels], { rows, columns, strides, dilation, before }, row, column, first, own, filters, values, places) {
  let count = 0;
  for (let down = 0; down < rows; down++) {
    const y = row * strides[0] - before[0] + down * dilation[0];
    if (y < 0 || y >= height) continue;
    for (let right = 0; right < columns; right++) {
      const left = column * strides[1] - before[1] + right * dilation[1];
      if (left < 0 || left >= width) continue;
      const from = (y * width + left) * channels + first, place = (down * columns + right) * own;
      for (let channel = 0; channel < own; channel++) {
        const value = x[from + channel];
        if (value === 0) continue;
        values[count] = value;
        places[count++] = (place + channel) * filters;
      }
    }
  }
  return count;
}

function correlated(x, shape, kernel, window, groups, [outRows, outColumns, filters]) {
  const own = shape[2] / groups, ownFilters = filters / groups, most = window.rows * window.columns * own;
  const values = new Float64Array(most), places = new Int32Array(most);
  const result = new Float32Array(outRows * outColumns * filters), sums = new Float64Array(filters);
  for (let row = 0; row < outRows; row++) {
    for (let column = 0; column < outColumns; column++) {
      sums.fill(0);
      for (let group = 0; group < groups; group++) {
        const count = gathered(x, shape, window, row, column, group * own, own, filters, values, places);
        addWeighted(sums, group * ownFilters, ownFilters, kernel, values, places, count);
      }
      result.set(sums, (row * outColumns + column) * filters);
    }
  }
  return result;
}

// Each channel with kernels of its own: kernel (rows, columns, channels, multiplier).
function depthwise(x, [height, width, channels], kernel, window, multiplier, [outRows, outColumns]) {
  const { rows, columns, strides, dilation, before } = window;
  const maps = channels * multiplier, result = new Float32Array(outRows * outColumns * maps), sums = new Float64Array(maps);
  for (let row = 0; row < outRows; row++) {
    for (let column = 0; column < outColumns; column++) {
      sums.fill(0);
      for (let down = 0; down < rows; down++) {
        const y = row * strides[0] - before[0] + down * dilation[0];
        if (y < 0 || y >= height) continue;
        for (let right = 0; right < columns; right++) {
          const left = column * strides[1] - before[1] + right * dilation[1];
          if (left < 0 || left >= width) continue;
          const from = (y * width + left) * channels, at = (down * columns + right) * maps;
          for (let map = 0, channel = 0; channel < channels; channel++) {
            for (let copy = 0; copy < multiplier; copy++, map++) sums[map] += x[from + channel] * kernel[at + map];
          }
        }
      }
      result.set(sums, (row * outColumns + column) * maps);
    }
  }
  return result;
}

function withBias(values, bias) {
  if (!bias) return values;
  for (let index = 0; index < values.length; index++) values[index] += bias[index % bias.length];
  return values;
}

// An activation works along the last axis of the tensor as the layer has it: with channels first, along columns.
function convolution(compute) {
  return (node, inputs, shapes, weights) => {
    const isFirst = node.channels_first, filters = node.settings.filters;
    const shape = isFirst ? lastShape(shapes[0]) : shapes[0];
    const positions = isFirst ? [node.shape[1], node.shape[2]] : [node.shape[0], node.shape[1]];
    const maps = withBias(compute(node, isFirst ? toChannelsLast(inputs[0], shapes[0]) : inputs[0], shape, weights, [...positions, filters]), weights.bias);
    const result = isFirst ? toChannelsFirst(maps, [...positions, filters]) : maps;
    return activated(node.settings.activation, result, node.shape.at(-1));
  };
}

function pooled(take) {
  return imageKernel((node, [x], [[height, width, channels]], weights, [outRows, outColumns]) => {
    const { rows, columns, strides, before } = windowOf(node.settings, [height, width]);
    const result = new Float32Array(outRows * outColumns * channels);
    for (let row = 0; row < outRows; row++) {
      for (let column = 0; column < outColumns; column++) {
        const top = row * strides[0] - before[0], left = column * strides[1] - before[1];
        const bottom = Math.min(top + rows, height), right = Math.min(left + columns, width);
        for (let channel = 0; channel < channels; channel++) {
          result[(row * outColumns + column) * channels + channel] = take(x, Math.max(top, 0), bottom, Math.max(left, 0), right, width, channels, channel);
        }
      }
    }
    return result;
  });
}
function largestIn(x, top, bottom, left, right, width, channels, channel) {
  let most = -Infinity;
  for (let y = top; y < bottom; y++) {
    for (let across = left; across < right; across++) most = Math.max(most, x[(y * width + across) * channels + channel]);
  }
  return most;
}
function meanIn(x, top, bottom, left, right, width, channels, channel) {
  let sum = 0;
  for (let y = top; y < bottom; y++) {
    for (let across = left; across < right; across++) sum += x[(y * width + across) * channels + channel];
  }
  return sum / ((bottom - top) * (right - left)); // positions in the padding do not count
}
const pooledEverywhere = (take) =>
  imageKernel((node, [x], [[height, width, channels]]) =>
    Float32Array.from({ length: channels }, (_, channel) => take(x, 0, height, 0, width, width, channels, channel)));

// Bilinear, the centers of pixels at ½, as Keras resizes without antialiasing.
function resized(x, [height, width, channels], [outRows, outColumns]) {
  const places = (outputs, inputs) =>
    Array.from({ length: outputs }, (_, index) => {
      const at = clip(((index + 0.5) * inputs) / outputs - 0.5, 0, inputs - 1), low = Math.floor(at);
      return [low, Math.min(low + 1, inputs - 1), at - low];
    });
  const rows = places(outRows, height), columns = places(outColumns, width);
  const result = new Float32Array(outRows * outColumns * channels);
  rows.forEach(([top, bottom, down], row) =>
    columns.forEach(([left, right, across], column) => {
      for (let channel = 0; channel < channels; channel++) {
        const at = (y, x0) => x[(y * width + x0) * channels + channel];
        const upper = at(top, left) + across * (at(top, right) - at(top, left));
        const lower = at(bottom, left) + across * (at(bottom, right) - at(bottom, left));
        result[(row * outColumns + column) * channels + channel] = upper + down * (lower - upper);
      }
    }));
  return result;
}

function cropped(x, [height, width, channels], top, left, rows, columns) {
  const result = new Float32Array(rows * columns * channels);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const y = top + row, across = left + column;
      if (y < 0 || across < 0 || y >= height || across >= width) continue; // padding
      const from = (y * width + across) * channels;
      result.set(x.subarray(from, from + channels), (row * columns + column) * channels);
    }
  }
  return result;
}

// Number of positions before, along and behind an axis that counts the batch axis as 0.
function around(axis, shape) {
  const place = axis > 0 ? axis - 1 : shape.length + axis;
  return [sizeOf(shape.slice(0, place)), shape[place], sizeOf(shape.slice(place + 1))];
}

// (x − mean) / √(variance + epsilon) · gamma + beta over sets of numbers: `groupOf` and `weightOf` by position.
function normalized(x, groupOf, weightOf, groups, epsilon, { gamma, beta }) {
  const means = new Float64Array(groups), squares = new Float64Array(groups), counts = new Float64Array(groups);
  x.forEach((value, index) => {
    means[groupOf(index)] += value;
    counts[groupOf(index)] += 1;
  });
  means.forEach((_, group) => (means[group] /= counts[group]));
  x.forEach((value, index) => (squares[groupOf(index)] += (value - means[groupOf(index)]) ** 2));
  return x.map((value, index) => {
    const group = groupOf(index), weight = weightOf(index);
    const normal = (value - means[group]) / Math.sqrt(squares[group] / counts[group] + epsilon);
    return normal * (gamma ? gamma[weight] : 1) + (beta ? beta[weight] : 0);
  });
}

const identity = (node, [x]) => x;
const merged = (combine) => (node, inputs, shapes) => {
  const [first, ...others] = inputs.map((each, index) => broadcast(each, shapes[index], node.shape));
  const result = Float32Array.from(first);
  for (const other of others) for (let index = 0; index < result.length; index++) result[index] = combine(result[index], other[index]);
  return result;
};

// A tensor with its axes of size 1 repeated, as Keras's merging layers do.
function broadcast(values, shape, wanted) {
  if (shape.every((size, axis) => size === wanted[axis])) return values;
  const steps = wanted.map((_, axis) => sizeOf(wanted.slice(axis + 1)));
  return Float32Array.from({ length: sizeOf(wanted) }, (_, index) =>
    values[shape.reduce((at, size, axis) => at * size + (size === 1 ? 0 : Math.floor(index / steps[axis]) % wanted[axis]), 0)]);
}

const KERNELS = {
  Activation: (node, [x], [shape]) => activated(node.settings.activation, Float32Array.from(x), shape.at(-1)),
  Add: merged((one, other) => one + other),
  AffineSampling: imageKernel((node, [x, map], [[height, width, channels]], weights, [rows, columns]) => {
    const [a, b, c, d, e, f] = map, result = new Float32Array(rows * columns * channels);
    const center = (index, outputs, inputs) => (index - (outputs - 1) / 2) * (inputs / outputs);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const y = center(row, rows, height), across = center(column, columns, width);
        const fromX = a * across + b * (width / height) * y + c * (width / 2) + (width - 1) / 2;
        const fromY = d * (height / width) * across + e * y + f * (height / 2) + (height - 1) / 2;
        for (let y0 = Math.floor(fromY); y0 <= Math.floor(fromY) + 1; y0++) {
          for (let x0 = Math.floor(fromX); x0 <= Math.floor(fromX) + 1; x0++) {
            if (y0 < 0 || x0 < 0 || y0 >= height || x0 >= width) continue;
            const weight = (1 - Math.abs(fromY - y0)) * (1 - Math.abs(fromX - x0));
            for (let channel = 0; channel < channels; channel++) {
              result[(row * columns + column) * channels + channel] += weight * x[(y0 * width + x0) * channels + channel];
            }
          }
        }
      }
    }
    return result;
  }),
  Average: (node, inputs, shapes) => merged((one, other) => one + other)(node, inputs, shapes).map((sum) => sum / inputs.length),
  AveragePooling2D: pooled(meanIn),
  BatchNormalization(node, [x], [shape], { gamma, beta, moving_mean, moving_variance }) {
    const [, size, behind] = around(node.settings.axis, shape);
    const factors = moving_variance.map((variance, index) => (gamma ? gamma[index] : 1) / Math.sqrt(variance + node.settings.epsilon));
    return x.map((value, index) => {
      const channel = Math.floor(index / behind) % size;
      return (value - moving_mean[channel]) * factors[channel] + (beta ? beta[channel] : 0);
    });
  },
  Concatenate(node, inputs, shapes) {
    const [before] = around(node.settings.axis, shapes[0]), result = new Float32Array(sizeOf(node.shape));
    const lengths = inputs.map((each) => each.length / before);
    let at = 0;
    for (let part = 0; part < before; part++) {
      inputs.forEach((each, index) => {
        result.set(each.subarray(part * lengths[index], (part + 1) * lengths[index]), at);
        at += lengths[index];
      });
    }
    return result;
  },
  Conv2D: convolution((node, x, shape, { kernel }, output) =>
    correlated(x, shape, kernel, windowOf(node.settings, shape), node.settings.groups, output)),
  Conv2DTranspose: convolution((node, x, [height, width, channels], { kernel }, [outRows, outColumns, filters]) => {
    const { window: [rows, columns], strides, dilation, before } = node.settings;
    const sums = new Float64Array(outRows * outColumns * filters);
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const from = (row * width + column) * channels;
        for (let down = 0; down < rows; down++) {
          const y = row * strides[0] - before[0] + down * dilation[0];
          if (y < 0 || y >= outRows) continue;
          for (let right = 0; right < columns; right++) {
            const across = column * strides[1] - before[1] + right * dilation[1];
            if (across < 0 || across >= outColumns) continue;
            const to = (y * outColumns + across) * filters, at = (down * columns + right) * filters;
            for (let filter = 0; filter < filters; filter++) {
              let sum = 0;
              for (let channel = 0; channel < channels; channel++) sum += x[from + channel] * kernel[(at + filter) * channels + channel];
              sums[to + filter] += sum;
            }
          }
        }
      }
    }
    return Float32Array.from(sums);
  }),
  Cropping2D: imageKernel((node, [x], [shape], weights, [rows, columns]) =>
    cropped(x, shape, node.settings.cropping[0][0], node.settings.cropping[1][0], rows, columns)),
  Dense(node, [x], shapes, { kernel, bias }) {
    const units = kernel.length / x.length, sums = bias ? Float64Array.from(bias) : new Float64Array(units);
    const values = new Float64Array(x.length), places = new Int32Array(x.length);
    const count = gathered(x, [1, 1, x.length], ONE_BY_ONE, 0, 0, 0, x.length, units, values, places);
    addWeighted(sums, 0, units, kernel, values, places, count);
    return activated(node.settings.activation, Float32Array.from(sums), units);
  },
  DepthwiseConv2D: convolution((node, x, shape, { kernel }, output) =>
    depthwise(x, shape, kernel, windowOf(node.settings, shape), node.settings.multiplier, output)),
  ELU: (node, [x]) => x.map((value) => (value > 0 ? value : node.settings.alpha * Math.expm1(value))),
  Flatten: (node, [x], [shape]) => (node.channels_first && shape.length === 3 ? toChannelsLast(x, shape) : x),
  GlobalAveragePooling2D: pooledEverywhere(meanIn),
  GlobalMaxPooling2D: pooledEverywhere(largestIn),
  Grayscale: imageKernel((node, [x]) =>
    Float32Array.from({ length: x.length / 3 }, (_, pixel) => 0.299 * x[3 * pixel] + 0.587 * x[3 * pixel + 1] + 0.114 * x[3 * pixel + 2])),
  GroupNormalization(node, [x], [shape], weights) {
    const [, size, behind] = around(node.settings.axis, shape);
    const groups = node.settings.groups === -1 ? size : node.settings.groups;
    const channel = (index) => Math.floor(index / behind) % size;
    return normalized(x, (index) => Math.floor(channel(index) / (size / groups)), channel, groups, node.settings.epsilon, weights);
  },
  LayerNormalization(node, [x], [shape], weights) {
    const places = node.settings.axes.map((axis) => (axis > 0 ? axis - 1 : shape.length + axis)).sort((one, other) => one - other);
    const steps = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
    const others = [...shape.keys()].filter((axis) => !places.includes(axis));
    const along = (axes) => (index) => axes.reduce((at, axis) => at * shape[axis] + (Math.floor(index / steps[axis]) % shape[axis]), 0);
    return normalized(x, along(others), along(places), sizeOf(others.map((axis) => shape[axis])), node.settings.epsilon, weights);
  },
  LeakyReLU: (node, [x]) => x.map((value) => (value >= 0 ? value : node.settings.negative_slope * value)),
  LocalResponseNormalization: imageKernel((node, [x], [[height, width, channels]]) => {
    const { depth_radius: radius, bias, alpha, beta } = node.settings;
    return x.map((value, index) => {
      const channel = index % channels, pixel = index - channel;
      let total = 0;
      for (let near = Math.max(0, channel - radius); near <= Math.min(channels - 1, channel + radius); near++) total += x[pixel + near] ** 2;
      return value / (bias + alpha * total) ** beta;
    });
  }),
  LocallyConnected2D: convolution((node, x, shape, { kernel }, [outRows, outColumns, filters]) => {
    const window = windowOf(node.settings, shape), size = window.rows * window.columns * shape[2];
    const values = new Float64Array(size), places = new Int32Array(size);
    const result = new Float32Array(outRows * outColumns * filters), sums = new Float64Array(filters);
    for (let position = 0; position < outRows * outColumns; position++) {
      const row = Math.floor(position / outColumns), column = position % outColumns;
      sums.fill(0);
      const count = gathered(x, shape, window, row, column, 0, shape[2], filters, values, places);
      const own = kernel.subarray(position * size * filters, (position + 1) * size * filters);
      addWeighted(sums, 0, filters, own, values, places, count);
      result.set(sums, position * filters);
    }
    return result;
  }),
  MaxPooling2D: pooled(largestIn),
  Maximum: merged(Math.max),
  Minimum: merged(Math.min),
  Multiply: merged((one, other) => one * other),
  PReLU(node, [x], [shape], { alpha }) {
    const { alpha_shape: own } = node.settings, steps = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
    return x.map((value, index) => {
      if (value >= 0) return value;
      const at = shape.reduce((place, size, axis) => place * own[axis] + (own[axis] === 1 ? 0 : Math.floor(index / steps[axis]) % size), 0);
      return alpha[at] * value;
    });
  },
  Permute(node, [x], [shape]) {
    const { dims } = node.settings, result = new Float32Array(x.length);
    const steps = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
    const outSteps = node.shape.map((_, axis) => sizeOf(node.shape.slice(axis + 1)));
    for (let index = 0; index < x.length; index++) {
      const from = node.shape.reduce((at, size, axis) => at + (Math.floor(index / outSteps[axis]) % size) * steps[dims[axis] - 1], 0);
      result[index] = x[from];
    }
    return result;
  },
  // Outside of training Keras crops to the proportions of the piece, from the middle, and resizes.
  RandomCrop: imageKernel((node, [x], [shape], weights, [rows, columns]) => {
    const [height, width] = shape;
    const high = Math.min(height, Math.trunc((width * rows) / columns)), wide = Math.min(width, Math.trunc((height * columns) / rows));
    const top = Math.trunc((height - high) / 2), left = Math.trunc((width - wide) / 2);
    return resized(cropped(x, shape, top, left, high, wide), [high, wide, shape[2]], [rows, columns]);
  }),
  ReLU(node, [x]) {
    const { max_value: most, negative_slope: slope, threshold } = node.settings;
    // As Keras has it: at a threshold above 0, the value itself is cut off.
    const passes = threshold ? (value) => value > threshold : (value) => !(value < 0);
    return x.map((value) => (passes(value) ? Math.min(value, most ?? Infinity) : slope * (value - threshold)));
  },
  Rescaling: (node, [x]) => x.map((value) => value * node.settings.scale + node.settings.offset),
  Reshape: identity,
  SeparableConv2D: convolution((node, x, shape, { depthwise_kernel, pointwise_kernel }, output) => {
    const { multiplier } = node.settings, between = [output[0], output[1], shape[2] * multiplier];
    const maps = depthwise(x, shape, depthwise_kernel, windowOf(node.settings, shape), multiplier, output);
    return correlated(maps, between, pointwise_kernel, ONE_BY_ONE, 1, output);
  }),
  Softmax(node, [x], [shape]) {
    const [before, size, behind] = around(node.settings.axis, shape), result = new Float32Array(x.length);
    for (let set = 0; set < before * behind; set++) {
      const first = Math.floor(set / behind) * size * behind + (set % behind);
      const row = Array.from({ length: size }, (_, index) => x[first + index * behind]);
      ROW_ACTIVATIONS.softmax(row).forEach((value, index) => (result[first + index * behind] = value));
    }
    return result;
  },
  Subtract: merged((one, other) => one - other),
  UpSampling2D: imageKernel((node, [x], [shape], weights, [rows, columns]) => {
    if (node.settings.interpolation === "bilinear") return resized(x, shape, [rows, columns]);
    const [, width, channels] = shape, [down, across] = node.settings.size, result = new Float32Array(rows * columns * channels);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const from = (Math.floor(row / down) * width + Math.floor(column / across)) * channels;
        result.set(x.subarray(from, from + channels), (row * columns + column) * channels);
      }
    }
    return result;
  }),
  ZeroPadding2D: imageKernel((node, [x], [shape], weights, [rows, columns]) =>
    cropped(x, shape, -node.settings.padding[0][0], -node.settings.padding[1][0], rows, columns)),
};
