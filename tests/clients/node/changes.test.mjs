// An instance changed step by step, as a Terraform provider does it, by each SDK and signature: after each
// call the operation is seen under way, then ended, with what it was to change changed.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Server } from './server.mjs';
import { intlClient, mainlandClient, plainInstance, signMethods } from './sdk.mjs';

let server;
before(async () => (server = await Server.start(['--clock', 'frozen'])));
after(() => server.stop());

const userData = Buffer.from('#!/bin/sh\necho "a+b&c=%"\n').toString('base64');

async function change(call, account) {
  const { InstanceIdSet } = await call('RunInstances', {
    ...plainInstance,
    InstanceType: 'S5.MEDIUM4',
    SystemDisk: { DiskType: 'CLOUD_PREMIUM', DiskSize: 50 },
    DataDisks: [{ DiskType: 'CLOUD_PREMIUM', DiskSize: 50 }],
    InternetAccessible: { InternetMaxBandwidthOut: 5, PublicIpAssigned: true },
  });
  const InstanceId = InstanceIdSet[0];
  const InstanceIds = InstanceIdSet;
  const shown = async () => (await call('DescribeInstances', { InstanceIds })).InstanceSet[0];
  await server.advance(5, account);
  const before = await shown();

  const done = async (action, parameters, expected = {}) => {
    const { RequestId } = await call(action, parameters);
    await server.advance(5, account);
    const instance = await shown();
    assert.equal(instance.LatestOperation, action);
    assert.equal(instance.LatestOperationState, 'SUCCESS');
    assert.equal(instance.LatestOperationRequestId, RequestId);
    assert.deepEqual({ ...instance, ...expected }, instance, action);
    return instance;
  };

  await done('ModifyInstancesAttribute', { InstanceIds, InstanceName: 'web é+&' }, { InstanceName: 'web é+&' });
  await done('ModifyInstancesAttribute', { InstanceIds, UserData: userData });
  await done('ModifyInstancesAttribute', { InstanceIds, HostName: 'web-1.example' }, { InstanceState: 'RUNNING' });
  await done('ModifyInstancesAttribute', { InstanceIds, SecurityGroups: ['sg-12345678', 'sg-87654321'] },
    { SecurityGroupIds: ['sg-12345678', 'sg-87654321'] });
  await done('ModifyInstancesProject', { InstanceIds, ProjectId: 1045 });
  await done('ResetInstance', { InstanceId, ImageId: 'img-pmqg1cw7', SystemDisk: { DiskSize: 60 }, LoginSettings: { Password: 'Aa1+&=%#x9~*' } },
    { ImageId: 'img-pmqg1cw7', OsName: 'Debian 11.1 64bit', PrivateIpAddresses: before.PrivateIpAddresses });
  await done('ResetInstancesPassword', { InstanceIds, Password: 'Aa1+&=%#x9~*', ForceStop: true });
  await done('StopInstances', { InstanceIds }, { InstanceState: 'STOPPED' });
  await done('ResizeInstanceDisks', { InstanceId, DataDisks: [{ DiskId: before.DataDisks[0].DiskId, DiskSize: 100 }] });
  await done('ResetInstancesType', { InstanceIds, InstanceType: 'S5.LARGE8' },
    { InstanceType: 'S5.LARGE8', CPU: 4, Memory: 8, InstanceState: 'STOPPED' });
  await done('ModifyInstancesVpcAttribute',
    { InstanceIds, VirtualPrivateCloud: { VpcId: 'vpc-1urkhbj4', SubnetId: 'subnet-dcs9x3gz', PrivateIpAddresses: ['10.0.0.18'] } },
    { PrivateIpAddresses: ['10.0.0.18'] });
  await done('ResetInstancesInternetMaxBandwidth', { InstanceIds, InternetAccessible: { InternetMaxBandwidthOut: 10 } });
  await done('StartInstances', { InstanceIds }, { InstanceState: 'RUNNING' });
  const last = await shown();
  assert.equal(last.SystemDisk.DiskSize, 60);
  assert.equal(last.DataDisks[0].DiskSize, 100);
  assert.equal(last.InternetAccessible.InternetMaxBandwidthOut, 10);
  assert.equal(last.Placement.ProjectId, 1045);
  assert.deepEqual(last.PublicIpAddresses, before.PublicIpAddresses);
  const { InstanceSet } = await call('DescribeInstancesAttributes', { InstanceIds, Attributes: ['UserData'] });
  assert.equal(InstanceSet[0].Attributes.UserData, userData);

  const { Price } = await call('InquiryPriceRunInstances', { ...plainInstance, InternetAccessible: { InternetMaxBandwidthOut: 1 } });
  assert.equal(typeof Price.InstancePrice.UnitPrice, 'number');
  assert.equal(Price.BandwidthPrice.ChargeUnit, 'GB');

  await done('EnterRescueMode', { InstanceId, Password: 'Aa1+&=%#x9~*' }, { InstanceState: 'RESCUE_MODE' });
  await done('ExitRescueMode', { InstanceId }, { InstanceState: 'RUNNING' });
  await assert.rejects(call('ResetInstancesType', { InstanceIds, InstanceType: 'S5.MEDIUM4' }), {
    code: 'UnsupportedOperation.InstanceStateRunning',
  });
}

for (const [kind, client] of [['intl', intlClient], ['mainland', mainlandClient]]) {
  describe(`${kind} SDK`, () => {
    for (const sign of signMethods) {
      for (const method of ['POST', 'GET']) {
        test(`${sign} ${method}`, async () => {
          const secretId = `AKIDEXAMPLE-change-${kind}-${sign}-${method}`;
          await change(client(server.url, { secretId, sign, method }), secretId);
        });
      }
    }
  });
}

test('subscriptions are bought ahead, renewed and end', async () => {
  const secretId = 'AKIDEXAMPLE-months';
  const call = mainlandClient(server.url, { secretId });
  const { InstanceIdSet: InstanceIds } = await call('RunInstances', plainInstance);
  await server.advance(5, secretId);
  const shown = async () => (await call('DescribeInstances', { InstanceIds })).InstanceSet[0];
  const InstanceChargePrepaid = { Period: 1, RenewFlag: 'NOTIFY_AND_MANUAL_RENEW' };
  await call('ModifyInstancesChargeType', { InstanceIds, InstanceChargeType: 'PREPAID', InstanceChargePrepaid });
  const bought = await shown();
  assert.equal(bought.InstanceChargeType, 'PREPAID');
  await call('RenewInstances', { InstanceIds, InstanceChargePrepaid });
  assert.ok((await shown()).ExpiredTime > bought.ExpiredTime);
  await server.advance(62 * 86400, secretId);
  assert.equal((await shown()).InstanceState, 'SHUTDOWN');
});
