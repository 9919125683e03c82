// From outputs to an answer, by the detector's rule.
const UNSURE = -1;

export const largest = (values) => values.reduce((best, value, k) => (value > values[best] ? k : best), 0);

function chosen(p, rule) {
  if (rule.costs) {
    const expected = p.map((share) => 1 - share);
    for (const [is, called, cost] of rule.costs) expected[called] += (cost - 1) * p[is];
    return largest(expected.map((cost) => -cost));
  }
  if (rule.weights) return largest(p.map((share, k) => (rule.weights[k] > 0 ? Math.fround(share * Math.fround(rule.weights[k])) : -1)));
  if (rule.predicted_from) {
    const [k, threshold] = rule.predicted_from;
    return p[k] >= threshold ? k : largest(p.map((share, other) => (other === k ? -1 : share)));
  }
  return Math.max(...p) < rule.unsure_below ? UNSURE : largest(p);
}

const edges = (boxes, n) => ({ left: boxes[4 * n], top: boxes[4 * n + 1], right: boxes[4 * n + 2], bottom: boxes[4 * n + 3] });

// Boxes that are as sure as the rule asks for, and how many there are of each class.
function objectsOf({ boxes, scores, classes, number }, { labels, rule }) {
  const all = Array.from({ length: Number(number.data[0]) }, (_, n) => ({ k: Number(classes.data[n]), score: scores.data[n], box: edges(boxes.data, n) }));
  const objects = all.filter(({ k, score }) => score >= rule.thresholds[k]).map(({ k, ...rest }) => ({ predicted: labels[k], ...rest }));
  const counts = labels.map((label) => [label, objects.filter(({ predicted }) => predicted === label).length]);
  return { objects, counts: Object.fromEntries(counts.filter(([, count]) => count)) };
}

export function answerOf(outputs, { labels, rule }) {
  if (outputs.boxes) return objectsOf(outputs, { labels, rule });
  const p = [...outputs.probabilities.data];
  const strangeness = outputs.strangeness?.data[0] ?? null;
  const strange = strangeness !== null && strangeness > 1;
  const k = strange && rule.unsure_below ? UNSURE : chosen(p, rule);
  return {
    predicted: k === UNSURE ? "unsure" : labels[k],
    probability: k === UNSURE ? Math.max(...p) : p[k],
    probabilities: Object.fromEntries(labels.map((label, n) => [label, p[n]]).sort(([, one], [, other]) => other - one)),
    strangeness,
    strange,
  };
}
