// What each layer computes, forwards, for one image. A kernel gets the layer, its inputs, their shapes, and its weights
// by name.

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
