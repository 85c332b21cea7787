/**
 * The value of a header in UTF-8, as clients write user names in it (RFC 7616, clause 3.3): Node gives each byte as a character.
 */
export function headerText(value: string | undefined): string | undefined {
  return value === undefined ? undefined : Buffer.from(value, 'latin1').toString('utf8');
}
