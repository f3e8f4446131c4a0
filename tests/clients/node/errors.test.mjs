// What users of the SDKs see when a request is refused.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Server } from './server.mjs';
import {
  intlClient, intlCommonClient, mainlandClient, mainlandCommonClient, plainInstance, signMethods,
} from './sdk.mjs';
import { exchange, nowInSeconds, responseOf, signedTc3, signedV1, text } from './wire.mjs';

const uuid = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/;

let server;
before(async () => (server = await Server.start(['--clock', 'frozen'])));
after(() => server.stop());

// The SDK's error: it must have the code, a message and a RequestId.
async function refused(promise, code) {
  const error = await promise.then(
    (answer) => assert.fail(`no error but ${JSON.stringify(answer)}`),
    (thrown) => thrown);
  assert.equal(error.code, code, String(error));
  assert.ok(error.message.length > 0);
  assert.match(error.requestId, uuid);
  return error;
}

async function refusedRaw(request, code) {
  const answer = await exchange(server.port, text(request));
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['content-type'], 'application/json');
  const response = responseOf(answer);
  assert.equal(response.Error?.Code, code, answer.body);
  assert.ok(response.Error.Message.length > 0);
  assert.match(response.RequestId, uuid);
  assert.deepEqual(Object.keys(response).sort(), ['Error', 'RequestId']);
}

const sdks = [
  ['intl', intlClient, intlCommonClient],
  ['mainland', mainlandClient, mainlandCommonClient],
];

for (const [sdk, client, commonClient] of sdks) {
  for (const sign of signMethods) {
    for (const method of ['POST', 'GET']) {
      const account = { sign, method, secretId: `AKIDEXAMPLE-${sdk}-${sign}-${method}` };
      describe(`${sdk} SDK, ${sign} ${method}`, { concurrency: true }, () => {
        test('a wrong key', async () => {
          const call = client(server.url, { ...account, secretKey: 'not the secret' });
          await refused(call('DescribeInstances'), 'AuthFailure.SignatureFailure');
        });
        test('an unknown SecretId', async () => {
          const call = client(server.url, { ...account, secretId: 'AKIDnobody' });
          await refused(call('DescribeInstances'), 'AuthFailure.SecretIdNotFound');
        });
        test('an unknown action', async () => {
          await refused(commonClient(server.url, account)('DescribeNothing'), 'InvalidAction');
        });
        test('a version of long ago', async () => {
          const call = commonClient(server.url, { ...account, version: '2016-03-12' });
          await refused(call('DescribeInstances'), 'NoSuchVersion');
        });
        test('an unknown region', async () => {
          const call = client(server.url, { ...account, region: 'eu-atlantis' });
          await refused(call('DescribeInstances'), 'UnsupportedRegion');
        });
        test('no region', async () => {
          const call = client(server.url, { ...account, region: undefined });
          const { RegionSet, TotalCount } = await call('DescribeRegions');
          assert.equal(RegionSet.length, TotalCount);
          assert.ok(RegionSet.some((region) => region.Region === 'ap-guangzhou'));
          await refused(call('DescribeZones'), 'MissingParameter');
        });
        test('an instance that is not there', async () => {
          const call = client(server.url, account);
          const InstanceIds = ['ins-00000000'];
          const error = await refused(call('StopInstances', { InstanceIds }), 'InvalidInstanceId.NotFound');
          assert.match(error.message, /ins-00000000/);
          await refused(call('TerminateInstances', { InstanceIds }), 'InvalidInstanceId.NotFound');
          assert.equal((await call('DescribeInstances', { InstanceIds })).TotalCount, 0);
        });
        test('an id that is none', async () => {
          const call = client(server.url, account);
          await refused(call('StopInstances', { InstanceIds: ['webserver'] }), 'InvalidInstanceId.Malformed');
        });
        test('an unknown parameter', async () => {
          const call = commonClient(server.url, account);
          await refused(call('DescribeInstances', { InstanceNames: ['a'] }), 'UnknownParameter');
        });
        test('an operation on a busy instance', async () => {
          const call = client(server.url, account);
          const { InstanceIdSet: InstanceIds } = await call('RunInstances', plainInstance);
          const stopped = call('StopInstances', { InstanceIds });
          const error = await refused(stopped, 'UnsupportedOperation.InstanceStatePending');
          assert.match(error.message, new RegExp(InstanceIds[0]));
        });
        test('a dry run', async () => {
          const call = client(server.url, { ...account, secretId: `${account.secretId}-dry` });
          await refused(call('RunInstances', { ...plainInstance, DryRun: true }), 'DryRunOperation');
          assert.equal((await call('DescribeInstances')).TotalCount, 0);
        });
      });
    }
  }
}

test('a timestamp of ten minutes ago, or ten minutes ahead', async () => {
  for (const minutes of [-10, 10]) {
    const timestamp = nowInSeconds() + minutes * 60;
    for (const method of ['POST', 'GET']) {
      const action = 'DescribeInstances';
      await refusedRaw(signedTc3({ action, method, timestamp }), 'AuthFailure.SignatureExpire');
      for (const sign of ['HmacSHA1', 'HmacSHA256']) {
        await refusedRaw(signedV1({ action, method, sign, timestamp }), 'AuthFailure.SignatureExpire');
      }
    }
  }
});

test('four minutes are allowed, and --auth-skew 0 allows ten', async (context) => {
  const action = 'DescribeInstances';
  for (const minutes of [-4, 4]) {
    const answer = await exchange(server.port, text(signedTc3({ action, timestamp: nowInSeconds() + minutes * 60 })));
    assert.equal(responseOf(answer).Error, undefined, answer.body);
  }
  const patient = await Server.start(['--auth-skew', '0']);
  context.after(() => patient.stop());
  const answer = await exchange(patient.port, text(signedTc3({ action, timestamp: nowInSeconds() - 600 })));
  assert.equal(responseOf(answer).Error, undefined, answer.body);
});

test('a wrong key and an old timestamp: the signature is looked at first', async () => {
  const request = { action: 'DescribeInstances', secretKey: 'wrong', timestamp: nowInSeconds() - 600 };
  await refusedRaw(signedTc3(request), 'AuthFailure.SignatureFailure');
});

test('a signature over another body', async () => {
  const request = signedTc3({ action: 'DescribeInstances', parameters: { Limit: 1 } });
  await refusedRaw({ ...request, body: '{"Limit":2}' }, 'AuthFailure.SignatureFailure');
});

test('no signature at all', async () => {
  const request = signedTc3({ action: 'DescribeInstances' });
  delete request.headers.Authorization;
  await refusedRaw(request, 'AuthFailure.InvalidAuthorization');
});

test('no action', async () => {
  const request = signedTc3({ action: 'DescribeInstances' });
  delete request.headers['X-TC-Action'];
  await refusedRaw(request, 'MissingParameter');
  await refusedRaw({ method: 'GET', target: '/', headers: { Host: 'a' }, body: '' }, 'MissingParameter');
});

test('unknown action and wrong key: who calls is looked at first', async () => {
  await refusedRaw(signedTc3({ action: 'DescribeNothing', secretKey: 'wrong' }), 'AuthFailure.SignatureFailure');
});

test('bodies that are no JSON objects', async () => {
  for (const body of ['', '{', '[]', 'null', '"a"', '{"Limit":1}x', '{"Limit":}', '\u0000', '['.repeat(100_000)]) {
    const answer = await exchange(server.port, text(signedTc3({ action: 'DescribeInstances', body })));
    assert.equal(answer.status, 200);
    const { Error: error } = responseOf(answer);
    assert.match(error?.Code ?? 'no error', /^(InvalidParameter|MissingParameter|InvalidRequest)/, body.slice(0, 20));
  }
});

test('requests over the documented rate', async () => {
  const call = intlClient(server.url, { secretId: 'AKIDEXAMPLE-hasty' });
  const results = await Promise.allSettled(Array.from({ length: 100 }, () => call('DescribeZones')));
  const errors = results.filter((result) => result.status === 'rejected').map((result) => result.reason);
  assert.ok(errors.length > 0);
  for (const error of errors) {
    assert.equal(error.code, 'RequestLimitExceeded');
    assert.match(error.requestId, uuid);
  }
  const other = intlClient(server.url, { secretId: 'AKIDEXAMPLE-calm' });
  assert.ok((await other('DescribeZones')).TotalCount > 0);
});

test('messages in the language that the client asks for', async () => {
  const InstanceIds = ['ins-00000000'];
  const messages = [];
  for (const language of ['zh-CN', 'en-US']) {
    const call = mainlandClient(server.url, { secretId: 'AKIDEXAMPLE-language', language });
    messages.push((await refused(call('StopInstances', { InstanceIds }), 'InvalidInstanceId.NotFound')).message);
  }
  assert.match(messages[0], /\p{Script=Han}/u);
  assert.doesNotMatch(messages[1], /\p{Script=Han}/u);
});

test('a multipart and an octet-stream request of the mainland SDK', async () => {
  const call = mainlandCommonClient(server.url, { secretId: 'AKIDEXAMPLE-multipart' });
  const { InstanceIdSet } = await mainlandClient(server.url, { secretId: 'AKIDEXAMPLE-multipart' })(
    'RunInstances', { ...plainInstance, InstanceName: 'wörld' });
  // The SDK signs only the texts and buffers among the parts.
  const texts = { Limit: '1', 'InstanceIds.0': InstanceIdSet[0] };
  const multipart = await call('DescribeInstances', texts, { multipart: true });
  assert.equal(multipart.InstanceSet[0].InstanceName, 'wörld');
  await refused(call('DescribeInstances', { Limit: 'one' }, { multipart: true }), 'InvalidParameter');
  const headers = { 'Content-Type': 'application/octet-stream; charset=utf-8' };
  const octets = await call('DescribeInstances', { InstanceIds: InstanceIdSet }, { headers });
  assert.equal(octets.InstanceSet[0].InstanceName, 'wörld');
});
