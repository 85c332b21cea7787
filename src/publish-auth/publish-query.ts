import { limits } from '../base/limits.ts';

/** The parameters of a query, by name, percent-decoded. All of it is secret. */
export type PublishQuery = ReadonlyMap<string, string>;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const controls = /[\u0000-\u001f\u007f]/;

/**
 * Takes the query of a publisher apart, `a=1&b=2`. A bad escape stays as it is, and `+` is a plus: encoders send what a person
 * typed. Null for what nobody sends in earnest: too long, too many parameters, control characters, or one name with two values,
 * of which two programs could each take another one.
 */
export function parsePublishQuery(query: string): PublishQuery | null {
  const found = new Map<string, string>();
  if (query === '') return found;
  if (query.length > limits.publishAuth.queryCharacters) return null;
  const parts = query.split('&', limits.publishAuth.parameters + 1);
  if (parts.length > limits.publishAuth.parameters) return null;
  for (const part of parts) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = decode(equals < 0 ? part : part.slice(0, equals));
    const value = equals < 0 ? '' : decode(part.slice(equals + 1));
    if (name === '' || controls.test(name) || controls.test(value)) return null;
    // Encoders with several renditions repeat the query.
    if ((found.get(name) ?? value) !== value) return null;
    found.set(name, value);
  }
  return found;
}

function decode(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) => {
    try {
      return decodeURIComponent(escapes);
    } catch {
      return escapes;
    }
  });
}
