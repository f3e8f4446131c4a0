// The program among its neighbours: descriptors, signals, pipes that nobody reads.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Server, program, run, temporaryDirectory } from './server.mjs';
import { intlClient } from './sdk.mjs';
import { Connection, exchange, signedTc3, text } from './wire.mjs';

const metrics = async (url) => {
  const lines = (await (await fetch(new URL('/_cvmsim/metrics', url))).text()).split('\n');
  return Object.fromEntries(lines.filter((line) => !line.startsWith('#')).map((line) => line.split(' ')));
};

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

// The program as a shell starts it: `line` has the redirections after "$@".
function shell(context, line, args, stdio = ['ignore', 'pipe', 'pipe']) {
  const child = spawn('sh', ['-c', line, 'sh', program, ...args], { stdio });
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  context.after(() => child.kill('SIGKILL'));
  return { child, ended };
}

// Waits for a server that cannot say where it is.
async function served(port) {
  const url = new URL(`http://127.0.0.1:${port}`);
  for (let tries = 0; tries < 200; ++tries) {
    if ((await run(['healthcheck', '--url', url.origin])).code === 0) return url;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('never ready');
}

describe('standard descriptors that are closed', () => {
  for (const closed of ['>&-', '2>&-', '>&- 2>&-', '<&- >&- 2>&-']) {
    test(`${closed}: nothing is printed into the state`, async (context) => {
      const file = join(temporaryDirectory(context), 'state.db');
      const port = await freePort();
      const args = ['--listen', `127.0.0.1:${port}`, '--state', file];
      const { child, ended } = shell(context, `exec "$@" ${closed}`, args);
      const url = await served(port);
      for (let i = 0; i < 20; ++i) await intlClient(url)('DescribeRegions');
      child.kill('SIGKILL');
      await ended;
      for (const name of [file, `${file}-wal`]) {
        const content = await readFile(name, 'latin1').catch(() => '');
        assert.doesNotMatch(content, /cvmsim ready|DescribeRegions/, name);
      }
      const again = await Server.start(['--state', file]);
      await again.stop();
    });
  }
});

describe('signals', () => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
    test(`${signal} ends it with 0`, async () => {
      const server = await Server.start();
      server.child.kill(signal);
      assert.deepEqual(await server.ended, { code: 0, signal: null });
    });
  }

  test('SIGHUP does nothing under nohup', async (context) => {
    const port = await freePort();
    const { child, ended } = shell(context, 'trap "" HUP; exec "$@"', ['--listen', `127.0.0.1:${port}`]);
    const url = await served(port);
    child.kill('SIGHUP');
    assert.equal((await fetch(new URL('/_cvmsim/health', url))).status, 200);
    child.kill('SIGTERM');
    assert.deepEqual(await ended, { code: 0, signal: null });
  });

  test('SIGTERM while it starts ends it with 0', async (context) => {
    const fifo = join(temporaryDirectory(context), 'scenario.json');
    execFileSync('mkfifo', [fifo]);
    const child = spawn(program, ['--listen', '127.0.0.1:0', '--scenario', fifo], { stdio: 'ignore' });
    context.after(() => child.kill('SIGKILL'));
    const ended = once(child, 'close');
    const writer = await open(fifo, 'w');  // It is open once the program reads.
    child.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
    await writer.close();
  });

  test('SIGTERM: what has arrived is answered', async () => {
    const server = await Server.start(['--threads', '1', '--rate-limits', 'off']);
    const connections = Array.from({ length: 64 }, () => new Connection(server.port));
    await Promise.all(connections.map(({ socket }) => once(socket, 'connect')));
    const bytes = text(signedTc3({ action: 'DescribeRegions' }));
    // Stopped, it cannot read: all of them have arrived when it goes on and finds the signal, too.
    server.child.kill('SIGSTOP');
    await Promise.all(connections.map((connection) => connection.send(bytes)));
    server.child.kill('SIGTERM');
    server.child.kill('SIGCONT');
    for (const connection of connections) {
      const answer = await connection.answer();
      assert.equal(answer?.status, 200);
      connection.close();
    }
    assert.deepEqual(await server.ended, { code: 0, signal: null });
  });

  test('SIGTERM: idle connections and halves of requests do not hold it up', async () => {
    const server = await Server.start();
    const [idle, half] = [new Connection(server.port), new Connection(server.port)];
    await Promise.all([idle, half].map(({ socket }) => once(socket, 'connect')));
    await half.send('POST / HTTP/1.1\r\nHost: a\r\nX-Half');
    const begun = Date.now();
    await server.stop();
    assert.ok(Date.now() - begun < 5000);
    assert.ok(await idle.isClosed());
  });
});

describe('output that nobody reads', () => {
  test('a reader of both outputs that is gone', async (context) => {
    const port = await freePort();
    const { child, ended } = shell(context, 'exec "$@"', ['--listen', `127.0.0.1:${port}`]);
    child.stdout.destroy();
    child.stderr.destroy();
    const url = await served(port);
    for (let i = 0; i < 10; ++i) await intlClient(url)('DescribeRegions');
    child.kill('SIGTERM');
    assert.deepEqual(await ended, { code: 0, signal: null });
  });

  test('a full pipe: lines are dropped and counted, the signal is obeyed', async (context) => {
    const port = await freePort();
    const fifo = join(temporaryDirectory(context), 'log');
    execFileSync('mkfifo', [fifo]);
    const args = ['--listen', `127.0.0.1:${port}`, '--rate-limits', 'off'];
    // The shell's own end keeps the pipe open; it never reads.
    const line = `exec 3<>'${fifo}'; exec "$@" 2>'${fifo}'`;
    const { child, ended } = shell(context, line, args, ['ignore', 'ignore', 'ignore']);
    const url = await served(port);
    const connection = new Connection(port);
    const bytes = text(signedTc3({ action: 'DescribeRegions' })).repeat(100);
    for (let round = 0; round < 20; ++round) {
      connection.send(bytes);
      for (let i = 0; i < 100; ++i) assert.equal((await connection.answer()).status, 200);
    }
    connection.close();
    assert.ok(Number((await metrics(url)).cvmsim_log_lines_dropped_total) > 0);
    child.kill('SIGTERM');
    assert.deepEqual(await ended, { code: 0, signal: null });
  });

  test('a file is written line by line, whatever the request says', async (context) => {
    const port = await freePort();
    const file = join(temporaryDirectory(context), 'log');
    const { child, ended } = shell(context, `exec "$@" 2>>'${file}'`, ['--listen', `127.0.0.1:${port}`]);
    await served(port);
    await exchange(port, 'GET /?Action=Foo%0a2026-01-01%20forged%1b%5b2J&Version=2017-03-12 HTTP/1.1\r\nHost: a\r\n\r\n');
    child.kill('SIGTERM');
    assert.deepEqual(await ended, { code: 0, signal: null });
    const log = readFileSync(file, 'latin1');
    assert.match(log, /Foo\\u000a2026-01-01 forged\\u001b\[2J/);
    assert.doesNotMatch(log, /^2026-01-01|\x1b/m);
  });
});

describe('many connections', () => {
  const opened = async (port, count) => {
    const connections = Array.from({ length: count }, () => new Connection(port));
    await Promise.all(connections.map(({ socket }) => once(socket, 'connect').catch(() => {})));
    return connections;
  };
  const healthy = 'GET /_cvmsim/health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

  test('the soft limit of descriptors is raised', async (context) => {
    const port = await freePort();
    const { child, ended } = shell(context, 'ulimit -Sn 256; exec "$@"', ['--listen', `127.0.0.1:${port}`]);
    const url = await served(port);
    const connections = await opened(port, 400);
    assert.equal((await exchange(port, healthy)).status, 200);
    const counts = await metrics(url);
    assert.ok(Number(counts.cvmsim_connections) >= 400);
    assert.equal(counts.cvmsim_connections_evicted_total, '0');
    connections.forEach((connection) => connection.close());
    child.kill('SIGTERM');
    assert.deepEqual(await ended, { code: 0, signal: null });
  });

  test('full of idle ones, it makes room, and says so once', async (context) => {
    const port = await freePort();
    const { child, ended } = shell(context, 'ulimit -n 300; exec "$@"', ['--listen', `127.0.0.1:${port}`]);
    let log = '';
    child.stderr.setEncoding('utf8').on('data', (part) => (log += part));
    const url = await served(port);
    const connections = await opened(port, 600);
    assert.equal((await exchange(port, healthy)).status, 200);
    assert.equal(await connections[0].answer(), null, 'the oldest had to go');
    const counts = await metrics(url);
    assert.ok(Number(counts.cvmsim_connections_evicted_total) >= 400);
    assert.equal(counts.cvmsim_connections_refused_total, '0');
    connections.forEach((connection) => connection.close());
    child.kill('SIGTERM');
    assert.deepEqual(await ended, { code: 0, signal: null });
    assert.equal(log.match(/as many as may be/g).length, 1);
  });

  test('full of busy ones, it refuses with an answer', async (context) => {
    const port = await freePort();
    const { child, ended } = shell(context, 'ulimit -n 300; exec "$@"', ['--listen', `127.0.0.1:${port}`]);
    const url = await served(port);
    const busy = await opened(port, 400);
    const headers = { Expect: '100-continue' };
    for (const connection of busy) {
      connection.send(text(signedTc3({ action: 'DescribeRegions', headers })).slice(0, -2));
    }
    // Idle ones went for the last of them; those that were told to go on are busy.
    const answers = await Promise.all(busy.map((connection) => connection.answer()));
    const counts = answers.map((answer) => answer?.status);
    assert.ok(counts.filter((status) => status === 100).length >= 100);
    const more = await exchange(port, healthy);
    assert.equal(more.status, 503);
    assert.equal(JSON.parse(more.body).error.code, 'TooManyConnections');
    busy.forEach((connection) => connection.close());
    await served(port);
    assert.ok(Number((await metrics(url)).cvmsim_connections_refused_total) >= 1);
    child.kill('SIGTERM');
    assert.deepEqual(await ended, { code: 0, signal: null });
  });
});
