import { limits } from '../base/limits.ts';

/** What everybody tries first, without digits and marks, in lower case. */
const wellKnown = [
  'password',
  'passwort',
  'motdepasse',
  'letmein',
  'welcome',
  'changeme',
  'qwertyuiop',
  'qwertzuiop',
  'administrator',
  'milestone',
  'xprotect',
  'skyweir',
  'iloveyou',
  'trustno',
];
const rows = ['abcdefghijklmnopqrstuvwxyz', '0123456789'.repeat(3), 'qwertyuiop', 'qwertzuiop', 'asdfghjkl', 'zxcvbnm'];

/** What keeps a text from being the password of that user, in one sentence without the password; null if nothing does. */
export function describePasswordProblem(password: string, user: string): string | null {
  const { shortestPassword, longestPassword } = limits.access;
  const characters = [...password].length;
  if (characters === 0) return 'the password is empty';
  if (characters < shortestPassword)
    return `the password is shorter than ${shortestPassword} characters; some words in a row are easy to keep in mind`;
  if (characters > longestPassword) return `the password is longer than ${longestPassword} characters`;
  if (/\p{Cc}/u.test(password)) return 'the password holds control characters, such as a line break or a tab';
  if (password !== password.trim()) return 'the password begins or ends with a blank, which gets lost easily';
  const plain = password.toLowerCase();
  if (new Set(plain).size < 5) return 'the password repeats the same few characters';
  if (user.length >= 3 && plain.replaceAll(user.toLowerCase(), '').length < shortestPassword / 2)
    return 'the password is the user name, with little more';
  if (isGuessed(plain))
    return 'the password is one of those that are tried first; choose words that do not belong together';
  return null;
}

/** A well-known word or a row of keys, with some digits and marks around it. */
function isGuessed(plain: string): boolean {
  const letters = plain.replaceAll(/[^\p{L}]/gu, '');
  const rest = wellKnown.reduce((text, word) => text.replaceAll(word, ''), letters);
  if (letters.length > 0 && rest.length < letters.length && rest.length < 4) return true;
  const ascending = rows.flatMap((row) => [row, [...row].reverse().join('')]);
  const left = plain.replaceAll(/[a-z0-9]{4,}/g, (run) => (isMadeOfRows(run, ascending) ? '' : run));
  return left.length < 4;
}

/** Whether it is pieces of at least three neighbours on the keyboard or in the alphabet, and nothing else. */
function isMadeOfRows(run: string, ways: readonly string[]): boolean {
  let at = 0;
  while (at < run.length) {
    let length = run.length - at;
    while (length >= 3 && !ways.some((way) => way.includes(run.slice(at, at + length)))) length--;
    if (length < 3) return false;
    at += length;
  }
  return true;
}
