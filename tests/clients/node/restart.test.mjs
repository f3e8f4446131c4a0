// What a state file keeps when the server ends in whatever way, and how a server ends.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Server, run, temporaryDirectory } from './server.mjs';
import { intlClient, plainInstance } from './sdk.mjs';
import { Connection, responseOf, signedTc3, text } from './wire.mjs';

async function only(call) {
  const { InstanceSet } = await call('DescribeInstances');
  assert.equal(InstanceSet.length, 1);
  return InstanceSet[0];
}

for (const clock of ['frozen', 'real']) {
  test(`killed while an instance is PENDING, ${clock} clock`, async (context) => {
    const state = join(temporaryDirectory(context), 'state.db');
    const options = ['--clock', clock, '--state', state, '--lifecycle', 'realistic'];
    let server = await Server.start(options);
    const order = { ...plainInstance, InstanceName: 'survivor 测试', ClientToken: 'once' };
    const first = await intlClient(server.url)('RunInstances', order);
    const before = await only(intlClient(server.url));
    assert.equal(before.InstanceState, 'PENDING');
    await server.kill();

    server = await Server.start(options);
    context.after(() => server.stop());
    const call = intlClient(server.url);
    assert.deepEqual(await only(call), before);
    // A client that saw no answer asks again: the token still names the same instance.
    assert.deepEqual((await call('RunInstances', order)).InstanceIdSet, first.InstanceIdSet);
    const transitions = await server.advance(3600);
    assert.deepEqual(transitions.map(({ resource, to }) => `${resource} ${to}`), [`${before.InstanceId} RUNNING`]);
    const after = await only(call);
    assert.equal(after.InstanceState, 'RUNNING');
    assert.equal(after.LatestOperationState, 'SUCCESS');
    assert.equal(after.CreatedTime, before.CreatedTime);
    const second = await call('RunInstances', plainInstance);
    assert.notEqual(second.InstanceIdSet[0], before.InstanceId);
  });
}

test('killed in the middle of many calls: what was answered is there', async (context) => {
  const state = join(temporaryDirectory(context), 'state.db');
  const options = ['--clock', 'frozen', '--state', state, '--rate-limits', 'off'];
  let server = await Server.start(options);
  const call = intlClient(server.url);
  const answered = new Set();
  const calls = Array.from({ length: 60 }, async () => {
    const { InstanceIdSet } = await call('RunInstances', plainInstance);
    InstanceIdSet.forEach((id) => answered.add(id));
    if (answered.size === 15) server.child.kill('SIGKILL');
  });
  await Promise.allSettled(calls);
  await server.kill();
  assert.ok(answered.size >= 15);

  server = await Server.start(options);
  context.after(() => server.stop());
  const { InstanceSet } = await intlClient(server.url)('DescribeInstances', { Limit: 100 });
  const kept = new Set(InstanceSet.map((instance) => instance.InstanceId));
  assert.deepEqual([...answered].filter((id) => !kept.has(id)), []);
  await server.advance(10);
  const later = await intlClient(server.url)('DescribeInstances', { Limit: 100 });
  assert.deepEqual([...new Set(later.InstanceSet.map((instance) => instance.InstanceState))], ['RUNNING']);
});

test('SIGTERM: a state file is kept, memory is not', async (context) => {
  const state = join(temporaryDirectory(context), 'state.db');
  for (const [path, kept] of [[state, 1], [':memory:', 0]]) {
    for (const expected of [0, kept]) {
      const server = await Server.start(['--clock', 'frozen', '--state', path]);
      const call = intlClient(server.url);
      assert.equal((await call('DescribeInstances')).TotalCount, expected);
      await call('RunInstances', plainInstance);
      await server.stop();
    }
  }
});

for (const [what, take] of [['deleted', rmSync], ['cut off', (path) => truncateSync(path, 100)]]) {
  test(`a state file that is ${what} under a server is told once`, async (context) => {
    const state = join(temporaryDirectory(context), 'state.db');
    const server = await Server.start(['--clock', 'frozen', '--state', state]);
    take(state);
    while (!server.output.stderr.includes('\n')) await once(server.child.stderr, 'data');
    assert.match(server.output.stderr, new RegExp(`^[^\n]*error the state file ${state}: it was ${what}: [^\n]*\n$`));
    server.child.kill('SIGKILL');
    await server.ended;
  });
}

test('a damaged state file is refused on one line that names it', async (context) => {
  const state = join(temporaryDirectory(context), 'state.db');
  const server = await Server.start(['--clock', 'frozen', '--state', state]);
  await intlClient(server.url)('RunInstances', plainInstance);
  await server.stop();
  const bytes = readFileSync(state);
  bytes.write('\x00\xff"', bytes.indexOf('"InstanceName"'), 'latin1');
  writeFileSync(state, bytes);
  const { code, stdout, stderr } = await run(['--listen', '127.0.0.1:0', '--state', state]);
  assert.deepEqual({ code, stdout }, { code: 2, stdout: '' });
  assert.match(stderr, new RegExp(`^cvmsim: the state file ${state}: it is damaged: [ -~]+\n$`));
});

test('SIGTERM finishes a request in flight', async () => {
  const server = await Server.start();
  const bytes = Buffer.from(text(signedTc3({ action: 'DescribeInstances', parameters: { Limit: 5 } })));
  const inFlight = new Connection(server.port);
  const idle = new Connection(server.port);
  await inFlight.send(bytes.subarray(0, bytes.length - 5));
  await idle.send(bytes);
  assert.equal(responseOf(await idle.answer()).TotalCount, 0);
  const stopped = server.stop();
  assert.ok(await idle.isClosed());
  await inFlight.send(bytes.subarray(bytes.length - 5));
  const answer = await inFlight.answer();
  assert.equal(responseOf(answer).TotalCount, 0);
  assert.equal(answer.headers.connection, 'close');
  await stopped;
});

test('SIGINT ends as SIGTERM does', async () => {
  const server = await Server.start();
  server.child.kill('SIGINT');
  assert.deepEqual(await server.ended, { code: 0, signal: null });
});
