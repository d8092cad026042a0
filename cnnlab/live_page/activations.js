// Activation functions by Keras's names and with Keras's defaults. Each takes a number, or a row of numbers.
const sigmoid = (x) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));
const softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const clip = (x, low, high) => Math.min(Math.max(x, low), high);
const elu = (x) => (x > 0 ? x : Math.expm1(x));

// Winitzki's and similar forms are too rough: Abramowitz & Stegun 1964, 7.1.26, is within 1.5e-7.
function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const polynomial = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const value = 1 - polynomial * Math.exp(-x * x);
  return x < 0 ? -value : value;
}

const ACTIVATIONS = {
  celu: elu,
  elu,
  exponential: Math.exp,
  gelu: (x) => (x * (1 + erf(x / Math.SQRT2))) / 2,
  hard_shrink: (x) => (Math.abs(x) > 0.5 ? x : 0),
  hard_sigmoid: (x) => clip(x + 3, 0, 6) / 6,
  hard_silu: (x) => (x * clip(x + 3, 0, 6)) / 6,
  hard_tanh: (x) => clip(x, -1, 1),
  leaky_relu: (x) => (x > 0 ? x : 0.2 * x),
  linear: (x) => x,
  log_sigmoid: (x) => -softplus(-x),
  mish: (x) => x * Math.tanh(softplus(x)),
  relu: (x) => (x < 0 ? 0 : x), // what is not a number stays so
  relu6: (x) => clip(x, 0, 6),
  selu: (x) => 1.0507009873554805 * (x >= 0 ? x : 1.6732632423543772 * Math.expm1(x)),
  sigmoid,
  silu: (x) => x * sigmoid(x),
  soft_shrink: (x) => x - clip(x, -0.5, 0.5),
  softplus,
  softsign: (x) => x / (1 + Math.abs(x)),
  sparse_plus: (x) => (x < 1 ? clip((x + 1) / 2, 0, 1) ** 2 : x),
  squareplus: (x) => (x + Math.sqrt(x * x + 4)) / 2,
  swish: (x) => x * sigmoid(x),
  tanh: Math.tanh,
  tanh_shrink: (x) => x - Math.tanh(x),
};

// Functions of a whole row, along the last axis.
const ROW_ACTIVATIONS = {
  softmax(row) {
    const most = Math.max(...row), powers = row.map((x) => Math.exp(x - most));
    const sum = powers.reduce((total, each) => total + each, 0);
    return powers.map((each) => each / sum);
  },
  log_softmax(row) {
    const most = Math.max(...row), sum = row.reduce((total, x) => total + Math.exp(x - most), 0);
    return row.map((x) => x - most - Math.log(sum));
  },
  // As Keras computes it, whose outputs need not add up to 1 (Martins & Astudillo 2016 intended so).
  sparsemax(row) {
    const sorted = [...row].sort((one, other) => other - one);
    let total = 0, count = 0, sums = 0;
    sorted.forEach((value, index) => {
      total += value;
      if (1 + (index + 1) * value <= total) return;
      count += 1;
      sums += total;
    });
    const threshold = (sums - 1) / count;
    return row.map((x) => Math.max(x - threshold, 0));
  },
};

// Numbers of a tensor whose last axis has `last` numbers, activated in their places.
function activated(name, values, last) {
  if (!name || name === "linear") return values;
  const single = ACTIVATIONS[name];
  if (single) {
    for (let index = 0; index < values.length; index++) values[index] = single(values[index]);
    return values;
  }
  for (let start = 0; start < values.length; start += last) {
    values.set(ROW_ACTIVATIONS[name](Array.from(values.subarray(start, start + last))), start);
  }
  return values;
}
