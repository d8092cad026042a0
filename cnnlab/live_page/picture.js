// Any picture → the pixels that the networks' dataset would have made of it: cnnlab's own rules, number by number
// as Pillow computes them, so that a picture gets the same answer here and from `cnnlab predict`.

class UnusablePicture extends Error {
  expected = true; // its message is for people
}

// Python's round and NumPy's rint: halves go to the even number.
function rounded(value) {
  const low = Math.floor(value), rest = value - low;
  return rest > 0.5 || (rest === 0.5 && low % 2) ? low + 1 : low;
}

// {values, width, height, channels}, row by row. Transparent parts are white.
function pictureOf(rgba, width, height, channels) {
  const values = new Uint8ClampedArray(width * height * channels);
  const part = (value, cover) => {
    if (cover === 255) return value;
    const mixed = value * cover * 128 + 255 * (255 * 128 - cover * 128) + (128 << 7);
    return (((mixed >> 8) + mixed) >> 8) >> 7;
  };
  for (let pixel = 0, at = 0; pixel < width * height; pixel++, at += 4) {
    const cover = rgba[at + 3], red = part(rgba[at], cover), green = part(rgba[at + 1], cover), blue = part(rgba[at + 2], cover);
    if (channels === 1) values[pixel] = luma(red, green, blue);
    else {
      values[3 * pixel] = red;
      values[3 * pixel + 1] = green;
      values[3 * pixel + 2] = blue;
    }
  }
  return { values, width, height, channels };
}

const MOST_PIXELS = 89_478_485; // as many as `cnnlab predict` takes

const luma = (red, green, blue) => (red * 19595 + green * 38470 + blue * 7471 + 32768) >> 16;

// A picture as the dataset has its images: {pixels, notes}. data: {kind, size: [H, W], channels, resize}.
function prepare(rgba, width, height, data) {
  const picture = pictureOf(rgba, width, height, data.channels), [rows, columns] = data.size, notes = [];
  const isOfSize = width === columns && height === rows;
  if (data.kind === "photograph") {
    if (isOfSize) return { pixels: picture.values, notes };
    return { pixels: fitted(picture, data.size, data.resize).values, notes: [fittingNote(picture, data.size, data.resize)] };
  }
  if (hasLightRim(picture)) {
    picture.values = picture.values.map((value) => 255 - value);
    notes.push("dark on light: inverted");
  }
  if (isOfSize) return { pixels: picture.values, notes };
  if (data.kind === "digit") {
    notes.push(sizeNote("scaled and centered", picture, data.size));
    return { pixels: centeredDigit(picture.values, width, height, data), notes };
  }
  notes.push(fittingNote(picture, data.size, "pad"));
  return { pixels: fitted(picture, data.size, "pad").values, notes };
}

function sizeNote(how, { width, height }, [rows, columns]) {
  return `${how} from ${width}×${height} to ${columns}×${rows} (width × height)`;
}

function fittingNote(picture, size, resize) {
  const isSame = picture.height * size[1] === picture.width * size[0];
  const how = { crop: "cropped and resized", pad: "resized and padded", stretch: "stretched" }[resize];
  return sizeNote(isSame ? "resized" : how, picture, size);
}

function rimOf(values, width, height) {
  const at = (row, column) => values[row * width + column];
  const rows = Array.from({ length: height }, (_, row) => row), columns = Array.from({ length: width }, (_, column) => column);
  return [...columns.map((column) => at(0, column)), ...columns.map((column) => at(height - 1, column)),
    ...rows.map((row) => at(row, 0)), ...rows.map((row) => at(row, width - 1))];
}

function median(values) {
  const sorted = [...values].sort((one, other) => one - other), middle = sorted.length / 2;
  return sorted.length % 2 ? sorted[Math.floor(middle)] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function hasLightRim({ values, width, height, channels }) {
  if (channels === 1) return median(rimOf(values, width, height)) > 127;
  const gray = new Uint8ClampedArray(width * height);
  for (let pixel = 0; pixel < gray.length; pixel++) gray[pixel] = luma(values[3 * pixel], values[3 * pixel + 1], values[3 * pixel + 2]);
  return median(rimOf(gray, width, height)) > 127;
}

const DIGIT_SIDE = 20; // MNIST's digits are scaled to fit 20 × 20 points of their 28 × 28
const FAINT = 0.2; // what is darker than this fraction of the brightest point counts as background

// The brightest part of a gray picture, scaled, its center of mass in the middle: H · W numbers from 0 to 255.
function centeredDigit(values, width, height, { size }) {
  const [rows, columns] = size, canvas = new Uint8ClampedArray(rows * columns);
  const dark = median(rimOf(values, width, height));
  const gray = Float64Array.from(values, (value) => Math.max(0, value - dark));
  const most = gray.reduce((found, value) => Math.max(found, value), 0);
  if (!most) return canvas;
  let [top, bottom, left, right] = [height, -1, width, -1];
  gray.forEach((value, index) => {
    if (value <= FAINT * most) return;
    const row = Math.floor(index / width), column = index % width;
    [top, bottom, left, right] = [Math.min(top, row), Math.max(bottom, row), Math.min(left, column), Math.max(right, column)];
  });
  const high = bottom - top + 1, wide = right - left + 1, stretched = new Uint8ClampedArray(high * wide);
  for (let row = 0; row < high; row++) {
    for (let column = 0; column < wide; column++) {
      stretched[row * wide + column] = rounded(gray[(top + row) * width + left + column] * (255 / most));
    }
  }
  const scale = ((DIGIT_SIDE / 28) * Math.min(rows, columns)) / Math.max(high, wide);
  const target = [Math.max(1, rounded(high * scale)), Math.max(1, rounded(wide * scale))];
  const small = resampled({ values: stretched, width: wide, height: high, channels: 1 }, target);
  const brightest = Math.max(1, ...small.values);
  const digit = Float64Array.from(small.values, (value) => value * (255 / brightest));
  const total = digit.reduce((sum, value) => sum + value, 0);
  if (!total) return canvas; // so little light that shrinking has lost it
  const place = (side, length, at) => {
    const middle = digit.reduce((sum, value, index) => sum + value * (at(index) + 0.5), 0) / total;
    return Math.max(0, Math.min(side - length, rounded(side / 2 - middle)));
  };
  const down = place(rows, small.height, (index) => Math.floor(index / small.width));
  const across = place(columns, small.width, (index) => index % small.width);
  digit.forEach((value, index) => {
    canvas[(down + Math.floor(index / small.width)) * columns + across + (index % small.width)] = rounded(value);
  });
  return canvas;
}

// A picture brought to (height, width): "crop", "pad" with black, "stretch", or "exact".
function fitted(picture, [rows, columns], resize) {
  const { width, height } = picture;
  if (resize === "exact") throw new UnusablePicture(`expected a picture of ${columns}×${rows} (width × height), found ${width}×${height}`);
  if (resize === "stretch") return resampled(picture, [rows, columns]);
  if (resize === "pad") return padded(withOnePixel(picture, [rows, columns]), [rows, columns]);
  const own = width / height, wanted = columns / rows;
  const wide = own <= wanted ? width : wanted * height, high = own < wanted ? width / wanted : height;
  const left = (width - wide) * 0.5, top = (height - high) * 0.5;
  return resampled(picture, [rows, columns], [left, top, left + wide, top + high]);
}

// A picture so long that its short side would round to nothing keeps one pixel.
function withOnePixel(picture, [rows, columns]) {
  if (rounded((picture.height / picture.width) * columns) === 0) return resampled(picture, [1, columns]);
  if (rounded((picture.width / picture.height) * rows) === 0) return resampled(picture, [rows, 1]);
  return picture;
}

function padded(picture, [rows, columns]) {
  const { channels } = picture, own = picture.width / picture.height, wanted = columns / rows;
  let size = [rows, columns];
  if (own > wanted) size = [rounded((picture.height / picture.width) * columns), columns];
  else if (own < wanted) size = [rows, rounded((picture.width / picture.height) * rows)];
  const small = resampled(picture, size), values = new Uint8ClampedArray(rows * columns * channels);
  const left = small.width === columns ? 0 : rounded((columns - small.width) * 0.5);
  const top = small.width === columns ? rounded((rows - small.height) * 0.5) : 0;
  for (let row = 0; row < small.height; row++) {
    const from = row * small.width * channels;
    values.set(small.values.subarray(from, from + small.width * channels), ((top + row) * columns + left) * channels);
  }
  return { values, width: columns, height: rows, channels };
}

// Pillow's bilinear resampling, antialiased where it shrinks, in whole numbers of 22 bits. As in Pillow 13, what
// shrinks far more in height than in width is resized downwards first; else across first.
function resampled(picture, [rows, columns], box = [0, 0, picture.width, picture.height]) {
  const [left, top, right, bottom] = box.map(Math.fround), { width, height } = picture;
  const across = (from) => (columns !== width || left || right !== columns ? resampledAcross(from, left, right, columns) : from);
  const down = (from) => (rows !== height || top || bottom !== rows ? resampledDown(from, top, bottom, rows) : from);
  const shrinks = height - rows;
  return shrinks > 0 && shrinks > 2 * (width - columns) ? across(down(picture)) : down(across(picture));
}

function resampledAcross({ values, width, height, channels }, left, right, columns) {
  const taps = tapsOf(width, left, right, columns), result = new Uint8ClampedArray(height * columns * channels);
  for (let row = 0; row < height; row++) {
    taps.forEach(([first, weights], column) => {
      for (let channel = 0; channel < channels; channel++) {
        let sum = 1 << 21;
        for (let tap = 0; tap < weights.length; tap++) sum += values[(row * width + first + tap) * channels + channel] * weights[tap];
        result[(row * columns + column) * channels + channel] = Math.floor(sum / (1 << 22));
      }
    });
  }
  return { values: result, width: columns, height, channels };
}

function resampledDown({ values, width, channels, height }, top, bottom, rows) {
  const taps = tapsOf(height, top, bottom, rows), line = width * channels, result = new Uint8ClampedArray(rows * line);
  taps.forEach(([first, weights], row) => {
    for (let at = 0; at < line; at++) {
      let sum = 1 << 21;
      for (let tap = 0; tap < weights.length; tap++) sum += values[(first + tap) * line + at] * weights[tap];
      result[row * line + at] = Math.floor(sum / (1 << 22));
    }
  });
  return { values: result, width, height: rows, channels };
}

// For each place along the result, the first place of the picture that counts, and the weights from there on.
function tapsOf(size, from, to, outputs) {
  const scale = Math.fround(to - from) / outputs, stretch = Math.max(scale, 1);
  return Array.from({ length: outputs }, (_, output) => {
    const center = from + (output + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - stretch + 0.5)), end = Math.min(size, Math.trunc(center + stretch + 0.5));
    const weights = Array.from({ length: end - first }, (_, tap) => Math.max(0, 1 - Math.abs((first + tap - center + 0.5) * (1 / stretch))));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return [first, weights.map((weight) => Math.trunc((total ? weight / total : weight) * (1 << 22) + 0.5))];
  });
}
