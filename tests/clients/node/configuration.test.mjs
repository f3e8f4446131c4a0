// Mistakes in the configuration: one line on standard error, exit code 2, nothing served.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Server, run, temporaryDirectory } from './server.mjs';

async function refused(args, env, pattern) {
  const { code, signal, stdout, stderr } = await run(args, env);
  assert.equal(stdout, '', 'nothing is served');
  assert.deepEqual({ code, signal }, { code: 2, signal: null }, stderr);
  assert.match(stderr, /^[^\n]+\n$/, 'one line');
  assert.match(stderr, pattern);
}

const free = ['--listen', '127.0.0.1:0'];

describe('options', { concurrency: 4 }, () => {
  const mistakes = [
    ['--nonsense'],
    ['--nonsense', 'value'],
    ['destroy'],
    ['--clock', 'sideways'],
    ['--clock', 'x0'],
    ['--clock', 'x-1'],
    ['--clock', 'xfast'],
    ['--clock'],
    ['--seed', 'seven'],
    ['--seed', '-1'],
    ['--auth', 'maybe'],
    ['--auth-skew', '-1'],
    ['--auth-skew', 'soon'],
    ['--rate-limits', 'some'],
    ['--validation', 'none'],
    ['--lifecycle', 'slowly'],
    ['--log', 'xml'],
    ['--log-level', 'loud'],
    ['--threads', '0'],
    ['--fixtures', '/nonexistent/fixtures'],
    ['--scenario', '/nonexistent/scenario.json'],
    ['--state', '/nonexistent/directory/state.db'],
    ['--tls-cert', '/nonexistent/cert.pem', '--tls-key', '/nonexistent/key.pem', '--tls-listen', '127.0.0.1:0'],
    ['--tls-cert', '/nonexistent/cert.pem'],
    ['--tls-listen', 'nowhere'],
  ];
  for (const args of mistakes) {
    test(args.join(' '), () => refused([...free, ...args], {}, /./));
  }
  for (const listen of ['nowhere', ':8080', '127.0.0.1', '127.0.0.1:', '127.0.0.1:http', '127.0.0.1:65536',
    '127.0.0.1:-1', '300.0.0.1:0', '192.0.2.1:0']) {
    test(`--listen ${listen}`, () => refused(['--listen', listen], {}, /listen/));
  }
});

describe('variables', { concurrency: 4 }, () => {
  const mistakes = {
    CVMSIM_LISTEN: 'nowhere',
    CVMSIM_CLOCK: 'sideways',
    CVMSIM_AUTH: 'maybe',
    CVMSIM_SEED: 'seven',
    CVMSIM_STATE: '/nonexistent/directory/state.db',
    CVMSIM_FIXTURES: '/nonexistent/fixtures',
    CVMSIM_THREADS: 'many',
  };
  for (const [name, value] of Object.entries(mistakes)) {
    const args = name === 'CVMSIM_LISTEN' ? [] : free;
    test(`${name}=${value}`, () => refused(args, { [name]: value }, /./));
  }

  test('a flag wins over its variable', async () => {
    const server = await Server.start(['--clock', 'frozen'], {
      env: { CVMSIM_CLOCK: 'sideways', CVMSIM_LISTEN: 'nowhere', CVMSIM_AUTH: 'lenient' },
    });
    const info = await server.admin('GET', 'info');
    assert.equal(info.clock, 'frozen');
    assert.equal(info.auth, 'lenient');
    await server.stop();
  });
});

test('a port in use', async (context) => {
  const server = await Server.start();
  const taken = `127.0.0.1:${server.port}`;
  const directory = temporaryDirectory(context);
  await refused(['--listen', taken], {}, new RegExp(taken));
  await refused([...free, '--tls-listen', taken, '--tls-dir', directory], {}, new RegExp(taken));
  assert.equal((await server.admin('GET', 'health')).status, 'ok');
  await server.stop();
});

describe('broken fixtures: the file is named', { concurrency: 4 }, () => {
  const files = {
    'regions.json': ['{"ap-guangzhou": 5}', '{"ap-new": {}}'],
    'images.json': ['{"img-487zeit5": 5}', '{"img-00000000": {}}'],
    'instance_types.json': ['{"families": 5}', '{"families": {"S9": {}}}'],
    'lifecycle.json': ['{"instance.stop": 5}', '{"instance.stop": {"fast": {"delay_s": "long"}}}'],
    'prices.json': ['{"spot_percent": "cheap"}'],
    'quotas.json': ['{"*": 5}', '{"*": {"instances": "many"}}'],
  };
  for (const [file, contents] of Object.entries(files)) {
    for (const content of ['', '{', '[]', 'null', '"text"', ...contents]) {
      test(`${file} ${content}`, async (context) => {
        const directory = temporaryDirectory(context);
        writeFileSync(join(directory, file), content);
        await refused([...free, '--fixtures', directory], {}, new RegExp(file.replace('.json', '')));
      });
    }
  }

  test('a file that replaces none', async (context) => {
    const directory = temporaryDirectory(context);
    writeFileSync(join(directory, 'regoins.json'), '{}');
    await refused([...free, '--fixtures', directory], {}, /regoins\.json/);
  });
});

test('a lifecycle file that is broken', async (context) => {
  const file = join(temporaryDirectory(context), 'lifecycle.json');
  for (const broken of ['{', '[]', '{"instance.dance": {"delay_s": 1}}', '{"instance.stop": {"delay_s": -1}}',
    '{"instance.stop": {"delay_s": "long"}}', '{"instance.stop": {"duration": 1}}']) {
    writeFileSync(file, broken);
    await refused([...free, '--lifecycle', file], {}, /lifecycle/);
  }
});

test('a state that cannot be read', async (context) => {
  const directory = temporaryDirectory(context);
  await refused([...free, '--state', directory], {}, /./);
  const garbage = join(directory, 'garbage.db');
  writeFileSync(garbage, 'this is no database '.repeat(1000));
  await refused([...free, '--state', garbage], {}, /garbage\.db/);
});

test('a directory for TLS that is none', async (context) => {
  const directory = temporaryDirectory(context);
  const file = join(directory, 'file');
  writeFileSync(file, '');
  await refused([...free, '--tls-listen', '127.0.0.1:0', '--tls-dir', file], {}, /./);
  const broken = join(directory, 'broken');
  mkdirSync(broken);
  writeFileSync(join(broken, 'cert.pem'), 'no certificate');
  writeFileSync(join(broken, 'key.pem'), 'no key');
  const pair = ['--tls-cert', join(broken, 'cert.pem'), '--tls-key', join(broken, 'key.pem')];
  await refused([...free, '--tls-listen', '127.0.0.1:0', ...pair], {}, /tls/i);
});

test('--help and --version succeed and say so on standard output', async () => {
  for (const [flag, pattern] of [['--help', /--listen/], ['--version', /^cvmsim [0-9]+\.[0-9]+/]]) {
    const { code, stdout, stderr } = await run([flag]);
    assert.equal(code, 0);
    assert.equal(stderr, '');
    assert.match(stdout, pattern);
  }
});
