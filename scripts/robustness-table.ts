/**
 * Writes the table of docs/robustness.md from the rows of test/conformance/hostile and from what was measured of other servers.
 * With `--check` it writes nothing and fails when the table is not what it would write.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { errorTable } from '../src/base/errors.ts';
import type { Row, StatusEnd } from '../test/conformance/hostile/row.ts';
import { rows } from '../test/conformance/hostile/rows.ts';

const page = resolve(import.meta.dirname, '../docs/robustness.md');
const measured = resolve(import.meta.dirname, '../test/conformance/hostile/other-servers.json');
const begin = '<!-- rows: written by scripts/robustness-table.ts -->';
const end = '<!-- end of rows -->';

type Measured = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** What happens to the connection, in words. */
export function outcome({ ends, refusal, when }: Row): string {
  if (ends === 'tolerated') return 'put up with';
  if (ends === 'refused') return `refused: \`${refusal}\``;
  if (isStatusEnd(ends)) return statusOutcome(ends, when);
  const codes = (typeof ends === 'string' ? [ends] : ends).map((code) => `\`${code}\``);
  const few = codes.length > 3 ? [...codes.slice(0, 2), 'and the like'] : codes;
  const reason = codes.length > 3 ? few.join(', ') : few.join(' or ');
  return `closed ${when === undefined || when === 'at once' ? 'at once' : `at the ${when}`}: ${reason}`;
}

function isStatusEnd(ends: Row['ends']): ends is StatusEnd {
  return typeof ends === 'object' && 'closed' in ends;
}

function statusOutcome({ status, closed, reason }: StatusEnd, when: Row['when']): string {
  const time = when === undefined || when === 'at once' ? '' : ` at the ${when}`;
  const statuses = [status].flat().filter((one) => one !== null);
  const answers = statuses.length === 0 ? [] : [`answered ${statuses.join(' or ')}`];
  const parts = closed ? [...answers, 'closed'] : answers.length > 0 ? answers : ['put up with'];
  return `${parts.join(' and ')}${time}${reason ? `: ${reason.replace(/:? *$/, '')}` : ''}`;
}

/** The tables, one of each protocol. */
export function tables(list: readonly Row[], others: Measured): string {
  const protocols = [...new Set(list.map(({ protocol }) => protocol))];
  return protocols
    .map((protocol) => {
      const own = list.filter((row) => row.protocol === protocol);
      const names = Object.keys(others).filter((name) => own.some(({ id }) => others[name]![id] !== undefined));
      const head = ['Row', 'A peer that …', 'Skyweir', ...names];
      const body = own.map((row) => [
        `\`${row.id}\`${row.driver === undefined ? '' : ` (${row.driver})`}`,
        row.attack,
        outcome(row),
        ...names.map((name) => others[name]![row.id] ?? ''),
      ]);
      const lines = [head, head.map(() => '---'), ...body].map((cells) => `| ${cells.join(' | ')} |`);
      return `### ${protocol}: ${own.length} rows\n\n${lines.join('\n')}\n`;
    })
    .join('\n');
}

/** The page with its tables as they are to be. Throws when it has no place for them. */
export function withTables(text: string, list: readonly Row[], others: Measured): string {
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error('docs/robustness.md has no place for the tables');
  return `${text.slice(0, from + begin.length)}\n\n${tables(list, others)}\n${text.slice(to)}`;
}

if (import.meta.main) {
  const text = readFileSync(page, 'utf8');
  const wanted = withTables(text, rows, JSON.parse(readFileSync(measured, 'utf8')));
  if (process.argv.includes('--check')) {
    if (text !== wanted) {
      console.error('docs/robustness.md is not what `node scripts/robustness-table.ts` writes');
      process.exit(1);
    }
  } else writeFileSync(page, wanted);
  const numbers = rows.flatMap(({ driver }) => driver ?? []).sort((a, b) => a - b);
  const reasons = new Set(rows.flatMap(({ ends, refusal }) => [isStatusEnd(ends) ? [] : ends, refusal ?? []].flat()));
  const peers = Object.entries(errorTable).filter(([, { peer }]) => peer);
  const untried = peers.filter(([code]) => !reasons.has(code as never)).map(([code]) => code);
  console.log(
    `robustness: ${rows.length} rows; checks of the driver: ${numbers.join(' ')}; untried reasons: ${untried.join(' ')}`,
  );
}
