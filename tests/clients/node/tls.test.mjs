// HTTPS with the certificate that the server makes for itself.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { Server, temporaryDirectory } from './server.mjs';
import { signedTc3 } from './wire.mjs';

const health = { method: 'GET', target: '/_cvmsim/health', headers: {}, body: '' };

// Asks the server at the URL, under whatever name, and gives { status, body }.
function ask(url, { ca, name = url.hostname, request = health }) {
  const lookup = (host, options, callback) =>
    options.all ? callback(null, [{ address: url.hostname, family: 4 }]) : callback(null, url.hostname, 4);
  return new Promise((resolve, reject) => {
    const { method, target, headers, body } = request;
    const options = { host: name, port: url.port, path: target, method, headers, ca, lookup, agent: false };
    https.request(options, async (response) => {
      let text = '';
      for await (const part of response.setEncoding('utf8')) text += part;
      resolve({ status: response.statusCode, body: text });
    }).on('error', reject).end(body);
  });
}

describe('a certificate of its own', () => {
  const names = ['cvm.tencentcloudapi.com', 'cvm.intl.tencentcloudapi.com', 'cvm.ap-guangzhou.tencentcloudapi.com',
    'vpc.tencentcloudapi.com'];
  let server, directory, ca;
  const cleanups = [];
  before(async () => {
    directory = temporaryDirectory({ after: (cleanup) => cleanups.push(cleanup) });
    server = await Server.start(['--tls-listen', '127.0.0.1:0', '--tls-dir', directory, '--admin-host', names.join()]);
    ca = readFileSync(join(directory, 'ca.pem'));
  });
  after(async () => {
    await server.stop();
    cleanups.forEach((cleanup) => cleanup());
  });

  test('both listeners are told, HTTP first', () => {
    assert.deepEqual(server.urls.map((url) => url.protocol), ['http:', 'https:']);
  });

  test('the port for HTTP takes TLS, too, and HTTP beside it', async () => {
    const secure = new URL(server.urls[0].href.replace('http:', 'https:'));
    assert.equal((await ask(secure, { ca, name: 'localhost' })).status, 200);
    assert.equal((await fetch(new URL('/_cvmsim/health', server.urls[0]))).status, 200);
    assert.equal((await ask(secure, { ca, name: 'localhost' })).status, 200);
  });

  for (const name of ['127.0.0.1', 'localhost', ...names]) {
    test(`it is valid for ${name}`, async () => {
      const url = server.urls[1];
      assert.equal((await ask(url, { ca, name })).status, 200);
      const request = signedTc3({ action: 'DescribeInstances', host: name });
      request.headers['Content-Length'] = Buffer.byteLength(request.body);
      const { status, body } = await ask(url, { ca, name, request });
      assert.equal(status, 200);
      assert.equal(JSON.parse(body).Response.TotalCount, 0, body);
    });
  }

  test('not for other names, and not without the CA', async () => {
    const url = server.urls[1];
    await assert.rejects(ask(url, { ca, name: 'example.com' }), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    await assert.rejects(ask(url, {}), /certificate/);
    assert.equal((await ask(url, { ca })).status, 200);
  });

  test('its keys are for the owner only', () => {
    const keys = readdirSync(directory).filter((file) => file.includes('key'));
    assert.ok(keys.length > 0);
    for (const file of keys) assert.equal(statSync(join(directory, file)).mode & 0o077, 0, file);
  });

  test('plain HTTP on the TLS port, and a client that goes away', async () => {
    const { hostname: host, port } = server.urls[1];
    for (const bytes of ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', Buffer.from('160301', 'hex'), '']) {
      const socket = net.connect({ host, port });
      socket.on('error', () => {}).on('data', () => {});
      const closed = new Promise((resolve) => socket.on('close', resolve));
      socket.end(bytes);
      await closed;
    }
    assert.equal((await ask(server.urls[1], { ca })).status, 200);
  });

  test('an SDK that is told of the CA by NODE_EXTRA_CA_CERTS', async () => {
    const script = `
      import { intlClient, mainlandClient } from ${JSON.stringify(new URL('./sdk.mjs', import.meta.url).href)};
      const url = new URL(process.argv[1]);
      const counts = [intlClient, mainlandClient].map(async (client) => (await client(url)('DescribeRegions')).TotalCount);
      console.log((await Promise.all(counts)).join());`;
    const { stdout } = await promisify(execFile)(
      process.execPath, ['--input-type=module', '--eval', script, server.urls[1].href],
      { env: { ...process.env, NODE_EXTRA_CA_CERTS: join(directory, 'ca.pem') } });
    assert.match(stdout, /^([1-9][0-9]*),\1\n$/);
  });
});

test('the CA outlives the server', async (context) => {
  const directory = temporaryDirectory(context);
  const options = ['--tls-listen', '127.0.0.1:0', '--tls-dir', directory];
  let server = await Server.start(options);
  const ca = readFileSync(join(directory, 'ca.pem'));
  await server.stop();
  server = await Server.start(options);
  assert.deepEqual(readFileSync(join(directory, 'ca.pem')), ca);
  assert.equal((await ask(server.urls[1], { ca })).status, 200);
  await server.stop();
});
