/** Axes: where a value stands on a line of pixels, and which values get a tick. */

export interface Axis {
  readonly label: string;
  readonly ticks: readonly { readonly value: number; readonly text: string }[];
  /** Pixels from the axis's origin. */
  place(value: number): number;
}

export interface AxisOptions {
  readonly label: string;
  readonly pixels: number;
  readonly logarithmic?: boolean;
  /** The axis begins at the least value, not at 0. */
  readonly fromLeast?: boolean;
}

/** About so many ticks. */
const wantedTicks = 6;

/** An axis on which all `values` have their place. */
export function axisFor(values: readonly number[], options: AxisOptions): Axis {
  const known = values.filter((value) => Number.isFinite(value));
  return options.logarithmic === true ? logarithmicAxis(known, options) : linearAxis(known, options);
}

function linearAxis(values: readonly number[], { label, pixels, fromLeast = false }: AxisOptions): Axis {
  const least = fromLeast && values.length > 0 ? Math.min(...values) : Math.min(0, ...values);
  const most = Math.max(least, ...values);
  const step = stepFor(most - least);
  const first = Math.floor(least / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(most / step - 1e-9));
  const ticks = Array.from({ length: last - first + 1 }, (_, index) => {
    const value = (first + index) * step;
    return { value, text: tickText(value, step) };
  });
  const [low, high] = [first * step, last * step];
  return { label, ticks, place: (value) => ((value - low) / (high - low)) * pixels };
}

function logarithmicAxis(values: readonly number[], { label, pixels }: AxisOptions): Axis {
  const positive = values.filter((value) => value > 0);
  const low = Math.floor(Math.log10(Math.min(1, ...positive)) + 1e-9);
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...positive, 10 ** low)) - 1e-9));
  const ticks = Array.from({ length: high - low + 1 }, (_, index) => {
    const value = 10 ** (low + index);
    return { value, text: tickText(value, value) };
  });
  const place = (value: number): number => ((Math.log10(Math.max(value, 10 ** low)) - low) / (high - low)) * pixels;
  return { label, ticks, place };
}

/** 1, 2 or 5 times a power of ten. */
function stepFor(span: number): number {
  if (!(span > 0)) return 1;
  const rough = span / wantedTicks;
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((one) => one * power >= rough * (1 - 1e-9)) ?? 10;
  return factor * power;
}

function tickText(value: number, step: number): string {
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return value.toFixed(Math.min(decimals, 6));
}
