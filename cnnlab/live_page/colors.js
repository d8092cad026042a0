// Numbers → colors: positive ones red, negative ones blue, as in all pictures, 0 the color of the paper. They follow the theme.
const palette = { positive: [178, 24, 43], negative: [33, 102, 172], zero: [255, 255, 255] };

function readPalette() {
  const style = getComputedStyle(document.documentElement);
  const color = (name) => {
    const text = style.getPropertyValue(name).trim();
    return [1, 3, 5].map((place) => parseInt(text.slice(place, place + 2), 16));
  };
  Object.assign(palette, { positive: color("--positive"), negative: color("--negative"), zero: color("--paper") });
}

// The color of `value`, where ±`scale` have the full colors: three numbers from 0 to 255.
function colorOf(value, scale) {
  const share = scale > 0 ? Math.min(Math.abs(value) / scale, 1) : 0;
  const full = value < 0 ? palette.negative : palette.positive;
  return palette.zero.map((zero, index) => Math.round(zero + (full[index] - zero) * share));
}

function cssColor(value, scale) {
  return `rgb(${colorOf(value, scale).join(" ")})`;
}

// Black or white, whichever is easier to read on a color.
function inkOn([red, green, blue]) {
  return 0.299 * red + 0.587 * green + 0.114 * blue > 140 ? "#000" : "#fff";
}

function largest(values) {
  let found = 0;
  for (const value of values) if (Math.abs(value) > found) found = Math.abs(value);
  return found;
}

// A number for people: two decimals, powers of ten where these say too little, and a minus sign.
function shown(value) {
  if (value === 0) return "0";
  const text = Math.abs(value) >= 1000 || Math.abs(value) < 0.005 ? value.toExponential(1) : value.toFixed(2);
  return text.replace(/-/g, "−");
}
const percent = (share) => `${(100 * share).toFixed(share > 0.9995 || share < 0.0005 ? 2 : 1)}%`;
