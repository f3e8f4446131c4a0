// Where a request ends and whom it is for: what two readers might see differently is refused.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Server } from './server.mjs';
import { signedTc3, text, withConnection } from './wire.mjs';

let server;
before(async () => (server = await Server.start(['--auth', 'off', '--rate-limits', 'off'])));
after(() => server.stop());

const regions = () => text(signedTc3({ action: 'DescribeRegions' }));

// One answer of that status, then a close: what follows is never taken for a request.
async function refused(bytes, status) {
  await withConnection(server.port, async (connection) => {
    connection.send(bytes);
    const answer = await connection.answer();
    assert.equal(answer?.status, status, bytes);
    assert.equal(answer.headers.connection, 'close');
    const { error } = JSON.parse(answer.body);
    assert.ok(error.code && error.message);
    connection.socket.end();
    assert.ok(await connection.isClosed());
  });
}

async function served(bytes) {
  await withConnection(server.port, async (connection) => {
    connection.send(bytes + regions());
    for (let i = 0; i < 2; ++i) {
      const answer = await connection.answer();
      assert.equal(answer?.status, 200, bytes);
      assert.equal(JSON.parse(answer.body).Response.TotalCount > 0, true, answer.body);
    }
  });
}

describe('Transfer-Encoding', () => {
  const asking = (coding, version = '1.1') =>
    `POST / HTTP/${version}\r\nHost: a\r\nX-TC-Action: DescribeRegions\r\nX-TC-Version: 2017-03-12\r\n` +
    `Content-Type: application/json\r\n${coding}\r\n2\r\n{}\r\n0\r\n\r\n`;
  const smuggled = 'POST /_cvmsim/reset HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n';

  for (const coding of ['chunked', 'Chunked', '  chunked  ']) {
    test(`'${coding}' is served`, () => served(asking(`Transfer-Encoding:${coding}\r\n`)));
  }
  for (const coding of ['xchunked', 'identity', 'gzip, chunked', 'identity, chunked', 'chunked, gzip', 'chunked;a=b',
    '"chunked"', ',chunked', '']) {
    test(`'${coding}' is not`, () => refused(asking(`Transfer-Encoding: ${coding}\r\n`) + smuggled, 501));
  }
  test('several fields are not', async () => {
    await refused(asking('Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n') + smuggled, 501);
    await refused(asking('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n') + smuggled, 400);
  });
  test('beside a length, or in HTTP/1.0, it is not', async () => {
    await refused(asking('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n') + smuggled, 400);
    await refused(asking('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n') + smuggled, 400);
    await refused(asking('Transfer-Encoding: chunked\r\n', '1.0') + smuggled, 400);
  });
});

describe('Host', () => {
  test('one, not two', async () => {
    await refused(regions().replace('Host: 127.0.0.1', 'Host: 127.0.0.1\r\nHost: 127.0.0.1'), 400);
  });
  test('one, not none; HTTP/1.0 may do without', async () => {
    await refused(regions().replace('Host: 127.0.0.1\r\n', ''), 400);
    await withConnection(server.port, async (connection) => {
      connection.send(regions().replace('Host: 127.0.0.1\r\n', '').replace('HTTP/1.1', 'HTTP/1.0'));
      assert.equal((await connection.answer()).status, 200);
    });
  });
});

test('CONNECT is refused', async () => {
  await refused('CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n', 405);
  await refused('CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\nContent-Length: 3\r\n\r\nabc', 405);
});

describe('empty lines before a request', () => {
  test('are skipped', async () => {
    await served('\r\n' + regions());
    await served('\r\n\r\n\r\n' + regions() + '\r\n');
  });
  test('in pieces, too', () => withConnection(server.port, async (connection) => {
    connection.socket.setNoDelay(true);
    for (const piece of ['\r', '\n', '\r\n\r', '\n' + regions()]) await connection.send(piece);
    assert.equal((await connection.answer()).status, 200);
  }));
  test('nothing else is', () => refused('\r\r\n' + regions(), 400));
});

describe('faults whose status has no body', () => {
  for (const status of [204, 205, 304]) {
    test(`${status}`, async () => {
      const action = 'DescribeZones';
      await server.admin('POST', 'faults', {
        match: { action }, when: { times: 1 }, do: { http: { status, body: 'x'.repeat(5000), content_type: 'text/plain' } },
      });
      await withConnection(server.port, async (connection) => {
        connection.send(text(signedTc3({ action, headers: { 'Accept-Encoding': 'gzip' } })));
        const answer = await connection.answer();
        assert.equal(answer.status, status);
        assert.equal(answer.headers['content-length'], status === 205 ? '0' : undefined);
        assert.equal(answer.headers['content-type'], undefined);
        assert.equal(answer.headers['content-encoding'], undefined);
        connection.send(regions());
        assert.equal((await connection.answer()).status, 200);
      });
    });
  }
});
