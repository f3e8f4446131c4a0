// A few of the kills that `./dev crash` does for as long as one likes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crash } from './crash.mjs';

test('what was answered survives SIGKILL under parallel writers', async () => {
  const told = await crash({ rounds: 8, seed: 3 });
  assert.equal(told.rounds, 8);
  assert.ok(told.answered > 0 && told.instances > 0);
});
