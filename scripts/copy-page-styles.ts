/** Part of `npm run build`: puts what the compiler does not touch of the status page beside its modules in `dist`. */
import { copyFileSync, globSync } from 'node:fs';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
for (const file of globSync('src/status/page/*.css', { cwd: root }))
  copyFileSync(resolve(root, file), resolve(root, 'dist', file));
