/**
 * Mutants of recorded sessions through every decoder that strangers can reach. What must hold: nothing but a
 * `ConnectionError` is thrown; events, replies and memory are bounded by the bytes received; the same bytes mean the same
 * however they are cut. `scripts/fuzz.ts` runs the same for as long as one likes.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Campaign, cutsFor, makeTargets, violation } from './sessions/campaign.ts';
import { crashersOf } from './sessions/crashers.ts';
import { Random } from './sessions/random.ts';

/** Milliseconds that mutants of one target take; how many that are depends on the machine. */
const timeBoxMs = 600;
const seed = 20_260_401;

describe('mutants of recorded sessions', () => {
  for (const target of makeTargets()) {
    test(`${target.name}: keeps its promises for mutants`, (t) => {
      const campaign = new Campaign(target, seed);
      const endMs = performance.now() + timeBoxMs;
      while (performance.now() < endMs) {
        const crasher = campaign.next();
        if (crasher === null) continue;
        assert.fail(`${crasher.problem}\ninput ${campaign.inputs}: ${crasher.bytes.toString('hex').slice(0, 8000)}`);
      }
      t.diagnostic(`${campaign.inputs} inputs, ${campaign.bytes} bytes`);
    });

    test(`${target.name}: keeps its promises for its recordings and for what once broke them`, () => {
      const random = new Random(seed);
      const inputs = [...target.seeds.map(({ name, bytes }) => ({ file: name, bytes })), ...crashersOf(target.name)];
      for (const { file, bytes } of inputs) {
        const everywhere = Array.from({ length: Math.min(bytes.length, 4000) }, (_, i) => i + 1).slice(0, -1);
        const cuts = [everywhere, ...Array.from({ length: 20 }, () => cutsFor(bytes.length, random))];
        assert.equal(violation(target, bytes, cuts), null, file);
      }
    });
  }
});
