// Accounts made by their label, side by side in one server.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server } from './server.mjs';
import { intlClient, mainlandClient, plainInstance } from './sdk.mjs';

let server;
before(async () => (server = await Server.start(['--clock', 'frozen'])));
after(() => server.stop());

test('two accounts do not see each other', async () => {
  const a = intlClient(server.url, { secretId: 'AKIDEXAMPLE-a' });
  const b = mainlandClient(server.url, { secretId: 'AKIDEXAMPLE-b' });
  const { InstanceIdSet: InstanceIds } = await a('RunInstances', { ...plainInstance, InstanceName: 'mine' });
  assert.equal((await a('DescribeInstances')).TotalCount, 1);
  for (const parameters of [{}, { InstanceIds }, { Filters: [{ Name: 'instance-name', Values: ['mine'] }] }]) {
    const answer = await b('DescribeInstances', parameters);
    assert.equal(answer.TotalCount, 0);
    assert.deepEqual(answer.InstanceSet, []);
  }
  await server.advance(5);
  for (const action of ['StopInstances', 'RebootInstances', 'TerminateInstances']) {
    await assert.rejects(b(action, { InstanceIds }), { code: 'InvalidInstanceId.NotFound' });
  }
  assert.equal((await a('DescribeInstances', { InstanceIds })).InstanceSet[0].InstanceState, 'RUNNING');
});

test('an account is the same for every region, its instances are not', async () => {
  const secretId = 'AKIDEXAMPLE-travels';
  const guangzhou = intlClient(server.url, { secretId });
  const singapore = intlClient(server.url, { secretId, region: 'ap-singapore' });
  await guangzhou('RunInstances', plainInstance);
  assert.equal((await guangzhou('DescribeInstances')).TotalCount, 1);
  assert.equal((await singapore('DescribeInstances')).TotalCount, 0);
});

test('the clock of one account stands while that of another moves', async () => {
  const state = async (call) => (await call('DescribeInstances')).InstanceSet[0].InstanceState;
  const early = intlClient(server.url, { secretId: 'AKIDEXAMPLE-early' });
  const late = intlClient(server.url, { secretId: 'AKIDEXAMPLE-late' });
  await early('RunInstances', plainInstance);
  await late('RunInstances', plainInstance);
  const transitions = await server.advance(5, 'AKIDEXAMPLE-early');
  assert.deepEqual(transitions.map(({ from, to }) => `${from}>${to}`), ['PENDING>RUNNING']);
  assert.equal(await state(early), 'RUNNING');
  assert.equal(await state(late), 'PENDING');
});

test('labels of every allowed kind, and what is no label', async () => {
  for (const label of ['x', 'A_b-9', '-', '0'.repeat(64)]) {
    const call = intlClient(server.url, { secretId: `AKIDEXAMPLE-${label}` });
    assert.equal((await call('DescribeInstances')).TotalCount, 0);
  }
  for (const secretId of ['AKIDEXAMPLE-', 'AKIDEXAMPLEx', 'AKIDEXAMPLE-a b', 'AKIDEXAMPLE-a.b', 'AKIDEXAMPLE-ä',
    `AKIDEXAMPLE-${'0'.repeat(65)}`, 'akidexample']) {
    // As parameters, since a header cannot carry all of them.
    const call = intlClient(server.url, { secretId, sign: 'HmacSHA256' });
    await assert.rejects(call('DescribeInstances'), { code: 'AuthFailure.SecretIdNotFound' }, secretId);
  }
});

test('fifty calls at once of each of two kinds, from twenty accounts', async () => {
  const accounts = Array.from({ length: 20 }, (_, i) => ({ secretId: `AKIDEXAMPLE-many${i}`, runs: 0 }));
  const calls = Array.from({ length: 50 }, (_, i) => {
    const account = accounts[i % accounts.length];
    ++account.runs;
    const client = i % 2 ? intlClient : mainlandClient;
    const call = client(server.url, { secretId: account.secretId, sign: i % 3 ? 'TC3-HMAC-SHA256' : 'HmacSHA256' });
    return [call('RunInstances', { ...plainInstance, InstanceName: `i${i}` }), call('DescribeInstances')];
  });
  const answers = await Promise.all(calls.flat());
  const ids = answers.flatMap((answer) => answer.InstanceIdSet ?? []);
  assert.equal(ids.length, 50);
  assert.equal(new Set(ids).size, 50);
  assert.equal(new Set(answers.map((answer) => answer.RequestId)).size, 100);
  for (const { secretId, runs } of accounts) {
    const { TotalCount, InstanceSet } = await intlClient(server.url, { secretId })('DescribeInstances');
    assert.equal(TotalCount, runs);
    const addresses = InstanceSet.flatMap((instance) => instance.PrivateIpAddresses);
    assert.equal(new Set(addresses).size, runs);
  }
});

test('the same seed and calls give the same ids', async () => {
  const ids = [];
  for (let round = 0; round < 2; ++round) {
    const other = await Server.start(['--clock', 'frozen']);
    try {
      const order = { ...plainInstance, InstanceCount: 3 };
      const { InstanceIdSet, RequestId } = await intlClient(other.url)('RunInstances', order);
      ids.push([...InstanceIdSet, RequestId]);
    } finally {
      await other.stop();
    }
  }
  assert.deepEqual(ids[0], ids[1]);
});
