// 200 clients of two accounts at once in one server: clocks, faults and resets of one never reach the other.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server } from './server.mjs';
import { intlClient, plainInstance } from './sdk.mjs';

let server;
before(async () => (server = await Server.start(['--clock', 'frozen', '--seed', '1', '--rate-limits', 'off'])));
after(() => server.stop());

const early = 'AKIDEXAMPLE-early', late = 'AKIDEXAMPLE-late';
const clients = (secretId) => Array.from({ length: 100 }, () => intlClient(server.url, { secretId }));
const code = (promise) => promise.then(() => 'OK', (error) => error.code ?? String(error));
const counted = (codes) => codes.reduce((sum, one) => ({ ...sum, [one]: (sum[one] ?? 0) + 1 }), {});
const total = async (secretId) => (await intlClient(server.url, { secretId })('DescribeInstances')).TotalCount;

test('two accounts with clocks and faults of their own, 200 clients', async () => {
  await server.admin('PUT', `clock?account=${early}`, { now: '2027-01-01T00:00:00Z' });
  await server.admin('PUT', `clock?account=${late}`, { now: '2028-01-01T00:00:00Z' });
  await server.admin('POST', `faults?account=${early}`, {
    id: 'early', match: { action: 'RunInstances' }, when: { times: 30 }, do: { error: { code: 'InternalError' } },
  });
  await server.admin('POST', `faults?account=${late}`, {
    id: 'late', match: { action: 'RunInstances' }, when: { times: 7 }, do: { error: { code: 'ResourceInsufficient.SpecifiedInstanceType' } },
  });
  const launch = (call) => code(call('RunInstances', plainInstance));
  const [ofEarly, ofLate] = await Promise.all(
    [early, late].map((secretId) => Promise.all(clients(secretId).map(launch))));
  assert.deepEqual(counted(ofEarly), { InternalError: 30, OK: 70 });
  assert.deepEqual(counted(ofLate), { 'ResourceInsufficient.SpecifiedInstanceType': 7, OK: 93 });
  assert.deepEqual([await total(early), await total(late)], [70, 93]);
  await server.advance(5, early);
  for (const [secretId, state, year] of [[early, 'RUNNING', '2027'], [late, 'PENDING', '2028']]) {
    const { InstanceSet } = await intlClient(server.url, { secretId })('DescribeInstances', { Limit: 100 });
    assert.deepEqual(counted(InstanceSet.map((one) => one.InstanceState)), { [state]: secretId === early ? 70 : 93 });
    assert.ok(InstanceSet.every((one) => one.CreatedTime.startsWith(year)));
  }
  const { faults } = await server.admin('GET', 'faults');
  assert.deepEqual(faults.map(({ id, fired }) => [id, fired]), [['early', 30], ['late', 7]]);
  const { requests } = await server.admin('GET', `requests?account=${late}&action=RunInstances`);
  assert.equal(requests.length, 100);
  assert.ok(requests.every((one) => one.secret_id === late && !one.faults.includes('early')));
});

test('a reset under load: every answer is whole, and from before or after', async () => {
  await server.admin('POST', 'reset');
  const working = clients(early).map(async (call) => {
    const codes = [];
    for (let i = 0; i < 5; i++) {
      codes.push(await code(call('RunInstances', plainInstance)));
      codes.push(await code(call('DescribeInstances')));
    }
    return codes;
  });
  const resets = Promise.all(Array.from({ length: 10 }, () => server.admin('POST', 'reset')));
  assert.deepEqual(counted((await Promise.all(working)).flat()), { OK: 1000 });
  for (const told of await resets) assert.deepEqual(told, { reset: true });
  await server.admin('POST', 'reset');
  assert.equal(await total(early), 0);
  // After all that the ids begin anew: as those of a server that was just started.
  const other = await Server.start(['--clock', 'frozen', '--seed', '1']);
  const ids = async (url) => (await intlClient(url, { secretId: early })('RunInstances', plainInstance)).InstanceIdSet;
  assert.deepEqual(await ids(server.url), await ids(other.url));
  await other.stop();
});
