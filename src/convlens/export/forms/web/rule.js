// From outputs to an answer, by the detector's rule.
const UNSURE = -1;

const largest = (values) => values.reduce((best, value, k) => (value > values[best] ? k : best), 0);

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

export function answerOf(outputs, { labels, rule }) {
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
