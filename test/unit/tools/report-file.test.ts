import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ReportFile, ReportFileError } from '../../../scripts/tools/report-file.ts';
import { temporaryFolder } from '../../support/media.ts';

function problem(file: string): string {
  try {
    new ReportFile('--json', file);
  } catch (error) {
    assert.ok(error instanceof ReportFileError);
    return error.message;
  }
  return '';
}

describe('the file of a report', () => {
  test('that cannot be written is told before the run, with what to do', (t) => {
    const folder = temporaryFolder(t);
    const nowhere = join(folder, 'nowhere', 'report.json');
    assert.equal(
      problem(nowhere),
      `--json ${nowhere}: cannot be written (ENOENT): its folder does not exist; make it, or name another file`,
    );
    assert.match(problem(folder), /: cannot be written \(EISDIR\): it is a folder/);
    writeFileSync(join(folder, 'file'), '');
    assert.match(problem(join(folder, 'file', 'report.json')), /\(ENOTDIR\): its folder is a file/);
  });

  test('an older report stays until there is a new one', (t) => {
    const file = join(temporaryFolder(t), 'report.json');
    writeFileSync(file, 'old and longer than the new one');
    const report = new ReportFile('--json', file);
    assert.match(readFileSync(file, 'utf8'), /^old/);
    report.write({ pass: true });
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), { pass: true });
  });

  test('what has become impossible meanwhile is told at the end', (t) => {
    const folder = temporaryFolder(t);
    const report = new ReportFile('--json', join(folder, 'report.json'));
    assert.ok(existsSync(join(folder, 'report.json')));
    rmSync(folder, { recursive: true });
    assert.throws(() => report.write({}), ReportFileError);
  });
});
