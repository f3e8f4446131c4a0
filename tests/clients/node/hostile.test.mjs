// Content that is made to end the program or to stall it: each is refused, and the next client served.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, describe, test } from 'node:test';
import { Server } from './server.mjs';
import { exchange, responseOf, signedTc3, text } from './wire.mjs';

let server;
before(async () => (server = await Server.start(['--clock', 'frozen', '--rate-limits', 'off'])));
after(async () => {
  const peak = Number(/VmHWM:\s+([0-9]+) kB/.exec(readFileSync(`/proc/${server.child.pid}/status`, 'utf8'))[1]);
  assert.ok(peak < 600_000, `${peak} kB at the most`);
  await server.stop();
});
afterEach(async () => assert.equal((await fetch(new URL('/_cvmsim/health', server.url))).status, 200));

const nested = (depth, inner = '1') => '['.repeat(depth) + inner + ']'.repeat(depth);
const members = (count) => `{${Array.from({ length: count }, (_, i) => `"m${i}":0`).join(',')}}`;
const empties = (count) => `[${'{},'.repeat(count)}{}]`;

async function refused(method, path, body, reason) {
  const response = await fetch(new URL(`/_cvmsim/${path}`, server.url), { method, body });
  const { error } = await response.json();
  // What is larger than the call takes is not even read.
  const unread = body.length > (path === 'state' ? 256 : path === 'scenarios' ? 12 : 1) * 1024 * 1024;
  assert.equal(response.status, unread ? 413 : 400, `${method} ${path}`);
  if (!unread) assert.match(error.message, reason);
  assert.ok(error.message.length < 3000);
}

async function code(action, body, more = {}) {
  const answer = await exchange(server.port, text(signedTc3({ action, body, ...more })));
  return responseOf(answer).Error?.Code;
}

describe('one body', () => {
  for (const depth of [10_000, 100_000, 1_000_000]) {
    test(`nested ${depth} deep`, async () => {
      await refused('POST', 'faults', `{"do":{"error":${nested(depth)}}}`, /nested/);
      await refused('POST', 'verify', `{"action":"RunInstances","params":{"a":${nested(depth)}}}`, /nested/);
      await refused('POST', 'scenarios', `{"calls":[{"Action":"RunInstances","Params":${nested(depth)}}]}`, /nested/);
      await refused('PUT', 'clock', `{"now":${nested(depth)}}`, /nested/);
      await refused('PUT', 'lifecycle', `{"RunInstances":${nested(depth)}}`, /nested/);
      await refused('PUT', 'quotas', nested(depth), /nested/);
      await refused('PUT', 'state', `{"format":${nested(depth)}}`, /nested/);
      assert.equal(await code('DescribeInstances', `{"Filters":${nested(depth)}}`), 'InvalidParameter');
    });
  }

  test('of very many members', async () => {
    const many = members(200_000);
    await refused('POST', 'verify', `{"action":"RunInstances","params":${many}}`, /more than 1000 members/);
    await refused('POST', 'faults', many, /more than 1000 members/);
    await refused('PUT', 'quotas', many, /more than 1000 members/);
    await refused('PUT', 'state', many, /./);
    assert.equal(await code('DescribeInstances', many), 'InvalidParameter');
  });

  test('of very many values', async () => {
    const many = empties(1_000_000);
    await refused('POST', 'scenarios', `{"calls":${many}}`, /more than 200000 values/);
    await refused('POST', 'reset', many, /more than 200000 values/);
    assert.equal(await code('DescribeInstances', `{"InstanceIds":${many}}`), 'InvalidParameter');
  });

  test('of one text or one number that does not end', async () => {
    const long = 1_000_000;
    await refused('PUT', 'clock', `{"rate":${'9'.repeat(long)}}`, /./);
    await refused('PUT', 'clock', `{"now":"${'9'.repeat(long)}"}`, /time/);
    await refused('POST', 'reset', `"${'x'.repeat(long)}"`, /object/);
    assert.equal(await code('DescribeInstances', `{"Limit":${'9'.repeat(long)}}`), 'InvalidParameter');
    assert.equal(await code('DescribeInstances', `{"Limit":0.${'0'.repeat(long)}1}`), 'InvalidParameter');
  });
});

// A regular expression would use a frame of the stack for each character.
describe('a long name', () => {
  for (const length of [27_000, 300_000, 1_000_000]) {
    test(`of ${length} characters`, async () => {
      const key = 'k'.repeat(length);
      const name = JSON.stringify({ KeyName: key, ProjectId: 0 });
      assert.equal(await code('CreateKeyPair', name), 'InvalidKeyPairNameTooLong');
      const run = { ImageId: 'img-487zeit5', Placement: { Zone: 'ap-guangzhou-3' } };
      const items = JSON.stringify({ ...run, Metadata: { Items: [{ Key: key, Value: 'v' }] } });
      assert.equal(await code('RunInstances', items), 'InvalidParameterValue');
    });
  }

  test('in a query', async () => {
    const query = `KeyName=${'k'.repeat(27_000)}&ProjectId=0`;
    assert.equal(await code('CreateKeyPair', undefined, { method: 'GET', query }), 'InvalidKeyPairNameTooLong');
  });
});

test('patterns of many stars', async () => {
  await code('a'.repeat(250), '{}');
  const stars = `${'*a'.repeat(100)}*b`;
  const found = await server.admin('GET', `requests?action=${stars}`);
  assert.equal(found.total, 0);
  await server.admin('POST', 'faults', { match: { resource: stars }, do: { none: true } });
  const filters = JSON.stringify({ Filters: [{ Name: 'instance-name', Values: ['a'.repeat(60)] }] });
  assert.equal(await code('DescribeInstances', filters), undefined);
  await server.admin('DELETE', 'faults');
});

test('a scenario that repeats an answer without end', async () => {
  const calls = [
    { Action: 'DescribeInstanceTypeConfigs', as: 'types' },
    { Action: 'DescribeInstances', Params: { InstanceIds: ['${types}'.repeat(100_000)] } },
  ];
  await refused('POST', 'scenarios', JSON.stringify({ calls }), /16 MB/);
  const lists = [calls[0], { Action: 'DescribeInstances', Params: { InstanceIds: Array(100_000).fill('${types}') } }];
  await refused('POST', 'scenarios', JSON.stringify({ calls: lists }), /16 MB/);
});

// 11,000 of them once took 1.2 GB; after() looks at the memory.
test('a journal of long names', async () => {
  const headers = { 'X-TC-Region': 'r'.repeat(20_000), 'X-TC-Language': 'l'.repeat(20_000) };
  const long = text(signedTc3({ action: 'a'.repeat(20_000), secretKey: 'wrong', headers }));
  for (let i = 0; i < 150; ++i) await Promise.all(Array.from({ length: 10 }, () => exchange(server.port, long)));
  const { requests, complete } = await server.admin('GET', 'requests?limit=100');
  assert.equal(requests.length, 100);
  assert.ok(requests.every((request) => request.action.length <= 256 && request.region.length <= 256));
  assert.equal(complete, false);
});
