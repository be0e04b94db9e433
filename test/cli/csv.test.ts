/** CSV cells: RFC 4180, and nothing that a spreadsheet would run. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csvCell, csvRow } from '../../src/cli/csv.ts';

const cells: readonly [string | number | boolean | null, string][] = [
  ['plain', 'plain'],
  ['', ''],
  [null, ''],
  [-5, '-5'],
  [true, 'true'],
  ['a,b', '"a,b"'],
  ['say "no"', '"say ""no"""'],
  ['two\nlines', '"two\nlines"'],
  ['=1+1', "'=1+1"],
  ['+1', "'+1"],
  ['-1', "'-1"],
  ['@SUM(A1)', "'@SUM(A1)"],
  ['\t=1', "'\t=1"],
  ['\r=1', '"\'\r=1"'],
  ['=HYPERLINK("http://x","y")', '"\'=HYPERLINK(""http://x"",""y"")"'],
  ['a=1', 'a=1'],
];
for (const [value, cell] of cells) {
  test(`${JSON.stringify(value)} becomes ${JSON.stringify(cell)}`, () => {
    assert.equal(csvCell(value), cell);
  });
}

test('every row ends with CR LF', () => {
  assert.equal(csvRow([1, 'x,y', null]), '1,"x,y",\r\n');
});
