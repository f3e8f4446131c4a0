// Key pairs and launch templates as the SDKs know them: keys that ssh-keygen takes, also when they are made in parallel,
// and instances from a template.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Server } from './server.mjs';
import { intlClient, mainlandClient, plainInstance } from './sdk.mjs';

let server;
before(async () => (server = await Server.start(['--clock', 'frozen', '--rate-limits', 'off'])));
after(() => server.stop());

// What ssh-keygen makes of a private key.
function publicOf(privateKey) {
  const directory = mkdtempSync(join(tmpdir(), 'cvmsim-key-'));
  try {
    const file = join(directory, 'key');
    writeFileSync(file, privateKey);
    chmodSync(file, 0o400);
    return execFileSync('ssh-keygen', ['-y', '-f', file], { encoding: 'utf8' }).trim();
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const withoutComment = (key) => key.split(' ').slice(0, 2).join(' ');
const refusedWith = (code) => (error) => error.code === code;

async function live(call, account) {
  const { KeyPair: made } = await call('CreateKeyPair', { KeyName: 'made', ProjectId: 0 });
  assert.match(made.KeyId, /^skey-[0-9a-z]{8}$/);
  assert.equal(publicOf(made.PrivateKey), withoutComment(made.PublicKey));
  await assert.rejects(
    call('ImportKeyPair', { KeyName: 'again', ProjectId: 0, PublicKey: made.PublicKey }),
    refusedWith('InvalidPublicKey.Duplicate'));
  await call('ModifyKeyPairAttribute', { KeyId: made.KeyId, KeyName: 'renamed', Description: 'by the SDK' });

  const { LaunchTemplateId } = await call('CreateLaunchTemplate', {
    ...plainInstance,
    LaunchTemplateName: 'web',
    InstanceName: 'web',
    InstanceCount: 2,
    LoginSettings: { KeyIds: [made.KeyId] },
  });
  const { LaunchTemplateVersionNumber } = await call('CreateLaunchTemplateVersion', {
    LaunchTemplateId,
    Placement: plainInstance.Placement,
    InstanceCount: 1,
  });
  assert.equal(LaunchTemplateVersionNumber, 2);
  const launched = [];
  for (const request of [
    { LaunchTemplate: { LaunchTemplateId } },
    { LaunchTemplate: { LaunchTemplateId, LaunchTemplateVersion: 2 } },
    { LaunchTemplate: { LaunchTemplateId }, InstanceCount: 1, InstanceName: 'mine' },
  ]) {
    launched.push((await call('RunInstances', request)).InstanceIdSet);
  }
  assert.deepEqual(launched.map((ids) => ids.length), [2, 1, 1]);
  await server.advance(5, account);
  const ids = launched.flat();
  const { InstanceSet } = await call('DescribeInstances', { InstanceIds: ids });
  assert.deepEqual(InstanceSet.map((i) => i.InstanceName).sort(), ['mine', 'web', 'web1', 'web2']);
  for (const instance of InstanceSet) assert.deepEqual(instance.LoginSettings.KeyIds, [made.KeyId]);

  const { TotalCount, LaunchTemplateVersionSet } = await call('DescribeLaunchTemplateVersions', { LaunchTemplateId });
  assert.equal(TotalCount, 2);
  assert.equal(LaunchTemplateVersionSet[0].LaunchTemplateVersionData.InstanceCount, 1);
  await call('ModifyLaunchTemplateDefaultVersion', { LaunchTemplateId, DefaultVersion: 2 });
  await call('DeleteLaunchTemplateVersions', { LaunchTemplateId, LaunchTemplateVersions: [1] });
  const { LaunchTemplateSet } = await call('DescribeLaunchTemplates', { LaunchTemplateIds: [LaunchTemplateId] });
  assert.equal(LaunchTemplateSet[0].DefaultVersionNumber, 2);
  assert.equal(LaunchTemplateSet[0].LaunchTemplateVersionCount, 1);
  await call('DeleteLaunchTemplate', { LaunchTemplateId });

  const { KeyPairSet } = await call('DescribeKeyPairs', { Filters: [{ Name: 'key-name', Values: ['renamed'] }] });
  assert.deepEqual(KeyPairSet.map((key) => key.Description), ['by the SDK']);
  assert.equal(KeyPairSet[0].PublicKey, made.PublicKey);
  assert.equal(KeyPairSet[0].PrivateKey ?? null, null);
  assert.deepEqual(KeyPairSet[0].AssociatedInstanceIds.toSorted(), ids.toSorted());
  await assert.rejects(call('DeleteKeyPairs', { KeyIds: [made.KeyId] }),
    refusedWith('InvalidParameterValue.KeyPairNotSupported'));
  await call('DisassociateInstancesKeyPairs', { InstanceIds: ids, KeyIds: [made.KeyId], ForceStop: true });
  await server.advance(5, account);
  await call('DeleteKeyPairs', { KeyIds: [made.KeyId] });
  assert.equal((await call('DescribeKeyPairs')).TotalCount, 0);
}

describe('the life of a key pair and of a launch template', () => {
  for (const [sdk, client] of [['international', intlClient], ['mainland', mainlandClient]]) {
    test(`as the ${sdk} SDK tells it`, async () => {
      const secretId = `AKIDEXAMPLE-keys-${sdk}`;
      await live(client(server.url, { secretId }), secretId);
    });
  }
});

test('key pairs that are made at the same time are all different, and others are served', async () => {
  const call = mainlandClient(server.url, { secretId: 'AKIDEXAMPLE-many' });
  const making = Array.from({ length: 12 }, (_, i) => call('CreateKeyPair', { KeyName: `key${i}`, ProjectId: 0 }));
  await call('DescribeKeyPairs');
  const pairs = (await Promise.all(making)).map((answer) => answer.KeyPair);
  for (const member of ['KeyId', 'PublicKey', 'PrivateKey']) {
    assert.equal(new Set(pairs.map((pair) => pair[member])).size, pairs.length);
  }
  for (const pair of pairs) assert.equal(publicOf(pair.PrivateKey), withoutComment(pair.PublicKey));
  assert.equal((await call('DescribeKeyPairs', { Limit: 100 })).TotalCount, pairs.length);
});
