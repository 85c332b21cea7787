import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { describePasswordProblem } from '../../../src/access/password-rule.ts';

describe('a password', () => {
  const good = [
    'vier grüne Fische',
    'correct horse battery',
    'k7mq-x2vd-9hpt-4wze',
    '日本語のとても長い秘密の言葉',
    'The password is a fish',
    'XXXab12-zz91-öäüß',
    'a1!b2?c3=d4+e5',
  ];
  for (const password of good)
    test(`${password} will do`, () => assert.equal(describePasswordProblem(password, 'anna'), null));

  const bad: [password: string, why: RegExp][] = [
    ['', /empty/],
    ['elevenchars', /shorter than 12/],
    ['x'.repeat(257), /longer than 256/],
    ['vier grüne\tFische', /control characters/],
    ['vier grüne Fische\r', /control characters/],
    [' vier grüne Fische', /begins or ends with a blank/],
    ['aaaaaaaaaaaa', /repeats/],
    ['121212121212', /repeats/],
    ['anna-müller1!', /user name/],
    ['Password1234', /tried first/],
    ['skyweir-2026!', /tried first/],
    ['Milestone2026', /tried first/],
    ['123456789012', /tried first/],
    ['qwertyuiop12', /tried first/],
    ['abcdefghijkl', /tried first/],
    ['0987654321098', /tried first/],
  ];
  for (const [password, why] of bad)
    test(`${JSON.stringify(password).slice(0, 30)} will not: ${why.source}`, () => {
      const problem = describePasswordProblem(password, 'anna-müller')!;
      assert.match(problem, why);
      // What is wrong is shown and logged; what was given is not.
      if (password.length > 5) assert.ok(!problem.includes(password));
    });
});
