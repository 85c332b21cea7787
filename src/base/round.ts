const powersOfTen = [1, 10, 100, 1000] as const;

/** Digits after the point that {@link round} knows. */
export type RoundDigits = 0 | 1 | 2 | 3;

/** From here on the product in {@link round} may be off by more than its margin. */
const largestScaled = 2 ** 40;

/** Half, less a margin for the product's error: nearer to a tie the exact decimals decide. */
const clearlyNearest = 0.499;

/**
 * Rounds to some decimals: the same as `Number(value.toFixed(digits))`, which makes a text and reads it again, in a tenth of the
 * time. The quotient of a whole number and a power of ten is the double nearest to that decimal, so both have the same digits.
 */
export function round(value: number, digits: RoundDigits): number {
  const power = powersOfTen[digits];
  const scaled = value * power;
  const nearest = Math.round(scaled);
  if (Math.abs(scaled) < largestScaled && Math.abs(scaled - nearest) < clearlyNearest) return nearest / power;
  return Number(value.toFixed(digits));
}
