import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../../..');

/** A string, or a template without one inside it; first of all whether it is the title of a test. */
const literal = /(\b(?:test|describe)\(\s*)?(?:'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`)/g;

/** A string of a source file. A template is as it is written there. */
export interface Literal {
  readonly text: string;
  readonly template: boolean;
  /** It stands where a test has its title. */
  readonly title: boolean;
}

/** The strings of a source file, in their order. */
export function literalsOf(source: string): Literal[] {
  const code = source.replace(/^\s*(?:\/\/|\/?\*).*$/gm, '');
  return [...code.matchAll(literal)].map(([, title, single, double, template]) => ({
    text: (single ?? double ?? template ?? '').replaceAll(/\\(['"`])/g, '$1'),
    template: template !== undefined,
    title: title !== undefined,
  }));
}

/** What a template can become, as an expression for the whole text. */
export function templateExpression(template: string): RegExp {
  const parts = template.split(/\$\{(?:[^{}]|\{[^{}]*\})*\}/);
  return new RegExp(`^${parts.map((part) => RegExp.escape(part)).join('.+?')}$`, 's');
}

/** Letters of a template that are not of a placeholder. */
export function fixedLength(template: string): number {
  return template.replaceAll(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, '').trim().length;
}

/** The source of the test file `name`, such as `unit/rtmp/handshake`; null if there is none. */
export function testSource(name: string): string | null {
  const file = resolve(root, 'test', `${name}.test.ts`);
  return existsSync(file) ? readFileSync(file, 'utf8') : null;
}

/** Whether a test file has a test, or a case in a table of tests, of that title. */
export function hasTitle(source: string, wanted: string): boolean {
  return literalsOf(source).some(({ text, template, title }) => {
    if (!template || !text.includes('${')) return text === wanted;
    return title && fixedLength(text) > 0 && templateExpression(text).test(wanted);
  });
}
