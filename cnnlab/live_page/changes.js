// Pictures, H × W × C numbers from 0 to 255, shifted, rotated, scaled and thickened. Outside of them everything is 0.
const UNCHANGED = { right: 0, down: 0, turn: 0, scale: 1, thick: 0 };

function changed(pixels, [height, width], channels, change) {
  return moved(thickened(pixels, [height, width], channels, change.thick), [height, width], channels, change);
}

// Each pixel of the result looks back to where it was, and mixes the four pixels around (bilinear).
function moved(pixels, [height, width], channels, { right, down, turn, scale }) {
  if (!right && !down && !turn && scale === 1) return pixels;
  const result = new Float32Array(pixels.length);
  const angle = (turn * Math.PI) / 180, cosine = Math.cos(angle) / scale, sine = Math.sin(angle) / scale;
  const middle = [(height - 1) / 2, (width - 1) / 2];
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const y = row - middle[0] - down, x = column - middle[1] - right;
      const fromRow = middle[0] + cosine * y - sine * x, fromColumn = middle[1] + sine * y + cosine * x;
      const top = Math.floor(fromRow), left = Math.floor(fromColumn);
      for (const [r, c] of [[top, left], [top, left + 1], [top + 1, left], [top + 1, left + 1]]) {
        if (r < 0 || c < 0 || r >= height || c >= width) continue;
        const weight = (1 - Math.abs(fromRow - r)) * (1 - Math.abs(fromColumn - c));
        for (let channel = 0; channel < channels; channel++) {
          result[(row * width + column) * channels + channel] += weight * pixels[(r * width + c) * channels + channel];
        }
      }
    }
  }
  return result.map((value) => Math.min(255, Math.round(value)));
}

// Gray dilation (thicker) or erosion (thinner) by a cross of one pixel, a fraction of it by mixing.
function thickened(pixels, [height, width], channels, amount) {
  let result = pixels;
  for (let left = Math.abs(amount); left > 0; left -= 1) {
    const before = result, part = Math.min(left, 1);
    const choose = amount > 0 ? Math.max : Math.min;
    const at = (row, column, channel) =>
      row < 0 || column < 0 || row >= height || column >= width ? 0 : before[(row * width + column) * channels + channel];
    result = new Float32Array(pixels.length);
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        for (let channel = 0; channel < channels; channel++) {
          const own = at(row, column, channel);
          const extreme = choose(own, at(row - 1, column, channel), at(row + 1, column, channel),
            at(row, column - 1, channel), at(row, column + 1, channel));
          result[(row * width + column) * channels + channel] = Math.round((1 - part) * own + part * extreme);
        }
      }
    }
  }
  return result;
}
