// The life of two instances, as each SDK, signature and method tells it.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Server } from './server.mjs';
import { intlClient, mainlandClient, plainInstance, signMethods } from './sdk.mjs';

const name = '测试 a+b&c=%41 é~';
const password = 'Aa1+&=%#x9~*';
const special = 'pr+od & 50%=生产';

const order = {
  ...plainInstance,
  InstanceName: name,
  InstanceCount: 2,
  SystemDisk: { DiskType: 'CLOUD_PREMIUM', DiskSize: 60 },
  DataDisks: [
    { DiskType: 'CLOUD_PREMIUM', DiskSize: 50, DeleteWithInstance: true },
    { DiskType: 'CLOUD_SSD', DiskSize: 100, DeleteWithInstance: false },
  ],
  InternetAccessible: { InternetMaxBandwidthOut: 5, PublicIpAssigned: true },
  LoginSettings: { Password: password },
  TagSpecification: [
    { ResourceType: 'instance', Tags: [{ Key: 'env', Value: 'prod' }, { Key: 'note', Value: special }] },
  ],
};

let server;
before(async () => (server = await Server.start(['--clock', 'frozen'])));
after(() => server.stop());

async function live(call, account) {
  const states = async (InstanceIds) => {
    const { TotalCount, InstanceSet } = await call('DescribeInstances', { InstanceIds });
    assert.equal(TotalCount, InstanceSet.length);
    return InstanceSet.map((i) => `${i.InstanceState} ${i.LatestOperation} ${i.LatestOperationState}`);
  };
  const found = async (...Filters) => {
    const { InstanceSet } = await call('DescribeInstances', { Filters });
    return InstanceSet.map((instance) => instance.InstanceId).sort();
  };

  const { InstanceIdSet: ids, RequestId } = await call('RunInstances', order);
  assert.match(RequestId, /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/);
  assert.equal(ids.length, 2);
  for (const id of ids) assert.match(id, /^ins-[0-9a-z]{8}$/);
  assert.deepEqual(await states(ids), Array(2).fill('PENDING RunInstances OPERATING'));

  await server.advance(5, account);
  assert.deepEqual(await states(ids), Array(2).fill('RUNNING RunInstances SUCCESS'));

  const { InstanceSet } = await call('DescribeInstances', { InstanceIds: ids, Limit: 10, Offset: 0 });
  assert.deepEqual(InstanceSet.map((i) => i.InstanceName).sort(), [`${name}1`, `${name}2`]);
  for (const instance of InstanceSet) {
    assert.equal(instance.SystemDisk.DiskSize, 60);
    assert.deepEqual(
      instance.DataDisks.map((disk) => [disk.DiskType, disk.DiskSize, disk.DeleteWithInstance]),
      [['CLOUD_PREMIUM', 50, true], ['CLOUD_SSD', 100, false]]);
    assert.equal(instance.InternetAccessible.InternetMaxBandwidthOut, 5);
    assert.equal(instance.PublicIpAddresses.length, 1);
    assert.deepEqual(
      instance.Tags.map((tag) => `${tag.Key}=${tag.Value}`).sort(), ['env=prod', `note=${special}`]);
    assert.ok(!JSON.stringify(instance).includes(password), 'a password is never shown');
    assert.ok(instance.Placement && instance.VirtualPrivateCloud && instance.LoginSettings);
  }

  const both = [...ids].sort();
  const first = InstanceSet.find((instance) => instance.InstanceName === `${name}1`).InstanceId;
  assert.deepEqual(await found({ Name: 'tag:env', Values: ['prod'] }), both);
  assert.deepEqual(await found({ Name: 'tag:env', Values: ['test', special] }), []);
  assert.deepEqual(await found({ Name: 'tag:note', Values: [special] }), both);
  assert.deepEqual(await found({ Name: 'instance-name', Values: [`${name}1`] }), [first]);
  assert.deepEqual(await found({ Name: 'instance-name', Values: [`${name}2`, 'none', `${name}1`] }), both);
  assert.deepEqual(
    await found(
      { Name: 'zone', Values: ['ap-guangzhou-3', 'ap-guangzhou-4'] },
      { Name: 'instance-state', Values: ['RUNNING'] },
      { Name: 'instance-name', Values: [`${name}1`] }),
    [first]);
  assert.deepEqual(await found({ Name: 'zone', Values: ['ap-guangzhou-4'] }), []);

  await call('StopInstances', { InstanceIds: ids, StopType: 'SOFT', ForceStop: false });
  assert.deepEqual(await states(ids), Array(2).fill('STOPPING StopInstances OPERATING'));
  await server.advance(5, account);
  assert.deepEqual(await states(ids), Array(2).fill('STOPPED StopInstances SUCCESS'));

  await call('TerminateInstances', { InstanceIds: ids });
  await server.advance(5, account);
  assert.deepEqual(await states(ids), []);
  assert.deepEqual(await found({ Name: 'tag:env', Values: ['prod'] }), []);
}

for (const [sdk, client] of [['intl', intlClient], ['mainland', mainlandClient]]) {
  describe(`${sdk} SDK`, { concurrency: true }, () => {
    for (const sign of signMethods) {
      for (const method of ['POST', 'GET']) {
        test(`${sign} ${method}`, async () => {
          const secretId = `AKIDEXAMPLE-${sdk}-${sign}-${method}`;
          await live(client(server.url, { sign, method, secretId }), secretId);
        });
      }
    }
  });
}

test('an automatic clock lets a poller see each state once', async (context) => {
  const auto = await Server.start(['--clock', 'auto', '--lifecycle', 'realistic']);
  context.after(() => auto.stop());
  const call = intlClient(auto.url);
  const { InstanceIdSet: InstanceIds } = await call('RunInstances', plainInstance);
  const states = [];
  for (let polls = 0; polls < 2; ++polls) {
    states.push((await call('DescribeInstances', { InstanceIds })).InstanceSet[0].InstanceState);
  }
  await call('StopInstances', { InstanceIds });
  for (let polls = 0; polls < 2; ++polls) {
    states.push((await call('DescribeInstances', { InstanceIds })).InstanceSet[0].InstanceState);
  }
  assert.deepEqual(states, ['PENDING', 'RUNNING', 'STOPPING', 'STOPPED']);
});
