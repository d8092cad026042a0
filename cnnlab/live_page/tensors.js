// What kernels are made of: a tensor's formats, windows on images, pooling, resizing, normalizing. Tensors are
// Float32Arrays, row by row; sums are taken in double precision.

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
