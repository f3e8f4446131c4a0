// The admin API and web pages: what a page in the tester's browser may not do.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Server, run } from './server.mjs';
import { Connection, exchange, signedTc3, text } from './wire.mjs';

const megabyte = 1 << 20;
const app = 'http://localhost:3000';
let server, inviting;
before(async () => {
  server = await Server.start();
  inviting = await Server.start(['--cors', app, '--admin-host', 'cvmsim.test,Sim.Example.com']);
});
after(() => Promise.all([server.stop(), inviting.stop()]));

const reset = (headers, method = 'POST') => text({ method, target: '/_cvmsim/reset', headers, body: '' });

async function refused(to, headers) {
  const answer = await exchange(to.port, reset(headers));
  assert.equal(answer.status, 403, JSON.stringify(headers));
  const { error } = JSON.parse(answer.body);
  assert.equal(error.code, 'Forbidden');
  assert.ok(error.message.length > 20);
  assert.equal(answer.headers['access-control-allow-origin'], undefined);
}

async function allowed(to, headers) {
  const answer = await exchange(to.port, reset(headers));
  assert.equal(answer.status, 200, JSON.stringify(headers));
  return answer;
}

describe('Host', () => {
  for (const Host of ['127.0.0.1', '127.0.0.1:8080', '10.0.0.7:80', '[::1]', '[::1]:8080', 'localhost', 'LOCALHOST:8080',
    'sim.localhost:8080', 'cvmsim:8080', 'cvmsim', 'my_service:8080']) {
    test(`${Host} is ours`, () => allowed(server, { Host }));
  }
  for (const Host of ['evil.example', 'evil.example:8080', '127.0.0.1.evil.example', 'localhost.evil.example', 'evil%2eexample',
    'user@localhost', 'evil.example.', 'http://127.0.0.1:8080', 'any thing', 'cvmsim.test']) {
    test(`${Host} is not`, () => refused(server, { Host }));
  }
  test('--admin-host names further ones', async () => {
    for (const Host of ['cvmsim.test', 'CVMSIM.test:8080', 'sim.example.com']) await allowed(inviting, { Host });
    await refused(inviting, { Host: 'www.sim.example.com' });
  });
  test('the API takes any name', async () => {
    const answer = await exchange(server.port, text(signedTc3({ action: 'DescribeRegions', host: 'evil.example' })));
    assert.equal(answer.status, 200);
    assert.equal(JSON.parse(answer.body).Response.Error, undefined);
  });
});

describe('Origin and Sec-Fetch-Site', () => {
  const Host = '127.0.0.1:8080';
  for (const Origin of ['http://evil.example', 'null', 'https://127.0.0.1:8080', 'http://127.0.0.1:8081', 'http://127.0.0.1',
    'http://localhost:8080', app]) {
    test(`a page of ${Origin} is foreign`, () => refused(server, { Host, Origin }));
  }
  test('its own page is not', () => allowed(server, { Host, Origin: `http://${Host}`, 'Sec-Fetch-Site': 'same-origin' }));
  test('other sites without an Origin are, an address typed in is not', async () => {
    await refused(server, { Host, 'Sec-Fetch-Site': 'cross-site' });
    await refused(server, { Host, 'Sec-Fetch-Site': 'same-site' });
    await allowed(server, { Host, 'Sec-Fetch-Site': 'none' });
  });
  test('as a page would do it: a form, no preflight', () =>
    refused(server, { Host, Origin: 'http://evil.example', 'Sec-Fetch-Site': 'cross-site', 'Content-Type': 'text/plain' }));
});

describe('--cors', () => {
  const Host = '127.0.0.1:8080';
  const page = { Host, Origin: app, 'Sec-Fetch-Site': 'same-site' };
  test('lets pages of one origin in, and no other', async () => {
    const answer = await allowed(inviting, page);
    assert.equal(answer.headers['access-control-allow-origin'], app);
    assert.equal(answer.headers.vary, 'Origin');
    await refused(inviting, { ...page, Origin: 'http://localhost:3001' });
    assert.equal((await allowed(inviting, { Host })).headers['access-control-allow-origin'], undefined);
  });
  test('preflights are answered', async () => {
    const asking = { ...page, 'Access-Control-Request-Method': 'PUT', 'Access-Control-Request-Headers': 'content-type' };
    const connection = new Connection(inviting.port);
    connection.send(reset(asking, 'OPTIONS'));
    const answer = await connection.answer();
    assert.equal(answer.status, 204);
    assert.equal(answer.headers['content-length'], undefined);
    assert.match(answer.headers['access-control-allow-methods'], /\bPUT\b/);
    assert.match(answer.headers['access-control-allow-headers'], /content-type/i);
    // The connection goes on: nobody waits for a body.
    connection.send(reset(page));
    assert.equal((await connection.answer()).status, 200);
    connection.close();
  });
  test('without it OPTIONS is no admin call', async () => {
    assert.equal((await exchange(server.port, reset({ Host }, 'OPTIONS'))).status, 405);
  });
  for (const cors of ['*', 'localhost', 'ftp://a', 'http://a/', 'http://a/path', 'http://a?b', 'null']) {
    test(`--cors '${cors}' is no origin`, async () => {
      const { code, stderr } = await run(['--listen', '127.0.0.1:0', '--cors', cors]);
      assert.equal(code, 2);
      assert.match(stderr, /^cvmsim: --cors[^\n]+\n$/);
    });
  }
  for (const host of ['a:80', 'http://a', 'a b']) {
    test(`--admin-host '${host}' is no name`, async () => {
      const { code, stderr } = await run(['--listen', '127.0.0.1:0', '--admin-host', host]);
      assert.equal(code, 2);
      assert.match(stderr, /^cvmsim: --admin-host[^\n]+\n$/);
    });
  }
});

test('browsers neither guess, frame nor embed', async () => {
  for (const target of ['/_cvmsim/health', '/_cvmsim/metrics', '/_cvmsim/nothing', '/_cvmsim']) {
    const answer = await exchange(server.port, text({ method: 'GET', target, headers: { Host: 'a' }, body: '' }));
    assert.equal(answer.headers['x-content-type-options'], 'nosniff');
    assert.match(answer.headers['content-security-policy'], /frame-ancestors 'none'/);
    assert.equal(answer.headers['cross-origin-resource-policy'], 'same-origin');
  }
});

test('a path is not taken from a scheme in the middle', async () => {
  const answer = await exchange(server.port, 'POST /x://y/_cvmsim/reset HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n');
  assert.equal(JSON.parse(answer.body).Response.Error.Code, 'MissingParameter');
});

describe('bodies of admin calls', () => {
  const ask = (method, path, length, more = '') =>
    exchange(server.port, `${method} /_cvmsim/${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n${more}`);
  async function tooLarge(answer) {
    assert.equal(answer.status, 413);
    assert.equal(answer.headers.connection, 'close');
    assert.equal(JSON.parse(answer.body).error.code, 'PayloadTooLarge');
  }

  test('are refused unread: none for GET, 1 MB, 12 MB for scenarios, 256 MB for a state', async () => {
    for (const path of ['health', 'state', 'requests', 'nothing']) await tooLarge(await ask('GET', path, 1));
    for (const [method, path] of [['POST', 'faults'], ['PUT', 'clock'], ['POST', 'state'], ['DELETE', 'requests'],
      ['POST', 'nothing'], ['POST', 'snapshots/a']]) {
      await tooLarge(await ask(method, path, megabyte + 1));
    }
    await tooLarge(await ask('POST', 'scenarios', 12 * megabyte + 1));
    await tooLarge(await ask('PUT', 'state', 256 * megabyte + 1));
    await tooLarge(await ask('PUT', 'state?a=/../', 256 * megabyte + 1));
  });
  test('in chunks, too', async () => {
    const head = 'POST /_cvmsim/faults HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
    await tooLarge(await exchange(server.port, `${head}100001\r\n`));
  });
  test('below that they are read', async () => {
    assert.equal((await ask('PUT', 'clock', megabyte, ' '.repeat(megabyte))).status, 400);
    assert.equal((await ask('POST', 'scenarios', 2 * megabyte, '{}'.padEnd(2 * megabyte))).status, 200);
    assert.equal((await ask('PUT', 'state', 2 * megabyte, '{}'.padEnd(2 * megabyte))).status, 400);
  });
});
