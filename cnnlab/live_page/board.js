// Stones on a board, drawn with lines; the player to move has the black ones.
const WOOD = "rgb(222 184 120)", LINES = "rgb(115 87 46)";

function paintBoard(canvas, values, size) {
  const point = 26;
  canvas.width = canvas.height = size * point;
  const context = canvas.getContext("2d");
  context.fillStyle = WOOD;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.strokeStyle = LINES;
  context.beginPath();
  for (let line = 0; line < size; line++) {
    const place = (line + 0.5) * point;
    context.moveTo(place, point / 2);
    context.lineTo(place, canvas.height - point / 2);
    context.moveTo(point / 2, place);
    context.lineTo(canvas.width - point / 2, place);
  }
  context.stroke();
  for (let index = 0; index < size * size; index++) {
    if (values[index] === 1) continue;
    context.beginPath();
    context.arc(((index % size) + 0.5) * point, (Math.floor(index / size) + 0.5) * point, point * 0.44, 0, 7);
    context.fillStyle = values[index] === 2 ? "#141414" : "#fafafa";
    context.fill();
    context.strokeStyle = "#3f382e";
    context.stroke();
  }
}

// A cross where a network would play.
function markMove(canvas, size, [row, column], color) {
  const point = canvas.width / size, context = canvas.getContext("2d"), reach = point * 0.3;
  const x = (column + 0.5) * point, y = (row + 0.5) * point;
  context.strokeStyle = color;
  context.lineWidth = point / 7;
  context.beginPath();
  context.moveTo(x - reach, y - reach);
  context.lineTo(x + reach, y + reach);
  context.moveTo(x + reach, y - reach);
  context.lineTo(x - reach, y + reach);
  context.stroke();
}
