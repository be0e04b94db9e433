/** Which commits of a range one merge brought. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { groupsOf, type LinkedPull, type ListedCommit } from '../../src/github/range.ts';

function commit(sha: string, ...parents: string[]): ListedCommit {
  return { sha, parents, author: null, message: sha };
}

function groups(head: string, commits: ListedCommit[], links: Record<string, LinkedPull[]>) {
  return groupsOf(head, commits, new Map(Object.entries(links)));
}

const pull = (number: number, mergeCommitSha: string): LinkedPull => ({ number, mergeCommitSha });

describe('groupsOf', () => {
  test('a squash merge is one commit', () => {
    assert.deepEqual(groups('s', [commit('s', 'p')], { s: [pull(1, 's')] }), [
      { pull: 1, ontoSha: 'p', lastSha: 's', shas: ['s'] },
    ]);
  });

  test('a merge commit brings the commits of its branch, whatever else is said of them', () => {
    const commits = [commit('f1', 'p'), commit('f2', 'f1'), commit('m', 'p', 'f2')];
    assert.deepEqual(groups('m', commits, { m: [pull(1, 'm')], f1: [pull(9, 'z')], f2: [] }), [
      { pull: 1, ontoSha: 'p', lastSha: 'm', shas: ['m', 'f2', 'f1'] },
    ]);
  });

  test('a rebase merge is the row of commits that ends with its merge commit', () => {
    const commits = [commit('r1', 'p'), commit('r2', 'r1'), commit('s', 'r2')];
    const links = { r1: [pull(1, 'r2')], r2: [pull(1, 'r2')], s: [pull(2, 's')] };
    assert.deepEqual(groups('s', commits, links), [
      { pull: 1, ontoSha: 'p', lastSha: 'r2', shas: ['r1', 'r2'] },
      { pull: 2, ontoSha: 'r2', lastSha: 's', shas: ['s'] },
    ]);
  });

  test('a direct push belongs to nobody, also between reviewed merges', () => {
    const commits = [commit('a', 'p'), commit('d', 'a'), commit('b', 'd')];
    const links = { a: [pull(1, 'a')], d: [], b: [pull(2, 'b')] };
    assert.deepEqual(
      groups('b', commits, links).map((group) => group.pull),
      [1, null, 2],
    );
  });

  test('a commit that a pull request contains and did not merge belongs to nobody', () => {
    // The pull request was merged elsewhere: its merge commit is not on this line.
    assert.deepEqual(groups('x', [commit('x', 'p')], { x: [pull(1, 'elsewhere')] }), [
      { pull: null, ontoSha: 'p', lastSha: 'x', shas: ['x'] },
    ]);
  });

  test('half a rebase merge belongs to nobody', () => {
    const links = { r1: [pull(1, 'r2')] };
    assert.equal(groups('r1', [commit('r1', 'p')], links)[0]?.pull, null);
  });

  test('a foreign commit inside a rebase merge breaks it', () => {
    const commits = [commit('r1', 'p'), commit('d', 'r1'), commit('r2', 'd')];
    const links = { r1: [pull(1, 'r2')], d: [], r2: [pull(1, 'r2')] };
    assert.deepEqual(
      groups('r2', commits, links).map((group) => group.pull),
      [null, null, 1],
    );
  });

  test('a commit that no parent line reaches is kept, and belongs to nobody', () => {
    const commits = [commit('lost', 'q'), commit('s', 'p')];
    const found = groups('s', commits, { s: [pull(1, 's')], lost: [pull(1, 's')] });
    assert.deepEqual(
      found.map((group) => [group.pull, group.shas]),
      [
        [1, ['s']],
        [null, ['lost']],
      ],
    );
  });
});
