// Two classes of times, told apart or not.

/** The lower nine tenths of some numbers: what is above is the machine's. */
export function withoutTop(numbers) {
  return numbers.toSorted((a, b) => a - b).slice(0, Math.floor(numbers.length * 0.9));
}

export function mean(numbers) {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

/** Welch's t of two samples. */
export function welch(a, b) {
  const error = (sample) => variance(sample) / sample.length;
  return (mean(a) - mean(b)) / Math.sqrt(error(a) + error(b));
}

function variance(numbers) {
  const middle = mean(numbers);
  return numbers.reduce((sum, number) => sum + (number - middle) ** 2, 0) / (numbers.length - 1);
}
