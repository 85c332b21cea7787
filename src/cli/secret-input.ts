import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { limits } from '../base/limits.ts';
import { firstLine } from '../config/credentials.ts';
import { UsageError } from '../config/errors.ts';

/**
 * Asks for a password, which is never an argument: everybody on the machine can read those. On a terminal it is typed twice and
 * not shown; else it is the first line of standard input. Throws {@link UsageError}.
 */
export async function readSecret(what: string): Promise<string> {
  if (process.stdin.isTTY !== true) return readLine(process.stdin);
  const first = await ask(`${what}: `);
  if (first !== (await ask(`${what} once more: `)))
    throw new UsageError('the two are not the same; nothing was changed');
  return first;
}

/** The first line of a stream, of which no more is read than a password may have. */
export async function readLine(input: AsyncIterable<string | Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of input) {
    text += chunk.toString();
    if (text.includes('\n') || text.length > limits.access.longestPassword * 4) break;
  }
  const line = firstLine(text);
  if (line === '') throw new UsageError('no password came on standard input; it must be the first line');
  return line;
}

function ask(question: string): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  process.stderr.write(question);
  return new Promise((resolve, reject) => {
    const line = createInterface({ input: process.stdin, output: silent, terminal: true });
    const end = (act: () => void) => (): void => {
      line.close();
      process.stderr.write('\n');
      act();
    };
    line.once(
      'SIGINT',
      end(() => reject(new UsageError('interrupted; nothing was changed'))),
    );
    line.question('', (answer) => end(() => resolve(answer))());
  });
}
