// The shipped scenarios, and how a client of the real SDKs gets through each of them. Time is the
// simulated one throughout: nobody waits.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Server, run, temporaryDirectory } from './server.mjs';
import { intlClient, mainlandClient, plainInstance } from './sdk.mjs';

const directory = fileURLToPath(new URL('../../../fixtures/scenarios/', import.meta.url));
const file = (name) => join(directory, `${name}.json`);
const shipped = readdirSync(directory).map((entry) => entry.replace(/\.json$/, '')).sort();
const tested = new Set();

// Without rate limits: those are counted in real seconds, and the tests poll faster than clients do.
async function withScenario(context, name, clock = ['--clock', 'frozen']) {
  tested.add(name);
  const server = await Server.start(['--scenario', file(name), '--seed', '1', '--rate-limits', 'off', ...clock]);
  context.after(() => server.stop());
  return server;
}

async function only(call, ids) {
  const { InstanceSet, TotalCount } = await call('DescribeInstances', ids ? { InstanceIds: ids } : {});
  assert.equal(TotalCount, 1);
  return InstanceSet[0];
}

// As clients wait: ask, sleep, ask again until the state is there, the operation has failed, or time
// is up. The sleep is the simulated clock's. Answers { instance, seconds }.
async function wait(server, call, id, state, { deadline = 300, pause = 5 } = {}) {
  for (let seconds = 0; ; seconds += pause) {
    const instance = await only(call, [id]);
    if (instance.LatestOperationState === 'FAILED') {
      throw Object.assign(new Error(instance.LatestOperationErrorMsg), { state: instance.InstanceState, seconds });
    }
    if (instance.InstanceState === state && instance.LatestOperationState === 'SUCCESS') return { instance, seconds };
    if (seconds >= deadline) {
      throw Object.assign(new Error('timed out'), { state: instance.InstanceState, seconds });
    }
    await server.advance(pause);
  }
}

async function launch(call, more = {}) {
  const { InstanceIdSet } = await call('RunInstances', { ...plainInstance, ...more });
  assert.equal(InstanceIdSet.length, 1);
  return InstanceIdSet[0];
}

// The error that a call ends with.
const failure = (promise) => promise.then(() => assert.fail('it did not fail'), (error) => error);

// An image of a new instance, as it is made; the answer names it.
async function createImage(server, call) {
  const InstanceId = await launch(call);
  await server.advance(5);
  return (await call('CreateImage', { InstanceId, ImageName: `of-${InstanceId}` })).ImageId;
}

const stateOf = async (call, ImageId) => (await call('DescribeImages', { ImageIds: [ImageId] })).ImageSet[0]?.ImageState;

test('image-fails-late: a waiting client sees CREATEFAILED; the next image is made', async (context) => {
  const server = await withScenario(context, 'image-fails-late');
  const call = intlClient(server.url);
  const id = await createImage(server, call);
  await server.advance(39);
  assert.equal(await stateOf(call, id), 'CREATING');
  await server.advance(1);
  assert.equal(await stateOf(call, id), 'CREATEFAILED');
  await call('DeleteImages', { ImageIds: [id] });
  const next = await createImage(server, call);
  await server.advance(5);
  assert.equal(await stateOf(call, next), 'NORMAL');
});

test('image-sync-never-ends: source and copy stay SYNCING until somebody forces them', async (context) => {
  const server = await withScenario(context, 'image-sync-never-ends');
  const call = mainlandClient(server.url);
  const there = mainlandClient(server.url, { region: 'ap-shanghai' });
  const id = await createImage(server, call);
  await server.advance(5);
  const order = { ImageIds: [id], DestinationRegions: ['ap-shanghai'], ImageSetRequired: true };
  const copy = (await call('SyncImages', order)).ImageSet[0].ImageId;
  await server.advance(86400);
  assert.deepEqual([await stateOf(call, id), await stateOf(there, copy)], ['SYNCING', 'SYNCING']);
  await server.admin('POST', `resources/${copy}/state`, { state: 'NORMAL' });
  assert.deepEqual([await stateOf(call, id), await stateOf(there, copy)], ['SYNCING', 'NORMAL']);
});

test('launch-fails-late: a waiting client sees LAUNCH_FAILED and why; the next launch works', async (context) => {
  const server = await withScenario(context, 'launch-fails-late');
  const call = intlClient(server.url);
  const id = await launch(call);
  await server.advance(39);
  const before = await only(call);
  assert.deepEqual([before.InstanceState, before.LatestOperationState], ['PENDING', 'OPERATING']);

  const error = await failure(wait(server, call, id, 'RUNNING', { pause: 1 }));
  assert.equal(error.state, 'LAUNCH_FAILED');
  assert.equal(error.seconds, 1);
  assert.match(error.message, /could not be launched: the host ran out of resources/);
  const failed = await only(call, [id]);
  assert.equal(failed.LatestOperation, 'RunInstances');
  await server.advance(86400);
  assert.equal((await only(call, [id])).InstanceState, 'LAUNCH_FAILED', 'it stays so');

  const { instance } = await wait(server, call, await launch(call), 'RUNNING');
  assert.equal(instance.LatestOperationErrorMsg, '');
  const fault = await server.admin('GET', 'faults/first-launch-fails-after-40-seconds');
  assert.deepEqual([fault.matched, fault.fired, fault.requests.length], [1, 1, 1]);
});

test('launch-slower-than-wait: usual deadlines pass, a patient client gets its instance', async (context) => {
  const server = await withScenario(context, 'launch-slower-than-wait');
  const call = mainlandClient(server.url);
  const id = await launch(call);
  const hasty = await failure(wait(server, call, id, 'RUNNING', { deadline: 120 }));
  assert.deepEqual([hasty.message, hasty.state, hasty.seconds], ['timed out', 'PENDING', 120]);
  await assert.rejects(call('TerminateInstances', { InstanceIds: [id] }), { code: 'UnsupportedOperation.InstanceStatePending' });
  const longer = await failure(wait(server, call, id, 'RUNNING', { deadline: 180 }));
  assert.deepEqual([longer.message, longer.state], ['timed out', 'PENDING']);
  const { seconds } = await wait(server, call, id, 'RUNNING', { deadline: 300 });
  assert.equal(120 + 180 + seconds, 420);
  await call('TerminateInstances', { InstanceIds: [id] });
  await server.advance(60);
  assert.equal((await call('DescribeInstances', { InstanceIds: [id] })).TotalCount, 0);
});

test('sold-out-in-one-zone: the client goes to the next zone', async (context) => {
  const server = await withScenario(context, 'sold-out-in-one-zone');
  const call = intlClient(server.url);
  const refused = [];
  const launchSomewhere = async (zones) => {
    for (const Zone of zones) {
      try {
        return await launch(call, { Placement: { Zone } });
      } catch (error) {
        if (error.code !== 'ResourceInsufficient.SpecifiedInstanceType') throw error;
        refused.push(Zone);
      }
    }
    return null;
  };
  const id = await launchSomewhere(['ap-guangzhou-3', 'ap-guangzhou-4']);
  assert.deepEqual(refused, ['ap-guangzhou-3']);
  assert.equal((await only(call)).Placement.Zone, 'ap-guangzhou-4');
  assert.equal((await only(call)).InstanceId, id);
  await launch(call, { InstanceType: 'S5.LARGE8' });

  // A careful client looks before it buys.
  const { InstanceTypeQuotaSet } = await call('DescribeZoneInstanceConfigInfos', {
    Filters: [
      { Name: 'zone', Values: ['ap-guangzhou-3', 'ap-guangzhou-4'] },
      { Name: 'instance-type', Values: ['S5.MEDIUM2'] },
      { Name: 'instance-charge-type', Values: ['POSTPAID_BY_HOUR'] },
    ],
  });
  assert.deepEqual(
    InstanceTypeQuotaSet.map((item) => `${item.Zone} ${item.Status}`).sort(),
    ['ap-guangzhou-3 SOLD_OUT', 'ap-guangzhou-4 SELL']);
});

test('throttled-then-fine: a client that backs off on RequestLimitExceeded succeeds', async (context) => {
  const server = await withScenario(context, 'throttled-then-fine');
  const call = mainlandClient(server.url);
  const retrying = async (action, parameters, attempts = 5) => {
    for (let attempt = 1; ; ++attempt) {
      try {
        return [await call(action, parameters), attempt];
      } catch (error) {
        if (error.code !== 'RequestLimitExceeded' || attempt === attempts) throw error;
        assert.match(error.message, /exceeds the frequency limit `\d+` for a second/);
        assert.match(error.requestId, /^[0-9a-f-]{36}$/);
        await server.advance(2 ** attempt);
      }
    }
  };
  const [{ InstanceIdSet }, launches] = await retrying('RunInstances', plainInstance);
  assert.equal(launches, 3);
  const [{ InstanceSet }, describes] = await retrying('DescribeInstances');
  assert.equal(describes, 4);
  assert.deepEqual(InstanceSet.map((instance) => instance.InstanceId), InstanceIdSet, 'refused calls made none');
  for (let again = 0; again < 5; ++again) {
    assert.equal((await retrying('DescribeInstances'))[1], 1);
    assert.equal((await retrying('RunInstances', plainInstance))[1], 1);
  }
});

describe('answer-lost-after-commit', () => {
  test('with a ClientToken, the retry gets the instance that is there already', async (context) => {
    const server = await withScenario(context, 'answer-lost-after-commit');
    const call = intlClient(server.url);
    const order = { ...plainInstance, ClientToken: 'order-4711' };
    const lost = await failure(call('RunInstances', order));
    assert.equal(lost.code, undefined, 'no answer came');
    const there = await only(call);
    const { InstanceIdSet } = await call('RunInstances', order);
    assert.deepEqual(InstanceIdSet, [there.InstanceId]);
    await only(call);
    const { requests } = await server.admin('GET', 'requests?action=RunInstances');
    assert.deepEqual(requests.map(({ code, faults }) => [code, faults]), [
      ['', ['first-launch-is-done-but-never-answered']],
      ['', []],
    ]);
  });

  test('without one, the retry buys a second instance', async (context) => {
    const server = await withScenario(context, 'answer-lost-after-commit');
    const call = intlClient(server.url);
    assert.equal((await failure(call('RunInstances', plainInstance))).code, undefined);
    await call('RunInstances', plainInstance);
    assert.equal((await call('DescribeInstances')).TotalCount, 2);
  });
});

test('reboot-never-ends: the client gives up, and can do nothing else with the instance', async (context) => {
  const server = await withScenario(context, 'reboot-never-ends');
  const call = intlClient(server.url);
  const id = await launch(call);
  await wait(server, call, id, 'RUNNING');
  await call('RebootInstances', { InstanceIds: [id] });
  const error = await failure(wait(server, call, id, 'RUNNING', { deadline: 3600, pause: 60 }));
  assert.deepEqual([error.message, error.state, error.seconds], ['timed out', 'REBOOTING', 3600]);
  assert.equal((await only(call)).LatestOperationState, 'OPERATING');
  for (const action of ['StopInstances', 'RebootInstances', 'TerminateInstances']) {
    const refusal = await failure(call(action, { InstanceIds: [id] }));
    assert.match(refusal.code, /^(UnsupportedOperation\.InstanceStateRebooting|OperationDenied\.InstanceOperationInProgress)$/);
  }
  await server.admin('POST', 'clock/advance', { until: 'idle' });
  assert.equal((await only(call)).InstanceState, 'REBOOTING', 'no clock ends it');
  // Support has put it right.
  await server.admin('POST', `instances/${id}/state`, { state: 'RUNNING' });
  await call('StopInstances', { InstanceIds: [id] });
  await wait(server, call, id, 'STOPPED');
});

test('stop-fails: the instance runs on and says why; the second stop works', async (context) => {
  const server = await withScenario(context, 'stop-fails');
  const call = mainlandClient(server.url);
  const id = await launch(call);
  await wait(server, call, id, 'RUNNING');
  await call('StopInstances', { InstanceIds: [id] });
  const stopping = await only(call);
  assert.deepEqual([stopping.InstanceState, stopping.LatestOperationState], ['STOPPING', 'OPERATING']);
  const error = await failure(wait(server, call, id, 'STOPPED'));
  assert.equal(error.state, 'RUNNING');
  assert.match(error.message, /did not shut down in time/);
  assert.equal((await only(call)).LatestOperation, 'StopInstances');
  await call('StopInstances', { InstanceIds: [id], ForceStop: true });
  const { instance } = await wait(server, call, id, 'STOPPED');
  assert.equal(instance.LatestOperationErrorMsg, '');
});

test('flaky-network-afternoon: a client that retries gets through, and the evening is calm', async (context) => {
  const server = await withScenario(context, 'flaky-network-afternoon');
  // A half body looks like silence to this SDK, so its patience is short: too short costs a retry.
  const call = intlClient(server.url, { timeout: 1 });
  let broken = 0;
  const retrying = async (action, parameters, isDone = async () => false) => {
    for (let attempt = 0; attempt < 60; ++attempt) {
      try {
        return await call(action, parameters);
      } catch (error) {
        if (error.code) throw error;
        ++broken;
        if (await isDone()) return null;
      }
    }
    return assert.fail(`${action} did not get through`);
  };
  const state = async (id) =>
    (await retrying('DescribeInstances', { InstanceIds: [id] })).InstanceSet[0]?.InstanceState ?? 'gone';

  const ids = [];
  for (let i = 0; i < 6; ++i) {
    const { InstanceIdSet } = await retrying('RunInstances', { ...plainInstance, ClientToken: `worker-${i}` });
    ids.push(...InstanceIdSet);
  }
  assert.equal((await retrying('DescribeInstances')).TotalCount, 6, 'retries made no instance twice');
  await server.advance(10);
  for (const id of ids) {
    assert.equal(await state(id), 'RUNNING');
    // An answer that is lost says nothing about the work: look before trying again.
    await retrying('StopInstances', { InstanceIds: [id] }, async () => (await state(id)) !== 'RUNNING');
    await server.advance(10);
    assert.equal(await state(id), 'STOPPED');
    await retrying('TerminateInstances', { InstanceIds: [id] }, async () => (await state(id)) !== 'STOPPED');
    await server.advance(10);
    assert.equal(await state(id), 'gone');
  }
  assert.ok(broken > 5, `${broken} calls broke`);

  const fired = async () => (await server.admin('GET', 'faults')).faults.map((rule) => [rule.id, rule.fired]);
  const afternoon = await fired();
  assert.ok(afternoon.filter(([, count]) => count > 0).length >= 4, JSON.stringify(afternoon));
  await server.advance(4 * 3600);
  const calm = intlClient(server.url);
  for (let i = 0; i < 60; ++i) assert.equal((await calm('DescribeInstances')).TotalCount, 0);
  assert.deepEqual(await fired(), afternoon);
});

test('spot-reclaimed: two minutes of notice, then the instance is gone', async (context) => {
  const server = await withScenario(context, 'spot-reclaimed', []);
  const call = intlClient(server.url);
  const clock = await server.admin('GET', 'clock');
  assert.deepEqual([clock.mode, clock.now], ['frozen', '2026-01-01T00:00:00Z']);
  const { InstanceId: id, InstanceChargeType } = await only(call);
  assert.equal(InstanceChargeType, 'SPOTPAID');
  await wait(server, call, id, 'RUNNING');

  // The client works as long as it may, and hands over once it is told.
  let replacement = null, worked = 0;
  for (; !replacement; worked += 30) {
    const { InstanceState } = await only(call, [id]);
    if (InstanceState === 'TERMINATING') {
      assert.equal((await server.admin('GET', 'clock')).now, '2026-01-01T00:10:05Z');
      replacement = await launch(call);
      break;
    }
    assert.equal(InstanceState, 'RUNNING');
    assert.ok(worked < 3600, 'no notice came');
    await server.advance(30);
  }
  await server.admin('POST', 'clock/advance', { to: '2026-01-01T00:11:59Z' });
  const states = async () =>
    Object.fromEntries((await call('DescribeInstances')).InstanceSet.map((one) => [one.InstanceId, one.InstanceState]));
  assert.deepEqual(await states(), { [id]: 'TERMINATING', [replacement]: 'RUNNING' });
  const transitions = await server.advance(1);
  assert.deepEqual(transitions.map((change) => change.resource), [id]);
  assert.deepEqual(await states(), { [replacement]: 'RUNNING' });
  await assert.rejects(call('StopInstances', { InstanceIds: [id] }), { code: 'InvalidInstanceId.NotFound' });
  const { events } = await server.admin('GET', 'events');
  assert.deepEqual(
    events.filter((event) => event.resource === id).map(({ time, to }) => `${time} ${to}`), [
      '2026-01-01T00:00:00Z PENDING',
      '2026-01-01T00:00:00Z RUNNING',
      '2026-01-01T00:10:00Z TERMINATING',
      '2026-01-01T00:12:00Z null',
    ]);

  await server.admin('POST', 'reset');
  assert.equal((await server.admin('GET', 'clock')).now, '2026-01-01T00:00:00Z');
  const again = await only(call);
  assert.deepEqual([again.InstanceId, again.InstanceState], [id, 'PENDING'], 'the same story from its start');
});

test('every shipped scenario was tested above', () => {
  assert.deepEqual([...tested].sort(), shipped);
});

describe('how scenarios are given', () => {
  for (const name of shipped) {
    test(`--scenario ${name}, by its name alone`, async (context) => {
      const server = await Server.start(['--scenario', name]);
      context.after(() => server.stop());
      assert.deepEqual((await server.admin('GET', 'info')).scenarios, [name]);
    });
  }

  test('several together, and each in a variable', async (context) => {
    const all = await Server.start(shipped.flatMap((name) => ['--scenario', file(name)]));
    context.after(() => all.stop());
    const { faults } = await all.admin('GET', 'faults');
    const expected = shipped.flatMap((name) => JSON.parse(readFileSync(file(name))).faults ?? []);
    assert.deepEqual(faults.map((rule) => rule.id).sort(), expected.map((rule) => rule.id).sort());
    const one = await Server.start([], { env: { CVMSIM_SCENARIO: file('stop-fails') } });
    context.after(() => one.stop());
    assert.equal((await one.admin('GET', 'faults')).faults[0].id, 'first-stop-fails');
  });

  test('at run time, with what its calls answered', async (context) => {
    const server = await Server.start();
    context.after(() => server.stop());
    const { calls } = await server.admin('POST', 'scenarios', JSON.parse(readFileSync(file('spot-reclaimed'))));
    assert.deepEqual(Object.keys(calls), ['spot']);
    assert.equal((await only(intlClient(server.url))).InstanceId, calls.spot.InstanceIdSet[0]);
  });

  test('a later call uses what an earlier one answered', async (context) => {
    const path = join(temporaryDirectory(context), 'scenario.json');
    const account = 'AKIDEXAMPLE-told';
    writeFileSync(path, JSON.stringify({
      credentials: [{ SecretId: 'AKIDof-the-scenario', SecretKey: 'its own key', Uin: '7' }],
      clock: { mode: 'frozen', now: '2030-05-05T00:00:00Z' },
      quotas: { '*': { instances: 2 } },
      calls: [
        { account, Action: 'RunInstances', Region: 'ap-guangzhou', Params: { ...plainInstance, InstanceCount: 2 }, as: 'web' },
        { account, Action: 'DescribeInstances', Region: 'ap-guangzhou', Params: { InstanceIds: ['${web.InstanceIdSet[1]}'] }, as: 'seen' },
      ],
      faults: [{ id: 'second', match: { action: 'StopInstances', account, resource: ['${seen.InstanceSet[0].InstanceId}'] }, do: { stuck: true } }],
    }));
    const server = await Server.start(['--scenario', path]);
    context.after(() => server.stop());
    const call = intlClient(server.url, { secretId: account });
    await server.advance(5);
    const { InstanceSet } = await call('DescribeInstances');
    const ids = InstanceSet.map((instance) => instance.InstanceId);
    assert.equal(ids.length, 2);
    await assert.rejects(call('RunInstances', plainInstance), { code: 'LimitExceeded.InstanceQuota' });
    for (const id of ids) await call('StopInstances', { InstanceIds: [id] });
    await server.advance(60);
    const states = (await call('DescribeInstances')).InstanceSet.map((instance) => instance.InstanceState);
    assert.deepEqual(states.sort(), ['STOPPED', 'STOPPING']);
    const { match } = await server.admin('GET', 'faults/second');
    const stuck = (await call('DescribeInstances', { Filters: [{ Name: 'instance-state', Values: ['STOPPING'] }] })).InstanceSet;
    assert.deepEqual(match.resource, stuck.map((instance) => instance.InstanceId));
    const own = intlClient(server.url, { secretId: 'AKIDof-the-scenario', secretKey: 'its own key' });
    assert.equal((await own('DescribeInstances')).TotalCount, 0);
  });
});

describe('broken scenarios: file, entry and reason in one line, and nothing is served', { concurrency: 4 }, () => {
  const call = (more) => ({ Action: 'RunInstances', Region: 'ap-guangzhou', Params: plainInstance, ...more });
  const good = { match: { action: 'RunInstances' }, do: { stuck: true } };
  const broken = [
    ['not JSON', '{"faults":[', [/parse error|JSON/i]],
    ['no object', '[]', [/object/]],
    ['an unknown part', { fault: [] }, [/unknown field `fault`/]],
    ['an unknown action', { faults: [good, { match: { action: 'LaunchInstances' }, do: { stuck: true } }] },
      [/faults\[1\]/, /LaunchInstances/]],
    ['an unknown region', { faults: [{ ...good, match: { region: 'eu-nowhere' } }] }, [/faults\[0\]/, /eu-nowhere/]],
    ['an unknown error code', { faults: [{ do: { error: { code: 'Nonsense.Code' } } }] }, [/faults\[0\]/, /Nonsense\.Code/]],
    ['an unknown effect', { faults: [{ do: { explode: true } }] }, [/faults\[0\]/, /explode/]],
    ['an unknown step', { lifecycle: { 'instance.dance': { delay_s: 1 } } }, [/instance\.dance/]],
    ['an unknown clock', { clock: { mode: 'sideways' } }, [/clock/, /sideways/]],
    ['an unknown zone', { capacity: [{ zone: 'ap-nowhere-1', stock: 0 }] }, [/capacity\[0\]/, /ap-nowhere-1/]],
    ['an unknown quota', { quotas: { '*': { moons: 1 } } }, [/quotas/, /moons/]],
    ['a credential without a key', { credentials: [{ SecretId: 'AKIDx' }] }, [/credentials\[0\]/, /SecretKey/]],
    ['an unknown action called', { calls: [call({ Action: 'LaunchInstances' })] }, [/calls\[0\]/, /LaunchInstances/, /InvalidAction/]],
    ['a call that is refused', { calls: [call(), call({ Params: { ...plainInstance, InstanceType: 'S5.GIGANTIC' } })] },
      [/calls\[1\]/, /RunInstances/, /InvalidParameterValue\.InstanceTypeNotFound|InvalidInstanceType/]],
    ['an unknown parameter', { calls: [call({ Params: { ...plainInstance, Colour: 'red' } })] }, [/calls\[0\]/, /Colour/]],
    ['a name that nothing has', { calls: [call({ Action: 'StopInstances', Params: { InstanceIds: ['${db.InstanceIdSet[0]}'] } })] },
      [/calls\[0\]/, /db/]],
    ['an element that is not there', {
      calls: [call({ as: 'web' }), call({ Action: 'StopInstances', Params: { InstanceIds: ['${web.InstanceIdSet[1]}'] } })],
    }, [/calls\[1\]/, /web\.InstanceIdSet\[1\]/]],
  ];
  for (const [what, content, patterns] of broken) {
    test(what, async (context) => {
      const path = join(temporaryDirectory(context), 'afternoon.json');
      writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
      const state = join(temporaryDirectory(context), 'state.db');
      const args = ['--listen', '127.0.0.1:0', '--scenario', path];
      const { code, signal, stdout, stderr } = await run([...args, '--state', state]);
      assert.equal(stdout, '', 'nothing is served');
      assert.deepEqual({ code, signal }, { code: 2, signal: null }, stderr);
      assert.match(stderr, /^[^\n]+\n$/, 'one line');
      for (const pattern of [/afternoon\.json/, ...patterns]) assert.match(stderr, pattern);
      // Nor did any of it happen.
      const server = await Server.start(['--state', state]);
      context.after(() => server.stop());
      assert.equal((await intlClient(server.url)('DescribeInstances')).TotalCount, 0);
      assert.deepEqual((await server.admin('GET', 'faults')).faults, []);
    });
  }

  test('one after a good one', async (context) => {
    const path = join(temporaryDirectory(context), 'second.json');
    writeFileSync(path, '{"faults": 5}');
    const { code, stdout, stderr } =
      await run(['--listen', '127.0.0.1:0', '--scenario', file('stop-fails'), '--scenario', path]);
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, /^[^\n]*second\.json[^\n]*faults[^\n]*\n$/);
  });
});
