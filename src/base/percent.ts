/** A part, 0 to 1, in words. */
export function percent(part: number): string {
  return `${Math.round(part * 100)} %`;
}
