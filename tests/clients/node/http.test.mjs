// HTTP as it comes: well-formed in every way that is allowed, and in ways that are not.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, afterEach, before, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { Server } from './server.mjs';
import { intlClient } from './sdk.mjs';
import { Connection, chunked, exchange, responseOf, signedTc3, signedV1, text, withConnection } from './wire.mjs';

const megabyte = 1 << 20;

let server;
before(async () => (server = await Server.start(['--clock', 'frozen', '--rate-limits', 'off'])));
after(() => server.stop());
// Whatever a test did, the server answers.
afterEach(async () => {
  const { TotalCount } = await intlClient(server.url)('DescribeInstances');
  assert.equal(TotalCount, 0);
});

const describeInstances = (more = {}) => signedTc3({ action: 'DescribeInstances', ...more });

function fine(answer) {
  assert.ok(answer, 'there is an answer');
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['content-type'], 'application/json');
  const response = responseOf(answer);
  assert.equal(response.Error, undefined, answer.body);
  assert.equal(response.TotalCount, 0);
  return answer;
}

function refused(answer, code) {
  assert.ok(answer, 'there is an answer');
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['content-type'], 'application/json');
  const response = responseOf(answer);
  assert.equal(response.Error?.Code, code, answer.body.slice(0, 500));
  assert.match(response.RequestId, /^[0-9a-f-]{36}$/);
}

describe('garbage', () => {
  const garbage = {
    'a line of text': 'hello there\r\n\r\n',
    'bytes': Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 151 + 7) % 256)),
    'a TLS client': Buffer.from('16030100a5010000a1030312345678', 'hex'),
    'an unknown version': 'GET / HTTP/9.9\r\nHost: a\r\n\r\n',
    'no version': 'GET /\r\n\r\n',
    'a header without colon': 'GET / HTTP/1.1\r\nHost a\r\n\r\n',
    'a length that is no number': 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ten\r\n\r\n0123456789',
    'a negative length': 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n',
    'two lengths': 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
    'a bad chunk': 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n',
    'a NUL in a header': 'GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n',
    'a space in the target': 'GET /a b HTTP/1.1\r\nHost: a\r\n\r\n',
  };
  for (const [what, bytes] of Object.entries(garbage)) {
    test(what, () => withConnection(server.port, async (connection) => {
      connection.send(bytes);
      connection.socket.end();
      const answer = await connection.answer();
      if (answer) {
        assert.equal(answer.status, 400);
        assert.equal(answer.headers.connection, 'close');
      }
      assert.ok(await connection.isClosed());
    }));
  }

  test('an endless header line', () => withConnection(server.port, async (connection) => {
    connection.send(`GET / HTTP/1.1\r\nHost: a\r\nX-Long: ${'x'.repeat(200_000)}`);
    connection.socket.end();
    await connection.answer();
    assert.ok(await connection.isClosed());
  }));

  test('a thousand headers', async () => {
    const headers = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`X-Header-${i}`, 'value']));
    fine(await exchange(server.port, text(describeInstances({ headers }))));
  });
});

describe('requests that are cut', () => {
  const whole = Buffer.from(text(describeInstances({ parameters: { Limit: 10 } })));
  const headEnd = whole.indexOf('\r\n\r\n');
  const cuts = [1, 3, whole.indexOf('\r\n'), 50, headEnd + 2, headEnd + 4, whole.length - 1];
  for (const at of cuts) {
    test(`after ${at} of ${whole.length} bytes, half closed`, () => withConnection(server.port, async (connection) => {
      connection.send(whole.subarray(0, at));
      connection.socket.end();
      const answer = await connection.answer();
      if (answer) assert.equal(answer.status, 400);
      assert.ok(await connection.isClosed());
    }));
    test(`after ${at} of ${whole.length} bytes, reset`, () => withConnection(server.port, async (connection) => {
      await connection.send(whole.subarray(0, at));
      connection.socket.resetAndDestroy();
    }));
  }

  test('a client that does not wait for its answer', async () => {
    for (let i = 0; i < 20; ++i) {
      const connection = new Connection(server.port);
      await connection.send(whole);
      connection.socket.resetAndDestroy();
    }
  });

  test('a client that closes its side and then reads', () => withConnection(server.port, async (connection) => {
    connection.send(whole);
    connection.socket.end();
    fine(await connection.answer());
    assert.ok(await connection.isClosed());
  }));

  test('byte by byte', () => withConnection(server.port, async (connection) => {
    connection.socket.setNoDelay(true);
    for (const byte of whole) await connection.send(Buffer.from([byte]));
    fine(await connection.answer());
  }));
});

describe('methods', () => {
  for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND', 'MADEUP', 'TRACE']) {
    test(method, () => withConnection(server.port, async (connection) => {
      connection.send(text(describeInstances({ method })));
      refused(await connection.answer(), 'UnsupportedProtocol');
      connection.send(text(describeInstances()));
      fine(await connection.answer());
    }));
  }

  test('HEAD: no body, and the connection goes on', () => withConnection(server.port, async (connection) => {
    connection.send(text({ ...describeInstances({ method: 'GET' }), method: 'HEAD' }, { length: false }));
    const answer = await connection.answer({ toHead: true });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['content-type'], 'application/json');
    connection.send(text(describeInstances()));
    fine(await connection.answer());
  }));

  test('OPTIONS *', async () => {
    refused(await exchange(server.port, 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n'), 'UnsupportedProtocol');
  });

  test('CONNECT is refused, the connection closed or kept', async () => {
    const to = 'cvm.tencentcloudapi.com:443';
    const answer = await exchange(server.port, `CONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\n\r\n`);
    if (answer) assert.ok(answer.status >= 400 || responseOf(answer).Error);
  });
});

describe('bodies', () => {
  const v1 = (method, size) =>
    text(signedV1({ action: 'DescribeInstances', method, parameters: { 'InstanceIds.0': 'x'.repeat(size) } }));

  test('chunked, in one piece and in many', async () => {
    for (const size of [7, 1000]) {
      const request = describeInstances({ parameters: { Limit: 10 }, headers: { 'Transfer-Encoding': 'chunked' } });
      const head = text({ ...request, body: '' }, { length: false });
      fine(await exchange(server.port, Buffer.concat([Buffer.from(head), chunked(request.body, size)])));
    }
  });

  test('chunked, with extensions and trailers', async () => {
    const request = describeInstances({ headers: { 'Transfer-Encoding': 'chunked' } });
    const head = text({ ...request, body: '' }, { length: false });
    fine(await exchange(server.port, `${head}2;name=value\r\n{}\r\n0\r\nX-Trailer: a\r\n\r\n`));
  });

  for (const expect of ['100-continue', '100-Continue']) {
    test(`Expect: ${expect}`, () => withConnection(server.port, async (connection) => {
      const request = describeInstances({ parameters: { Limit: 10 }, headers: { Expect: expect } });
      const bytes = Buffer.from(text(request));
      const bodyAt = bytes.length - request.body.length;
      connection.send(bytes.subarray(0, bodyAt));
      const interim = await connection.answer();
      assert.equal(interim.status, 100);
      connection.send(bytes.subarray(bodyAt));
      fine(await connection.answer());
      // An impatient client sends the body at once; an interim answer is then allowed, not due.
      connection.send(bytes);
      let answer = await connection.answer();
      if (answer.status === 100) answer = await connection.answer();
      fine(answer);
    }));
  }

  test('Expect: 100-continue before 11 MB: refused, read or not', () => withConnection(server.port, async (connection) => {
    const body = JSON.stringify({ InstanceIds: ['x'.repeat(11 * megabyte)] });
    const bytes = Buffer.from(text(describeInstances({ body, headers: { Expect: '100-continue' } })));
    connection.send(bytes.subarray(0, bytes.length - body.length));
    let answer = await connection.answer();
    if (answer.status === 100) {
      connection.send(bytes.subarray(bytes.length - body.length));
      answer = await connection.answer();
    }
    refused(answer, 'RequestSizeLimitExceeded');
  }));

  test('just under 10 MB', async () => {
    const body = JSON.stringify({ Limit: 10 }).padEnd(10 * megabyte);
    fine(await exchange(server.port, text(describeInstances({ body }))));
  });

  for (const size of [11, 13, 40]) {
    test(`${size} MB`, async () => {
      const body = JSON.stringify({ Limit: 10 }).padEnd(size * megabyte);
      refused(await exchange(server.port, text(describeInstances({ body }))), 'RequestSizeLimitExceeded');
    });
    test(`${size} MB, chunked`, async () => {
      const body = JSON.stringify({ Limit: 10 }).padEnd(size * megabyte);
      const request = describeInstances({ body, headers: { 'Transfer-Encoding': 'chunked' } });
      const head = text({ ...request, body: '' }, { length: false });
      const bytes = Buffer.concat([Buffer.from(head), chunked(body, 64 << 10)]);
      refused(await exchange(server.port, bytes), 'RequestSizeLimitExceeded');
    });
  }

  test('v1: over 1 MB, and just under', async () => {
    refused(await exchange(server.port, v1('POST', megabyte + 1)), 'RequestSizeLimitExceeded');
    refused(await exchange(server.port, v1('POST', megabyte - 1000)), 'InvalidInstanceId.Malformed');
  });

  test('GET: 40 KB, 100 KB, and just under 32 KB', async () => {
    const get = (size) => text(describeInstances({ method: 'GET', query: `InstanceIds.0=${'x'.repeat(size)}` }));
    refused(await exchange(server.port, get(40_000)), 'RequestSizeLimitExceeded');
    refused(await exchange(server.port, get(100_000)), 'RequestSizeLimitExceeded');
    refused(await exchange(server.port, get(32_000)), 'InvalidInstanceId.Malformed');
    refused(await exchange(server.port, v1('GET', 40_000)), 'RequestSizeLimitExceeded');
    refused(await exchange(server.port, v1('GET', 31_000)), 'InvalidInstanceId.Malformed');
  });
});

describe('connections', () => {
  test('are kept for the next request', () => withConnection(server.port, async (connection) => {
    for (let i = 0; i < 5; ++i) {
      connection.send(text(i % 2 ? describeInstances() : describeInstances({ method: 'GET', query: 'Limit=10' })));
      const answer = fine(await connection.answer());
      assert.notEqual(answer.headers.connection, 'close');
    }
  }));

  test('pipelined requests are answered in order', () => withConnection(server.port, async (connection) => {
    const requests = Array.from({ length: 40 }, (_, i) => {
      if (i % 4 === 3) return signedTc3({ action: `Unknown${i}` });
      return describeInstances(i % 2 ? {} : { method: 'GET', query: 'Limit=10' });
    });
    connection.send(requests.map((request) => text(request)).join(''));
    for (let i = 0; i < 40; ++i) {
      const answer = await connection.answer();
      if (i % 4 === 3) {
        refused(answer, 'InvalidAction');
        assert.match(answer.body, new RegExp(`Unknown${i}\\b`));
      } else {
        fine(answer);
      }
    }
  }));

  test('Connection: close', () => withConnection(server.port, async (connection) => {
    connection.send(text(describeInstances({ headers: { Connection: 'Close' } })));
    const answer = fine(await connection.answer());
    assert.equal(answer.headers.connection, 'close');
    assert.ok(await connection.isClosed());
  }));

  test('HTTP/1.0', () => withConnection(server.port, async (connection) => {
    connection.send(text(describeInstances(), { version: '1.0' }));
    fine(await connection.answer());
    assert.ok(await connection.isClosed());
  }));

  test('HTTP/1.0 without Host', () => withConnection(server.port, async (connection) => {
    const request = describeInstances({ host: '' });
    delete request.headers.Host;
    connection.send(text(request, { version: '1.0' }));
    fine(await connection.answer());
  }));

  test('HTTP/1.0, keep-alive: kept and told so, or closed', () => withConnection(server.port, async (connection) => {
    const bytes = text(describeInstances({ headers: { Connection: 'keep-alive' } }), { version: '1.0' });
    connection.send(bytes);
    const answer = fine(await connection.answer());
    if (answer.headers.connection?.toLowerCase() === 'keep-alive') {
      connection.send(bytes);
      fine(await connection.answer());
    } else {
      connection.socket.setTimeout(2000);
      assert.ok(await connection.isClosed());
    }
  }));

  test('two hundred at once', async () => {
    const connections = Array.from({ length: 200 }, () => new Connection(server.port));
    await Promise.all(connections.map(({ socket }) => once(socket, 'connect')));
    const bytes = text(describeInstances());
    for (const connection of connections) connection.send(bytes);
    for (const connection of connections) {
      fine(await connection.answer());
      connection.close();
    }
  });
});

describe('targets and headers', () => {
  for (const host of ['cvm.tencentcloudapi.com', 'cvm.ap-guangzhou.tencentcloudapi.com', '127.0.0.1:8080', 'LOCALHOST',
    'http://127.0.0.1:8080', '[::1]:8080', 'any thing']) {
    test(`Host: ${host}`, async () => {
      fine(await exchange(server.port, text(describeInstances({ host }))));
      fine(await exchange(server.port, text(signedV1({ action: 'DescribeInstances', host }))));
    });
  }

  test('absolute-form targets', async () => {
    const host = 'cvm.tencentcloudapi.com';
    for (const prefix of [`http://${host}`, `https://${host}`, `http://${host}:80`, 'HTTP://Cvm.TencentCloudApi.com']) {
      for (const request of [
        describeInstances({ host }),
        describeInstances({ host, method: 'GET', query: 'Limit=10&Offset=0' }),
        signedV1({ action: 'DescribeInstances', host, method: 'GET' }),
        signedV1({ action: 'DescribeInstances', host }),
      ]) {
        fine(await exchange(server.port, text({ ...request, target: prefix + request.target })));
      }
    }
    const bare = describeInstances({ host, method: 'GET' });
    fine(await exchange(server.port, text({ ...bare, target: `http://${host}` })));
  });

  test('a path, signed as sent or as /', async () => {
    fine(await exchange(server.port, text(describeInstances({ path: '/cvm' }))));
    fine(await exchange(server.port, text({ ...describeInstances(), target: '/cvm/' })));
  });

  test('header names in any case', async () => {
    for (const spelled of [(name) => name.toLowerCase(), (name) => name.toUpperCase(),
      (name) => name.split('').map((c, i) => (i % 2 ? c.toLowerCase() : c.toUpperCase())).join('')]) {
      const v1 = signedV1({ action: 'DescribeInstances' });
      for (const request of [describeInstances({ method: 'GET' }), describeInstances(), v1]) {
        const entries = Object.entries(request.headers).map(([name, value]) => [spelled(name), value]);
        const headers = Object.fromEntries(entries);
        fine(await exchange(server.port, text({ ...request, headers })));
      }
    }
  });

  test('header values between blanks', async () => {
    const request = describeInstances();
    for (const blank of ['', '   ', '\t']) {
      const lines = Object.entries(request.headers).map(([name, value]) => `${name}:${blank}${value}${blank}\r\n`);
      fine(await exchange(server.port, `POST / HTTP/1.1\r\n${lines.join('')}Content-Length: 2\r\n\r\n{}`));
    }
  });

  test('a content type with a charset', async () => {
    fine(await exchange(server.port, text(describeInstances({ contentType: 'application/json; charset=utf-8' }))));
  });

  test('the query is signed as sent: order, encoding, blanks as + or %20', async () => {
    for (const query of [
      'Offset=0&Limit=10',
      'Limit=10&Offset=0',
      'Filters.0.Values.0=a+b&Filters.0.Name=instance-name',
      'Filters.0.Values.0=a%20b&Filters.0.Name=instance%2dname',
      "Filters.0.Name=instance-name&Filters.0.Values.0=*()!'~",
      'Filters.0.Name=instance-name&Filters.0.Values.0=%2a%28%29%21%27%7e',
      'Filters.0.Name=instance-name&Filters.0.Values.0=%E6%B5%8B%e8%af%95',
    ]) {
      fine(await exchange(server.port, text(describeInstances({ method: 'GET', query }))));
    }
  });
});

describe('gzip', () => {
  const Filters = [{ Name: 'zone', Values: ['ap-guangzhou-3'] }];
  const big = (headers) => signedTc3({ action: 'DescribeZoneInstanceConfigInfos', parameters: { Filters }, headers });
  const content = (body) => ({ ...JSON.parse(body).Response, RequestId: undefined });

  test('only if Accept-Encoding names it; the content is the same', async () => {
    const plain = await exchange(server.port, text(big({})));
    assert.equal(plain.headers['content-encoding'], undefined);
    assert.ok(plain.raw.length > 10_000);
    const naming = ['gzip', 'gzip, deflate', 'deflate,gzip', 'gzip;q=0.5', 'br, GZIP', 'identity;q=0.1, gzip;q=1.0'];
    for (const encoding of naming) {
      const packed = await exchange(server.port, text(big({ 'Accept-Encoding': encoding })));
      assert.equal(packed.headers['content-encoding'], 'gzip', encoding);
      assert.equal(packed.headers['content-type'], 'application/json');
      assert.ok(packed.raw.length < plain.raw.length / 4);
      assert.deepEqual(content(gunzipSync(packed.raw)), content(plain.raw));
    }
    for (const encoding of ['', 'identity', 'deflate', 'br', 'gzip;q=0', 'gzip; q=0.0, deflate', 'xgzip']) {
      const answer = await exchange(server.port, text(big({ 'Accept-Encoding': encoding })));
      assert.equal(answer.headers['content-encoding'], undefined, encoding);
      assert.deepEqual(content(answer.raw), content(plain.raw));
    }
  });
});

describe('content type', () => {
  test('exactly application/json for answers, errors and the admin API', async () => {
    for (const request of [
      describeInstances(),
      describeInstances({ secretKey: 'wrong' }),
      describeInstances({ body: '{' }),
      describeInstances({ contentType: 'application/json; charset=utf-8' }),
      signedV1({ action: 'DescribeInstances', method: 'GET' }),
      signedTc3({ action: 'Unknown' }),
      { method: 'GET', target: '/favicon.ico', headers: { Host: 'a' }, body: '' },
      { method: 'GET', target: '/_cvmsim/health', headers: { Host: 'a' }, body: '' },
      { method: 'GET', target: '/_cvmsim/nothing', headers: { Host: 'a' }, body: '' },
    ]) {
      for (const Accept of ['*/*', 'text/html', 'text/event-stream']) {
        const answer = await exchange(server.port, text({ ...request, headers: { ...request.headers, Accept } }));
        assert.equal(answer.headers['content-type'], 'application/json');
        assert.equal(Number(answer.headers['content-length']), answer.raw.length);
        JSON.parse(answer.body);
      }
    }
  });
});

test('the admin API refuses what it does not know with 4xx', async () => {
  const ask = (method, path, body) =>
    exchange(server.port, text({ method, target: `/_cvmsim/${path}`, headers: { Host: 'a' }, body: body ?? '' }));
  for (const [status, ...request] of [
    [404, 'GET', 'nothing'],
    [405, 'DELETE', 'health'],
    [400, 'POST', 'clock/advance', '{'],
    [400, 'POST', 'clock/advance', '{"minutes": 1}'],
    [400, 'POST', 'clock/advance', '{"seconds": -1}'],
    [400, 'POST', 'clock/advance', '[]'],
    [400, 'PUT', 'clock', '{"mode": "sideways"}'],
    [400, 'PUT', 'lifecycle', '{"instance.dance": {"delay_s": 1}}'],
  ]) {
    const answer = await ask(...request);
    assert.equal(answer.status, status, JSON.stringify(request));
    const { error } = JSON.parse(answer.body);
    assert.ok(error.code && error.message);
  }
});
