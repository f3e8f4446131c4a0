// Faults as they arrive at the client's socket and in the SDKs, and what testers can ask and set
// around them: forensics, capacity, quotas, the whole state put back.
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import tls from 'node:tls';
import { gunzipSync } from 'node:zlib';
import { Server, temporaryDirectory } from './server.mjs';
import { intlClient, mainlandClient, plainInstance, signMethods } from './sdk.mjs';
import { Connection, responseOf, signedTc3, text } from './wire.mjs';

let server;
const cleanups = [];
before(async () => {
  const directory = temporaryDirectory({ after: (cleanup) => cleanups.push(cleanup) });
  server = await Server.start(['--clock', 'frozen', '--tls-listen', '127.0.0.1:0', '--tls-dir', directory]);
});
after(async () => {
  await server.stop();
  cleanups.forEach((cleanup) => cleanup());
});

// A server of the test's own, gone with it however it ends.
async function another(context, args = ['--clock', 'frozen']) {
  const one = await Server.start(args);
  context.after(() => one.child.kill('SIGKILL'));
  return one;
}

// An account for each test, with its own faults.
let accounts = 0;
function newAccount() {
  const secretId = `AKIDEXAMPLE-fault${++accounts}`;
  return {
    secretId,
    call: intlClient(server.url, { secretId }),
    request: (action, parameters, more = {}) => text(signedTc3({ action, parameters, secretId, ...more })),
    fault: (rule, on = server) => on.admin('POST', `faults?account=${secretId}`, rule),
    count: async () => (await intlClient(server.url, { secretId })('DescribeInstances')).TotalCount,
  };
}

const onLaunch = (effect, when) => ({ match: { action: 'RunInstances' }, when, do: effect });

const plainly = () => net.connect({ host: '127.0.0.1', port: server.port });
// Not TLS 1.3: its session tickets may arrive together with a reset, and libuv then tells an end.
const encrypted = () => tls.connect({
  host: '127.0.0.1', port: Number(server.urls[1].port), rejectUnauthorized: false, maxVersion: 'TLSv1.2',
});

// Sends the bytes; answers with all that came, and how it ended: 'end' for a FIN, or the error's code.
function conversation(connect, bytes) {
  return new Promise((resolve) => {
    const parts = [];
    let ended = null;
    const socket = connect();
    socket.on('data', (part) => parts.push(part));
    socket.on('end', () => (ended ??= 'end'));
    socket.on('error', (error) => (ended ??= error.code));
    socket.on('close', () => resolve({ received: Buffer.concat(parts), ended }));
    socket.setTimeout(15_000, () => socket.destroy());
    socket.write(bytes);
  });
}

function split(received) {
  const end = received.indexOf('\r\n\r\n');
  const [status, ...lines] = received.subarray(0, end).toString('latin1').split('\r\n');
  const headers = Object.fromEntries(lines.map((line) => [line.split(':')[0].toLowerCase(), line.replace(/^[^:]*: */, '')]));
  return { status, headers, body: received.subarray(end + 4) };
}

const failure = (promise) => promise.then((answer) => assert.fail(`answered ${JSON.stringify(answer)}`), (error) => error);

describe('at the socket', () => {
  for (const [how, connect] of [['plain', plainly], ['TLS', encrypted]]) {
    test(`before: the connection ends without a byte, nothing is done (${how})`, async () => {
      const account = newAccount();
      await account.fault(onLaunch({ disconnect: 'before' }, { times: 1 }));
      const { received, ended } = await conversation(connect, account.request('RunInstances', plainInstance));
      assert.equal(received.length, 0);
      assert.equal(ended, 'end');
      assert.equal(await account.count(), 0);
    });

    test(`reset: the connection is torn down, nothing is done (${how})`, async () => {
      const account = newAccount();
      await account.fault(onLaunch({ disconnect: 'reset' }, { times: 1 }));
      const { received, ended } = await conversation(connect, account.request('RunInstances', plainInstance));
      assert.equal(received.length, 0);
      assert.equal(ended, 'ECONNRESET');
      assert.equal(await account.count(), 0);
    });

    test(`after_commit: it ends without a byte, and the work is done (${how})`, async () => {
      const account = newAccount();
      await account.fault(onLaunch({ disconnect: 'after_commit' }, { times: 1 }));
      const { received, ended } = await conversation(connect, account.request('RunInstances', plainInstance));
      assert.equal(received.length, 0);
      assert.equal(ended, 'end');
      assert.equal(await account.count(), 1);
    });

    test(`mid_body: less arrives than Content-Length says, and the work is done (${how})`, async () => {
      const account = newAccount();
      await account.fault(onLaunch({ disconnect: 'mid_body' }, { times: 1 }));
      const { received, ended } = await conversation(connect, account.request('RunInstances', plainInstance));
      assert.equal(ended, 'end');
      const { status, headers, body } = split(received);
      assert.equal(status, 'HTTP/1.1 200 OK');
      assert.equal(headers['content-type'], 'application/json');
      assert.ok(body.length > 0 && body.length < Number(headers['content-length']), `${body.length} bytes`);
      assert.ok(body.toString().startsWith('{"Response":{'));
      assert.equal(await account.count(), 1);
    });
  }

  test('mid_body as node:http tells it', async () => {
    const account = newAccount();
    await account.fault({ match: { action: 'DescribeRegions' }, do: { disconnect: 'mid_body' } });
    const { method, target, headers, body } = signedTc3({ action: 'DescribeRegions', secretId: account.secretId });
    const error = await new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: server.port, method, path: target, headers, agent: false };
      http.request(options, (response) => {
        assert.equal(response.statusCode, 200);
        response.on('data', () => {}).on('error', resolve).on('end', () => reject(new Error('it came whole')));
      }).on('error', reject).end(body);
    });
    assert.equal(error.code, 'ECONNRESET');
  });

  test('half of a gzipped answer cannot be unpacked; a truncated one can, to broken JSON', async () => {
    const account = newAccount();
    const request = account.request('DescribeImages', {}, { headers: { 'Accept-Encoding': 'gzip', Connection: 'close' } });
    const whole = split((await conversation(plainly, request)).received);
    assert.equal(whole.headers['content-encoding'], 'gzip');
    assert.ok(JSON.parse(gunzipSync(whole.body)).Response.TotalCount > 0);

    await account.fault({ match: { action: 'DescribeImages' }, when: { times: 1 }, do: { disconnect: 'mid_body' } });
    const { received, ended } = await conversation(plainly, request);
    const half = split(received);
    assert.equal(ended, 'end');
    assert.equal(half.headers['content-encoding'], 'gzip');
    assert.ok(half.body.length > 0 && half.body.length < Number(half.headers['content-length']));
    assert.throws(() => gunzipSync(half.body), { code: 'Z_BUF_ERROR' });

    await account.fault({ match: { action: 'DescribeImages' }, when: { times: 1 }, do: { malformed: 'truncated' } });
    const truncated = split((await conversation(plainly, request)).received);
    assert.equal(truncated.body.length, Number(truncated.headers['content-length']));
    const unpacked = gunzipSync(truncated.body).toString();
    assert.ok(unpacked.startsWith('{"Response":{'));
    assert.throws(() => JSON.parse(unpacked), SyntaxError);
  });

  test('a gateway answers instead: status, type and body as given, and nothing is done', async () => {
    const account = newAccount();
    const body = '<html><body>503 · 服务不可用</body></html>';
    await account.fault(onLaunch({ http: { status: 503, content_type: 'text/html; charset=utf-8', body } }, { times: 1 }));
    const connection = new Connection(server.port);
    await connection.send(account.request('RunInstances', plainInstance));
    const answer = await connection.answer();
    assert.equal(answer.status, 503);
    assert.equal(answer.headers['content-type'], 'text/html; charset=utf-8');
    assert.equal(answer.body, body);
    // Such an answer does not end the connection.
    await connection.send(account.request('DescribeInstances', {}));
    assert.equal(responseOf(await connection.answer()).TotalCount, 0);
    connection.close();
  });

  test('the next connection is served as ever', async () => {
    const account = newAccount();
    const effects = ['before', 'reset', 'mid_body', 'after_commit'].map((disconnect) => ({ disconnect }));
    await account.fault({ match: { action: 'DescribeInstances' }, do: [...effects, { none: true }] });
    for (let i = 0; i < effects.length; ++i) {
      const { received } = await conversation(plainly, account.request('DescribeInstances', {}));
      assert.equal(received.length > 0, i === 2);
    }
    assert.equal(await account.count(), 0);
  });
});

describe('in the SDKs', () => {
  for (const [sdk, client] of [['intl', intlClient], ['mainland', mainlandClient]]) {
    const broken = async (effect) => {
      const account = newAccount();
      await account.fault({ match: { action: 'DescribeRegions' }, when: { times: 1 }, do: effect });
      const call = client(server.url, { secretId: account.secretId });
      return [call, (parameters) => call('DescribeRegions', parameters)];
    };

    for (const [effect, message] of [
      [{ malformed: 'not_json' }, /invalid json|Unexpected token/i],
      [{ malformed: 'empty' }, /invalid json|Unexpected end/i],
      [{ malformed: 'truncated' }, /invalid json|Unexpected end|Unterminated|in JSON/i],
      [{ disconnect: 'before' }, /socket hang up/],
      [{ disconnect: 'reset' }, /ECONNRESET/],
      [{ disconnect: 'after_commit' }, /socket hang up/],
    ]) {
      test(`${sdk}: ${JSON.stringify(effect)} is an error without a code`, async () => {
        const [, regions] = await broken(effect);
        const error = await failure(regions());
        assert.match(error.message, message);
        assert.doesNotMatch(String(error.code), /^[A-Z][a-z]/, 'no code of the API');
        assert.ok((await regions()).TotalCount > 0, 'and then it works');
      });
    }

    test(`${sdk}: an answer without RequestId is taken`, async () => {
      const [, regions] = await broken({ malformed: 'no_request_id' });
      const answer = await regions();
      assert.ok(answer.TotalCount > 0);
      assert.ok(!answer.RequestId, `RequestId ${answer.RequestId}`);
      assert.match((await regions()).RequestId, /^[0-9a-f-]{36}$/);
    });

    test(`${sdk}: 503 from a gateway is an HTTP status and no code`, async () => {
      const [, regions] = await broken({ http: { status: 503, body: '<html></html>', content_type: 'text/html' } });
      const error = await failure(regions());
      assert.equal(error.httpCode, 503);
      assert.ok(!error.code, error.code);
      assert.ok((await regions()).TotalCount > 0);
    });

    test(`${sdk}: an API error as given`, async () => {
      const [, regions] = await broken({ error: { code: 'InternalError', message: 'Something is rotten.' } });
      const error = await failure(regions());
      assert.deepEqual([error.code, error.message], ['InternalError', 'Something is rotten.']);
      const entry = await server.admin('GET', `requests/${error.requestId}`);
      assert.deepEqual([entry.code, entry.status, entry.faults.length], ['InternalError', 200, 1]);
    });
  }
});

describe('delays', () => {
  test('come first, whatever follows', async () => {
    const account = newAccount();
    const effects = [
      { delay_ms: 300 },
      { delay_ms: [200, 400], error: { code: 'InternalError' } },
      { delay_ms: 200, http: { status: 502, body: '' } },
      { delay_ms: 200, disconnect: 'before' },
    ];
    await account.fault({ match: { action: 'DescribeInstances' }, do: [...effects, { none: true }] });
    const least = [300, 200, 200, 200];
    const answers = [];
    for (const ms of least) {
      const connection = new Connection(server.port);
      const start = performance.now();
      await connection.send(account.request('DescribeInstances', {}));
      answers.push(await connection.answer());
      const passed = performance.now() - start;
      assert.ok(passed >= ms - 1, `${passed} ms of at least ${ms}`);
      connection.close();
    }
    assert.equal(responseOf(answers[0]).TotalCount, 0);
    assert.equal(responseOf(answers[1]).Error.Code, 'InternalError');
    assert.equal(answers[2].status, 502);
    assert.equal(answers[3], null);
  });

  test('silence until the client gives up; the server lives on, and does the work after the delay', async () => {
    const account = newAccount();
    await account.fault(onLaunch({ delay_ms: 1500 }, { times: 1 }));
    const hasty = mainlandClient(server.url, { secretId: account.secretId, timeout: 0.2 });
    const error = await failure(hasty('RunInstances', plainInstance));
    assert.match(error.message, /timeout/);
    assert.ok(!error.requestId);
    const until = performance.now() + 15_000;
    while ((await account.count()) === 0) {
      assert.ok(performance.now() < until, 'it was never done');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.equal(await account.count(), 1);
    const { requests, total } = await server.admin('GET', `requests?account=${account.secretId}&action=RunInstances`);
    assert.deepEqual([total, requests[0].code], [1, '']);
  });

  test('the request that waits is behind those that came later', async () => {
    const account = newAccount();
    await account.fault(onLaunch({ delay_ms: 600_000 }));
    const held = new Connection(server.port);
    await held.send(account.request('RunInstances', plainInstance));
    // The other connections may be read first.
    while ((await server.admin('GET', `faults?account=${account.secretId}`)).faults[0].fired === 0);
    for (let i = 0; i < 5; ++i) assert.equal(await account.count(), 0);
    held.close();
  });

  test('SIGTERM does not wait for them: exit 0, and the request is finished', async (context) => {
    const other = await another(context);
    const account = newAccount();
    await account.fault(onLaunch({ delay_ms: 600_000 }), other);
    const held = new Connection(other.port);
    await held.send(account.request('RunInstances', plainInstance));
    while ((await other.admin('GET', `faults?account=${account.secretId}`)).faults[0].fired === 0);
    // Patience is less than the delay.
    await other.stop();
    assert.equal(responseOf(await held.answer()).InstanceIdSet.length, 1);
    assert.ok(await held.isClosed());
  });
});

test('faults do not touch the admin API', async (context) => {
  const other = await another(context);
  for (const effect of [{ disconnect: 'before' }, { http: { status: 503, body: 'no' } }, { malformed: 'empty' },
    { error: { code: 'InternalError' } }, { delay_ms: 600_000 }]) {
    await other.admin('POST', 'faults', { id: 'everything', do: effect });
    for (const path of ['health', 'ready', 'info', 'clock', 'lifecycle', 'faults', 'capacity', 'quotas', 'credentials',
      'state', 'snapshots', 'requests', 'events', 'coverage', 'openapi.json']) {
      assert.ok(await other.admin('GET', path), path);
    }
    if (effect.delay_ms) continue;
    const error = await intlClient(other.url)('DescribeInstances').then(() => null, (failed) => failed);
    assert.ok(error, 'but the API');
    assert.equal((await other.admin('GET', 'faults/everything')).fired, 1);
  }
  await other.admin('DELETE', 'faults');
  assert.equal((await intlClient(other.url)('DescribeInstances')).TotalCount, 0);
  await other.stop();
});

describe('a refused signature is explained', () => {
  const key = 'Gu5t9xGARNpq86cd98joQYCN3EXAMPLE';
  const wrong = 'Gu5t9xGARNpq86cd98joQYCN3EXAMPLF';
  before(() => server.admin('POST', 'credentials', { SecretId: 'AKIDforensics', SecretKey: key }));

  for (const sign of signMethods) {
    test(`a wrong key, with ${sign}`, async () => {
      const call = intlClient(server.url, { secretId: 'AKIDforensics', secretKey: wrong, sign });
      const error = await failure(call('DescribeInstances', { Limit: 7 }));
      assert.equal(error.code, 'AuthFailure.SignatureFailure');
      const told = await server.admin('GET', `requests/${error.requestId}`);
      assert.equal(told.code, 'AuthFailure.SignatureFailure');
      const { method, canonical_request, string_to_sign, expected_signature, given_signature, likely_cause } = told.signature;
      assert.equal(method, sign);
      assert.match(likely_cause, /SecretKey|key/);
      if (sign === 'TC3-HMAC-SHA256') {
        assert.match(canonical_request, /^POST\n\/\n\ncontent-type:application\/json\nhost:/);
        assert.match(string_to_sign, /^TC3-HMAC-SHA256\n\d+\n\d{4}-\d\d-\d\d\/.*\/tc3_request\n[0-9a-f]{64}$/);
        const scope = string_to_sign.split('\n')[2];
        const signature = (secret, signed) => {
          const derived = scope.split('/').reduce((by, part) => createHmac('sha256', by).update(part).digest(), `TC3${secret}`);
          return createHmac('sha256', derived).update(signed).digest('hex');
        };
        assert.equal(expected_signature, signature(key, string_to_sign), 'what the client should have sent');
        // What it sent: this SDK signs the host without its port.
        const own = canonical_request.replace(/\nhost:127\.0\.0\.1:\d+\n/, '\nhost:127.0.0.1\n');
        const digest = createHash('sha256').update(own).digest('hex');
        assert.equal(given_signature, signature(wrong, string_to_sign.replace(/[0-9a-f]{64}$/, digest)));
      } else {
        assert.match(string_to_sign, /^POST127\.0\.0\.1:\d+\/\?Action=DescribeInstances&/);
        const signature = (secret) =>
          createHmac(sign === 'HmacSHA1' ? 'sha1' : 'sha256', secret).update(string_to_sign).digest('base64');
        assert.equal(expected_signature, signature(key));
        assert.equal(given_signature, signature(wrong));
      }
      const shown = JSON.stringify([told, await server.admin('GET', 'requests')]);
      assert.ok(!shown.includes(key) && !shown.includes(wrong), 'no key is ever shown');
    });

    test(`id and key exchanged, with ${sign}`, async () => {
      const call = intlClient(server.url, { secretId: key, secretKey: 'AKIDforensics', sign });
      const error = await failure(call('DescribeInstances'));
      assert.equal(error.code, 'AuthFailure.SecretIdNotFound');
      const told = await server.admin('GET', `requests/${error.requestId}`);
      assert.match(told.signature.likely_cause, /exchanged/);
      assert.ok(!JSON.stringify([told, await server.admin('GET', 'requests')]).includes(key), 'nor there');
    });
  }

  test('a request that was accepted has nothing to explain', async () => {
    const { RequestId } = await intlClient(server.url, { secretId: 'AKIDforensics', secretKey: key })('DescribeInstances');
    const told = await server.admin('GET', `requests/${RequestId}`);
    assert.deepEqual([told.signature, told.error], [null, null]);
    assert.ok(!JSON.stringify(told).includes(key));
  });
});

describe('capacity and quotas', () => {
  test('stock is used up, given back, and counted for each account', async () => {
    const { secretId, call } = newAccount();
    const put = (stock) => server.admin('PUT', `capacity?account=${secretId}`, {
      capacity: [{ zone: 'ap-guangzhou-3', instance_type: 'S5.*', stock }],
    });
    await put(3);
    const { InstanceIdSet } = await call('RunInstances', { ...plainInstance, InstanceCount: 2 });
    await assert.rejects(call('RunInstances', { ...plainInstance, InstanceCount: 2 }), { code: 'ResourceInsufficient.SpecifiedInstanceType' });
    const partly = await call('RunInstances', { ...plainInstance, InstanceCount: 2, MinCount: 1 });
    assert.equal(partly.InstanceIdSet.length, 1);
    await assert.rejects(call('RunInstances', plainInstance), { code: 'ResourceInsufficient.SpecifiedInstanceType' });
    await call('RunInstances', { ...plainInstance, Placement: { Zone: 'ap-guangzhou-4' } });
    await newAccount().call('RunInstances', plainInstance);
    await server.advance(5, secretId);
    await call('TerminateInstances', { InstanceIds: InstanceIdSet });
    await server.advance(5, secretId);
    await call('RunInstances', { ...plainInstance, InstanceCount: 2 });
    await assert.rejects(call('RunInstances', plainInstance), { code: 'ResourceInsufficient.SpecifiedInstanceType' });
    await put(null);
    await call('RunInstances', plainInstance);
  });

  test('a quota holds for its region and account', async () => {
    const { secretId, call } = newAccount();
    await server.admin('PUT', `quotas?account=${secretId}`, { 'ap-guangzhou': { instances: 1 } });
    await call('RunInstances', plainInstance);
    await assert.rejects(call('RunInstances', plainInstance), { code: 'LimitExceeded.InstanceQuota' });
    const elsewhere = intlClient(server.url, { secretId, region: 'ap-shanghai' });
    await elsewhere('RunInstances', { ...plainInstance, Placement: { Zone: 'ap-shanghai-4' }, InstanceCount: 2 });
    await newAccount().call('RunInstances', { ...plainInstance, InstanceCount: 2 });
    await server.admin('PUT', `quotas?account=${secretId}`, { 'ap-guangzhou': { instances: 2 } });
    await call('RunInstances', plainInstance);
  });
});

// Something of everything that a state holds.
async function fill(on) {
  const a = intlClient(on.url, { secretId: 'AKIDEXAMPLE-a' });
  const b = mainlandClient(on.url, { secretId: 'AKIDEXAMPLE-b', region: 'ap-shanghai' });
  await on.admin('PUT', 'clock', { now: '2026-03-01T00:00:00Z' });
  await on.admin('PUT', 'lifecycle', { 'instance.stop': { delay_s: 90 } });
  await on.admin('PUT', 'capacity', { capacity: [{ zone: 'ap-guangzhou-4', stock: 5 }] });
  await on.admin('PUT', 'quotas?account=AKIDEXAMPLE-b', { '*': { instances: 50 } });
  await on.admin('POST', 'faults', [
    { id: 'reboots-stick', match: { action: 'RebootInstances' }, do: { stuck: true } },
    { match: { action: 'DescribeImages', account: 'AKIDEXAMPLE-b' }, when: { times: 2, ttl_s: 3600 }, do: { error: { code: 'InternalError' } } },
    { id: 'now-and-then', match: { action: 'DescribeZones' }, when: { probability: 0.5 }, do: { error: { code: 'InternalError' } } },
  ]);
  const { InstanceIdSet } = await a('RunInstances', { ...plainInstance, InstanceCount: 4, InstanceName: '测试', ClientToken: 'once' });
  await b('RunInstances', { ...plainInstance, Placement: { Zone: 'ap-shanghai-4' } });
  await on.advance(10);
  await on.advance(100, 'AKIDEXAMPLE-b');
  await a('RebootInstances', { InstanceIds: InstanceIdSet.slice(0, 1) });
  await a('StopInstances', { InstanceIds: InstanceIdSet.slice(1, 3) });
  await assert.rejects(b('DescribeImages'), { code: 'InternalError' });
  const luck = [];
  for (let i = 0; i < 8; ++i) luck.push(await a('DescribeZones').then(() => 1, () => 0));
  await on.advance(30, 'AKIDEXAMPLE-a');
  return luck;
}

const exported = async (on) => (await fetch(new URL('/_cvmsim/state', on.url))).text();
async function imported(on, state) {
  const answer = await fetch(new URL('/_cvmsim/state', on.url), { method: 'PUT', body: state });
  assert.equal(answer.status, 200, await answer.text());
}

const frozen = ['--clock', 'frozen', '--seed', '1', '--rate-limits', 'off'];

describe('the whole state', () => {
  test('exported, imported after a kill, exported again: byte for byte the same', async (context) => {
    const first = await another(context, frozen);
    await fill(first);
    const state = await exported(first);
    assert.ok(state.length > 2000);
    const view = async (on) => {
      const answers = [];
      for (const [secretId, region] of [['AKIDEXAMPLE-a', 'ap-guangzhou'], ['AKIDEXAMPLE-b', 'ap-shanghai']]) {
        answers.push((await intlClient(on.url, { secretId, region })('DescribeInstances')).InstanceSet);
      }
      return answers;
    };
    const seen = await view(first);
    await first.kill();

    for (const seed of ['1', '2']) {
      const second = await another(context, ['--clock', 'real', '--seed', seed, '--rate-limits', 'off']);
      await imported(second, state);
      assert.equal(await exported(second), state);
      assert.deepEqual(await view(second), seen);
      // What is under way goes on, the token still names its instances, the faults go on counting.
      const a = intlClient(second.url, { secretId: 'AKIDEXAMPLE-a' });
      const order = { ...plainInstance, InstanceCount: 4, InstanceName: '测试', ClientToken: 'once' };
      const ids = seen[0].map((instance) => instance.InstanceId).sort();
      assert.deepEqual([...(await a('RunInstances', order)).InstanceIdSet].sort(), ids);
      await second.advance(60, 'AKIDEXAMPLE-a');
      const states = (await a('DescribeInstances')).InstanceSet.map((instance) => instance.InstanceState);
      assert.deepEqual(states.sort(), ['REBOOTING', 'RUNNING', 'STOPPED', 'STOPPED']);
      const b = intlClient(second.url, { secretId: 'AKIDEXAMPLE-b' });
      await assert.rejects(b('DescribeImages'), { code: 'InternalError' });
      assert.ok((await b('DescribeImages')).TotalCount > 0);
    }
  });

  test('the same seed and the same calls make the same state; another seed another', async (context) => {
    const states = [], luck = [];
    for (const seed of ['1', '1', '2']) {
      const one = await another(context, ['--clock', 'frozen', '--seed', seed, '--rate-limits', 'off']);
      luck.push(await fill(one));
      states.push(await exported(one));
      await one.stop();
    }
    assert.equal(states[0], states[1]);
    assert.deepEqual(luck[0], luck[1]);
    assert.notEqual(states[0], states[2]);
    assert.ok(luck[0].includes(0) && luck[0].includes(1), luck[0].join());
  });

  test('a state that is broken is refused whole', async (context) => {
    const one = await another(context, frozen);
    await fill(one);
    const state = await exported(one);
    for (const broken of ['', '{}', '[]', state.slice(0, -10), state.replace('"PENDING"', '"PONDERING"').replace('"RUNNING"', '"RUINING"')]) {
      const answer = await fetch(new URL('/_cvmsim/state', one.url), { method: 'PUT', body: broken });
      assert.equal(answer.status, 400, broken.slice(0, 50));
      assert.ok((await answer.json()).error.message);
    }
    assert.equal(await exported(one), state);
    await one.stop();
  });
});

describe('a state file', () => {
  const scenario = {
    clock: { mode: 'frozen', now: '2026-01-01T00:00:00Z' },
    calls: [{ Action: 'RunInstances', Region: 'ap-guangzhou', Params: plainInstance }],
    faults: [
      { id: 'three-times', match: { action: 'DescribeImages' }, when: { times: 3 }, do: { error: { code: 'InternalError' } } },
      { id: 'deleted-later', match: { action: 'DescribeZones' }, do: { error: { code: 'InternalError' } } },
    ],
  };

  test('keeps the faults and what they counted; the scenario is not applied again', async (context) => {
    const directory = temporaryDirectory(context);
    const path = join(directory, 'scenario.json');
    writeFileSync(path, JSON.stringify(scenario));
    const options = ['--state', join(directory, 'state.db'), '--scenario', path, '--seed', '1'];
    let one = await another(context, options);
    const images = () => intlClient(one.url)('DescribeImages');
    await assert.rejects(images(), { code: 'InternalError' });
    await one.admin('DELETE', 'faults/deleted-later');
    await one.admin('POST', 'faults', { id: 'added', match: { action: 'DescribeRegions' }, do: { error: { code: 'InternalError' } } });
    await one.advance(10);
    await one.kill();

    for (const left of [2, 1]) {
      one = await another(context, options);
      const call = intlClient(one.url);
      const { faults } = await one.admin('GET', 'faults');
      assert.deepEqual(faults.map((rule) => [rule.id, rule.fired]), [['three-times', 3 - left], ['added', 2 - left]]);
      const { InstanceSet, TotalCount } = await call('DescribeInstances');
      assert.equal(TotalCount, 1);
      assert.equal(InstanceSet[0].InstanceState, 'RUNNING');
      assert.equal((await one.admin('GET', 'clock')).now, '2026-01-01T00:00:10Z');
      await assert.rejects(images(), { code: 'InternalError' });
      await assert.rejects(call('DescribeRegions'), { code: 'InternalError' });
      await one.stop();
    }

    one = await another(context, options);
    assert.ok((await images()).TotalCount > 0, 'three times and no more');
    await one.admin('POST', 'reset');
    const { faults } = await one.admin('GET', 'faults');
    assert.deepEqual(faults.map((rule) => [rule.id, rule.fired]), [['three-times', 0], ['deleted-later', 0]]);
    assert.equal((await one.admin('GET', 'clock')).now, '2026-01-01T00:00:00Z');
    assert.equal((await intlClient(one.url)('DescribeInstances')).InstanceSet[0].InstanceState, 'PENDING');
  });
});
