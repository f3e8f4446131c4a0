// The whole life of an image, as each SDK tells it: made, waited for, found, shared, synced, run from, deleted.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Server } from './server.mjs';
import { intlClient, mainlandClient, plainInstance } from './sdk.mjs';

let server;
before(async () => (server = await Server.start(['--clock', 'frozen'])));
after(() => server.stop());

const filter = (Name, ...Values) => ({ Name, Values });

async function live(connect, account, friend) {
  const call = connect('ap-guangzhou', account);
  const there = connect('ap-shanghai', account);
  const theirs = connect('ap-guangzhou', friend);
  const named = async (client, name) =>
    (await client('DescribeImages', { Filters: [filter('image-name', name)], Offset: 0, Limit: 100 })).ImageSet;
  const ready = async (client, name) => {
    for (let look = 0; look < 5; ++look) {
      const [image] = await named(client, name);
      if (image?.ImageState === 'NORMAL') return image;
      await server.advance(1);
    }
    assert.fail(`${name} is never NORMAL`);
  };
  const run = async (client, ImageId, Zone) => {
    const { InstanceIdSet } = await client('RunInstances', { ...plainInstance, ImageId, Placement: { Zone } });
    await server.advance(2);
    const { InstanceSet } = await client('DescribeInstances', { InstanceIds: InstanceIdSet });
    assert.deepEqual(InstanceSet.map((i) => `${i.InstanceState} ${i.ImageId}`), [`RUNNING ${ImageId}`]);
    return InstanceIdSet[0];
  };
  const refused = (promise, code) => assert.rejects(promise, (error) => error.code === code);

  const base = await run(call, plainInstance.ImageId, 'ap-guangzhou-3');
  assert.deepEqual(await named(call, 'golden'), []);
  const order = {
    InstanceId: base, ImageName: 'golden', ImageDescription: '镜像', ForcePoweroff: 'True', Sysprep: 'False',
    TagSpecification: [{ ResourceType: 'image', Tags: [{ Key: 'team', Value: 'web' }] }],
  };
  const { ImageId } = await call('CreateImage', order);
  assert.match(ImageId, /^img-[0-9a-z]{8}$/);
  assert.equal((await named(call, 'golden'))[0].ImageState, 'CREATING');
  const image = await ready(call, 'golden');
  assert.equal(image.ImageId, ImageId);
  assert.equal(image.ImageType, 'PRIVATE_IMAGE');
  assert.equal(image.ImageDescription, '镜像');
  assert.equal(image.SnapshotSet.length, 1);
  assert.deepEqual(image.Tags.map((tag) => `${tag.Key}=${tag.Value}`), ['team=web']);
  const found = await call('DescribeImages', {
    Filters: [filter('image-type', 'PRIVATE_IMAGE'), filter('tag:team', 'web'), filter('image-state', 'NORMAL')],
    InstanceType: plainInstance.InstanceType,
  });
  assert.deepEqual([found.TotalCount, found.ImageSet[0].ImageId], [1, ImageId]);

  const own = (await theirs('CreateImage', { InstanceId: await run(theirs, plainInstance.ImageId, 'ap-guangzhou-3'), ImageName: 'own' })).ImageId;
  const uin = (await theirs('DescribeImages', { ImageIds: [own] })).ImageSet[0].ImageCreator;
  await call('ModifyImageSharePermission', { ImageId, AccountIds: [uin], Permission: 'SHARE' });
  const shares = (await call('DescribeImageSharePermission', { ImageId })).SharePermissionSet;
  assert.deepEqual(shares.map((share) => share.AccountId), [uin]);
  assert.equal((await theirs('DescribeImages', { ImageIds: [ImageId] })).ImageSet[0].ImageType, 'SHARED_IMAGE');
  await run(theirs, ImageId, 'ap-guangzhou-3');
  await refused(theirs('DeleteImages', { ImageIds: [ImageId] }), 'InvalidParameterValue.InvalidImageIdIsShared');

  const { ImageSet } = await call('SyncImages', {
    ImageIds: [ImageId], DestinationRegions: ['ap-shanghai'], ImageSetRequired: true,
  });
  assert.equal((await named(there, 'golden'))[0].ImageState, 'SYNCING');
  const copy = await ready(there, 'golden');
  assert.deepEqual(ImageSet.map((one) => [one.Region, one.ImageId]), [['ap-shanghai', copy.ImageId]]);
  await run(there, copy.ImageId, 'ap-shanghai-2');
  await run(call, ImageId, 'ap-guangzhou-3');

  await refused(call('DeleteImages', { ImageIds: [ImageId] }), 'InvalidImageId.InShared');
  await call('ModifyImageSharePermission', { ImageId, AccountIds: [uin], Permission: 'CANCEL' });
  assert.equal((await theirs('DescribeImages', { ImageIds: [ImageId] })).TotalCount, 0);
  await call('DeleteImages', { ImageIds: [ImageId], DeleteBindedSnap: true });
  await there('DeleteImages', { ImageIds: [copy.ImageId] });
  await server.advance(1);
  for (const client of [call, there]) assert.deepEqual(await named(client, 'golden'), []);
  await refused(call('RunInstances', { ...plainInstance, ImageId }), 'InvalidImageId.NotFound');
}

describe('the life of an image', () => {
  for (const [name, connect] of [['intl', intlClient], ['mainland', mainlandClient]]) {
    test(name, () =>
      live(
        (region, secretId) => connect(server.url, { region, secretId }),
        `AKIDEXAMPLE-images-${name}`, `AKIDEXAMPLE-friend-${name}`));
  }
});
