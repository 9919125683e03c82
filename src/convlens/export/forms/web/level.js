// One pass of the network over a picture: the answers of all windows at one scale.
const [MIDDLE, CLIP] = [0.5, 8];

export const roundHalfEven = (x) => (x % 1 === 0.5 && Math.floor(x) % 2 === 0 ? Math.floor(x) : Math.round(x));

export class Level {
  constructor({ logits, axes: [classes, down, across] }, sizes, { height, width, size, stride }) {
    Object.assign(this, { logits, classes, down, across });
    const starts = (count, scale) => Array.from({ length: count }, (_, n) => n * stride * scale);
    const scales = [height / sizes[0], width / sizes[1]];
    this.starts = [starts(down, scales[0]), starts(across, scales[1])];
    this.side = scales.map((scale) => size * scale);
  }

  // Log-odds of a class in one window.
  logOdds(k, row, column) {
    const at = (n) => this.logits[(n * this.down + row) * this.across + column];
    let highest = -Infinity, sum = 0;
    for (let n = 0; n < this.classes; n++) if (n !== k) highest = Math.max(highest, at(n));
    for (let n = 0; n < this.classes; n++) if (n !== k) sum += Math.exp(at(n) - highest);
    return Math.min(CLIP, Math.max(-CLIP, at(k) - highest - Math.log(sum)));
  }

  // The windows that have a point in their middle, along one axis; beyond the outermost, these.
  covers(point, axis) {
    const centres = this.starts[axis].map((start) => start + this.side[axis] / 2);
    const inner = Math.min(Math.max(point, centres[0]), centres.at(-1));
    const half = centres.length > 1 ? ((centres[1] - centres[0]) / 2) * (1 + 1e-9) : 0;  // at least the nearest
    const reach = Math.max((MIDDLE * this.side[axis]) / 2, half);
    return centres.flatMap((centre, n) => (Math.abs(inner - centre) <= reach ? [n] : []));
  }

  // Mean log-odds of the windows over each point.
  meanLogOdds(k, rows, columns) {
    const odds = Array.from({ length: this.down }, (_, row) => Array.from({ length: this.across }, (_, column) => this.logOdds(k, row, column)));
    const overColumns = columns.map((x) => this.covers(x, 1));
    return rows.map((y) => {
      const down = this.covers(y, 0);
      return overColumns.map((across) => down.reduce((sum, i) => across.reduce((more, j) => more + odds[i][j], sum), 0) / (down.length * across.length));
    });
  }

  // Calls `use` with the edges and the log-odds of each window over a point.
  windowsOver(k, y, x, use) {
    for (const i of this.covers(y, 0))
      for (const j of this.covers(x, 1)) {
        const [top, left] = [this.starts[0][i], this.starts[1][j]];
        use([left, top, left + this.side[1], top + this.side[0]], this.logOdds(k, i, j));
      }
  }
}
