// Many clients in one server at once: nothing of one account reaches another, and a reset is one
// moment for all.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Server, temporaryDirectory } from './server.mjs';
import { intlClient, mainlandClient, plainInstance } from './sdk.mjs';
import { Connection, responseOf, signedTc3, text } from './wire.mjs';

const clients = 200;
const numbers = Array.from({ length: clients }, (_, i) => i);

async function start(context, args = []) {
  const server = await Server.start(['--clock', 'frozen', '--rate-limits', 'off', '--seed', '1', ...args]);
  context.after(() => server.child.kill('SIGKILL'));
  return server;
}

// A client with a connection of its own: call(action, parameters) answers { code, ...Response }.
function client(server, secretId) {
  const connection = new Connection(server.port);
  const call = async (action, parameters = {}) => {
    await connection.send(text(signedTc3({ action, parameters, secretId })));
    const answer = await connection.answer();
    assert.ok(answer, `${action} of ${secretId} was not answered`);
    assert.equal(answer.status, 200);
    const response = responseOf(answer);
    assert.match(response.RequestId, /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/);
    return { ...response, code: response.Error?.Code ?? 'OK' };
  };
  return { call, close: () => connection.close() };
}

const byName = (name) => ({ Filters: [{ Name: 'instance-name', Values: [name] }] });

test('two accounts shared by 200 clients: faults, clocks and counts stay apart', async (context) => {
  const server = await start(context);
  const [early, late] = ['AKIDEXAMPLE-early', 'AKIDEXAMPLE-late'];
  await server.admin('PUT', `clock?account=${early}`, { mode: 'frozen', now: '2026-01-01T00:00:00Z' });
  await server.admin('PUT', `clock?account=${late}`, { mode: 'frozen', now: '2031-06-06T00:00:00Z' });
  await server.admin('POST', 'faults', [
    { id: 'early-launches-fail', match: { action: 'RunInstances', account: early },
      do: { outcome: { state: 'LAUNCH_FAILED', error_message: 'early', after_s: 5 } } },
    { id: 'late-images-fail', match: { action: 'DescribeImages', account: late },
      do: { error: { code: 'InternalError', message: 'late' } } },
    { id: 'late-stops-are-lost', match: { action: 'StopInstances', account: late }, do: { lost: true } },
  ]);

  const ids = await Promise.all(numbers.map(async (i) => {
    const isEarly = i % 2 === 0;
    const { call, close } = client(server, isEarly ? early : late);
    try {
      const InstanceName = `client-${i}`;
      const launched = await call('RunInstances', { ...plainInstance, InstanceName });
      assert.equal(launched.code, 'OK');
      const { TotalCount, InstanceSet } = await call('DescribeInstances', byName(InstanceName));
      assert.equal(TotalCount, 1);
      assert.equal(InstanceSet[0].InstanceId, launched.InstanceIdSet[0]);
      assert.equal(InstanceSet[0].CreatedTime, isEarly ? '2026-01-01T00:00:00Z' : '2031-06-06T00:00:00Z');
      const images = await call('DescribeImages', { Limit: 1 });
      assert.deepEqual([images.code, images.Error?.Message], isEarly ? ['OK', undefined] : ['InternalError', 'late']);
      return launched.InstanceIdSet[0];
    } finally {
      close();
    }
  }));
  assert.equal(new Set(ids).size, clients);

  const states = async (secretId) => {
    const found = {};
    for (let Offset = 0; Offset < clients; Offset += 100) {
      const { InstanceSet, TotalCount } = await intlClient(server.url, { secretId })('DescribeInstances', { Limit: 100, Offset });
      assert.equal(TotalCount, clients / 2);
      for (const { InstanceState } of InstanceSet) found[InstanceState] = (found[InstanceState] ?? 0) + 1;
    }
    return found;
  };
  const half = clients / 2;
  const transitions = await server.advance(10, early);
  assert.deepEqual(new Set(transitions.map((change) => change.resource)), new Set(ids.filter((_, i) => i % 2 === 0)));
  assert.deepEqual(await states(early), { LAUNCH_FAILED: half });
  assert.deepEqual(await states(late), { PENDING: half });
  await server.advance(10, late);
  assert.deepEqual(await states(late), { RUNNING: half });
  assert.deepEqual(await states(early), { LAUNCH_FAILED: half });
  assert.equal((await server.admin('GET', `clock?account=${early}`)).now, '2026-01-01T00:00:10Z');
  assert.equal((await server.admin('GET', `clock?account=${late}`)).now, '2031-06-06T00:00:10Z');

  const { faults } = await server.admin('GET', 'faults');
  assert.deepEqual(faults.map(({ id, matched, fired }) => [id, matched, fired]), [
    ['early-launches-fail', half, half],
    ['late-images-fail', half, half],
    ['late-stops-are-lost', 0, 0],
  ]);
  for (const [account, code, count] of [[early, 'InternalError', 0], [late, 'InternalError', half], [early, 'OK', 3 * half + 2 * 2]]) {
    const { total } = await server.admin('GET', `requests?account=${account}&code=${code}`);
    assert.equal(total, count, `${account} ${code}`);
  }
  const { ok, found } = await server.admin('POST', `verify?account=${late}`, { action: 'RunInstances', count: half });
  assert.deepEqual([ok, found], [true, half]);
  await server.stop();
});

test('200 accounts at once, each with a clock, a fault and a quota of its own', async (context) => {
  const server = await start(context);
  const ids = await Promise.all(numbers.map(async (i) => {
    const secretId = `AKIDEXAMPLE-own${i}`;
    const now = new Date(Date.UTC(2030, 0, 1) + i * 86400_000).toISOString().replace('.000Z', 'Z');
    const own = `account=${secretId}`;
    await Promise.all([
      server.admin('PUT', `clock?${own}`, { mode: 'frozen', now }),
      server.admin('PUT', `quotas?${own}`, { '*': { instances: 1 + (i % 3) } }),
      server.admin('POST', `faults?${own}`, { id: `own${i}`, match: { action: 'DescribeInstances' }, when: { times: 1 },
        do: { error: { code: 'InternalError', message: `of ${i}` } } }),
    ]);
    // The real SDKs, too.
    const call = i % 4 === 0 ? intlClient(server.url, { secretId }) : i % 4 === 1 ? mainlandClient(server.url, { secretId }) : null;
    const raw = client(server, secretId);
    const ask = call
      ? (action, parameters) => call(action, parameters).then(
        (answer) => ({ code: 'OK', ...answer }),
        (error) => ({ code: error.code, Error: { Message: error.message } }))
      : raw.call;
    try {
      const launched = [];
      for (let n = 0; n <= i % 3; ++n) launched.push(...(await ask('RunInstances', plainInstance)).InstanceIdSet);
      assert.equal((await ask('RunInstances', plainInstance)).code, 'LimitExceeded.InstanceQuota');
      const refused = await ask('DescribeInstances');
      assert.deepEqual([refused.code, refused.Error.Message], ['InternalError', `of ${i}`]);
      const { TotalCount, InstanceSet } = await ask('DescribeInstances');
      assert.equal(TotalCount, launched.length);
      assert.deepEqual(InstanceSet.map((one) => one.InstanceId).sort(), [...launched].sort());
      for (const one of InstanceSet) assert.deepEqual([one.CreatedTime, one.InstanceState], [now, 'PENDING']);
      // Every other one moves on, alone.
      if (i % 2 === 0) assert.equal((await server.advance(10, secretId)).length, launched.length);
      const later = await ask('DescribeInstances');
      for (const one of later.InstanceSet) assert.equal(one.InstanceState, i % 2 === 0 ? 'RUNNING' : 'PENDING');
      return launched;
    } finally {
      raw.close();
    }
  }));
  const all = ids.flat();
  assert.equal(new Set(all).size, numbers.reduce((sum, i) => sum + 1 + (i % 3), 0));
  assert.equal((await server.admin('GET', 'info')).counts.resources, all.length);
  const { faults } = await server.admin('GET', 'faults');
  assert.equal(faults.length, clients);
  for (const rule of faults) assert.deepEqual([rule.fired, rule.requests.length], [1, 1], rule.id);
  await server.stop();
});

// What each call may answer while resets come in between.
const documented = {
  RunInstances: ['OK'],
  DescribeInstances: ['OK'],
  StopInstances: ['OK', 'InvalidInstanceId.NotFound', 'UnsupportedOperation.InstanceStatePending'],
  DescribeZones: ['OK', 'InternalError'],
};

// Calls until told to stop; answers how often.
async function load(server, secretId, busy, check) {
  const { call, close } = client(server, secretId);
  let rounds = 0;
  try {
    for (; busy(); ++rounds) {
      const launched = await call('RunInstances', plainInstance);
      assert.ok(documented.RunInstances.includes(launched.code), launched.code);
      const { code } = await call('StopInstances', { InstanceIds: launched.InstanceIdSet });
      assert.ok(documented.StopInstances.includes(code), code);
      await check(call);
    }
  } finally {
    close();
  }
  return rounds;
}

test('reset under load: every answer is of before or of after', async (context) => {
  const path = join(temporaryDirectory(context), 'scenario.json');
  writeFileSync(path, JSON.stringify({
    clock: { mode: 'frozen', now: '2026-01-01T00:00:00Z' },
    calls: [{ Action: 'RunInstances', Region: 'ap-guangzhou', Params: { ...plainInstance, InstanceName: 'given', InstanceCount: 5 } }],
    faults: [{ id: 'zones-fail', match: { action: 'DescribeZones' }, do: { error: { code: 'InternalError', message: 'as told' } } }],
  }));
  const server = await start(context, ['--scenario', path]);
  const exported = async () => (await fetch(new URL('/_cvmsim/state', server.url))).text();
  const first = await exported();
  const given = (await intlClient(server.url)('DescribeInstances')).InstanceSet.map((one) => one.InstanceId).sort();
  assert.equal(given.length, 5);

  let resets = 0;
  const workers = numbers.map(() => load(server, 'AKIDEXAMPLE', () => resets < 20, async (call) => {
    // In no moment is the scenario's work half done.
    const { code, TotalCount, InstanceSet } = await call('DescribeInstances',
      { Filters: [{ Name: 'instance-id', Values: given }] });
    assert.ok(documented.DescribeInstances.includes(code), code);
    assert.equal(TotalCount, 5);
    assert.deepEqual(InstanceSet.map((one) => one.InstanceId).sort(), given);
    for (const one of InstanceSet) assert.equal(one.CreatedTime, '2026-01-01T00:00:00Z');
    const zones = await call('DescribeZones');
    assert.deepEqual([zones.code, zones.Error?.Message], ['InternalError', 'as told']);
  }));
  const resetting = (async () => {
    try {
      for (let i = 0; i < 20; ++i) {
        await server.admin('POST', 'reset');
        // Some load between two of them.
        const { TotalCount } = await intlClient(server.url)('DescribeInstances');
        assert.ok(TotalCount >= 5);
        ++resets;
      }
    } finally {
      resets = Infinity;
    }
  })();
  const rounds = await Promise.all(workers);
  await resetting;
  assert.ok(rounds.every((count) => count > 0), 'each client got through');

  assert.equal((await server.admin('GET', 'health')).status, 'ok');
  await server.admin('POST', 'reset');
  assert.equal(await exported(), first, 'as it was in the beginning');
  const { requests, total, complete } = await server.admin('GET', 'requests');
  assert.deepEqual([requests.length, total, complete], [0, 0, true]);
  await intlClient(server.url)('RunInstances', plainInstance);
  assert.equal((await intlClient(server.url)('DescribeInstances')).TotalCount, 6);
  await server.stop();
});

test('reset of one account under load of others leaves those alone', async (context) => {
  const server = await start(context);
  const [victim, ...others] = ['AKIDEXAMPLE-victim', 'AKIDEXAMPLE-other1', 'AKIDEXAMPLE-other2'];
  for (const account of others) {
    await server.admin('POST', `faults?account=${account}`, { id: account.slice(12), match: { action: 'DescribeZones' },
      do: { error: { code: 'InternalError' } } });
  }
  let resets = 0;
  const seen = Object.fromEntries(others.map((account) => [account, 0]));
  const workers = numbers.slice(0, 60).map((i) => {
    const account = [victim, ...others][i % 3];
    let least = 0;
    return load(server, account, () => resets < 20, async (call) => {
      const { code, TotalCount } = await call('DescribeInstances', { Limit: 1 });
      assert.equal(code, 'OK');
      assert.equal((await call('DescribeZones')).code, account === victim ? 'OK' : 'InternalError');
      if (account === victim) return;
      ++seen[account];
      assert.ok(TotalCount > least, `${TotalCount} instances after ${least}`);
      least = TotalCount;
    });
  });
  const resetting = (async () => {
    try {
      for (let i = 0; i < 20; ++i, ++resets) await server.admin('POST', `reset?account=${victim}`);
    } finally {
      resets = Infinity;
    }
  })();
  const rounds = await Promise.all(workers);
  await resetting;
  for (const account of others) {
    const own = rounds.filter((_, i) => [victim, ...others][i % 3] === account).reduce((sum, count) => sum + count, 0);
    assert.ok(own > 0);
    assert.equal(seen[account], own);
    assert.equal((await intlClient(server.url, { secretId: account })('DescribeInstances')).TotalCount, own);
    assert.equal((await server.admin('GET', `faults/${account.slice(12)}`)).fired, own);
  }
  await server.admin('POST', `reset?account=${victim}`);
  assert.equal((await intlClient(server.url, { secretId: victim })('DescribeInstances')).TotalCount, 0);
  await server.stop();
});
