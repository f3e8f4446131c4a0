// The commands beside serve: what they print works in sh, and mistakes are one line and exit code 2.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import net from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { intlCommonClient, mainlandCommonClient } from './sdk.mjs';
import { Server, program, run, temporaryDirectory } from './server.mjs';

const require = createRequire(import.meta.url);
const { EnvironmentVariableCredential } = require('tencentcloud-sdk-nodejs-common/tencentcloud/common/credential');

const execute = promisify(execFile);

// The script's standard output; fails if sh does, or complains.
async function sh(script, env = {}) {
  const { stdout, stderr } = await execute('sh', ['-euc', script], { env: { PATH: process.env.PATH, ...env } });
  assert.equal(stderr, '');
  return stdout;
}

async function succeeds(args, env) {
  const { code, stdout, stderr } = await run(args, env);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  return stdout;
}

async function refused(args, pattern, { env = {}, code = 2 } = {}) {
  const end = await run(args, env);
  assert.equal(end.code, code, end.stderr);
  assert.equal(end.stdout, '');
  assert.match(end.stderr, /^cvmsim: [^\n]+\n$/, 'one line');
  assert.match(end.stderr, pattern);
}

describe('env', { concurrency: 4 }, () => {
  // What sh has after `eval "$(cvmsim env …)"`, beside what it has anyway.
  async function evaluated(args = [], env = {}) {
    const output = await sh(`eval "$('${program}' env ${args.join(' ')})"; env`, env);
    const own = ['PATH', 'PWD', 'OLDPWD', 'SHLVL', '_', ...Object.keys(env).filter((name) => name !== 'CVMSIM_URL')];
    const lines = output.trim().split('\n').map((line) => /^([^=]+)=(.*)$/.exec(line).slice(1));
    return Object.fromEntries(lines.filter(([name]) => !own.includes(name)));
  }

  const usual = {
    TENCENTCLOUD_SECRET_ID: 'AKIDEXAMPLE',
    TENCENTCLOUD_SECRET_KEY: 'secret',
    TENCENTCLOUD_REGION: 'ap-guangzhou',
    TENCENTCLOUD_PROTOCOL: 'HTTP',
    TENCENTCLOUD_DOMAIN: 'localhost:8080',
    CVMSIM_URL: 'http://127.0.0.1:8080',
  };

  test('the usual server', async () => {
    assert.deepEqual(await evaluated(), usual);
    const output = await succeeds(['env']);
    for (const line of output.trimEnd().split('\n')) assert.match(line, /^(#|export [A-Z_]+=)/);
    assert.match(output, /^# .*tccli.*--endpoint http:\/\/127\.0\.0\.1:8080$/m);
    assert.match(output, /^# .*127\.0\.0\.1 cvm\.localhost/m);
  });

  const places = [
    ['http://[::1]:99', { TENCENTCLOUD_DOMAIN: 'localhost:99' }],
    ['http://localhost:99/', { TENCENTCLOUD_DOMAIN: 'localhost:99', CVMSIM_URL: 'http://localhost:99' }],
    ['http://192.0.2.1:99', { TENCENTCLOUD_DOMAIN: 'cvmsim.test:99' }],
    ['http://emulator', { TENCENTCLOUD_DOMAIN: 'emulator' }],
    ['http://emulator:80', { TENCENTCLOUD_DOMAIN: 'emulator', CVMSIM_URL: 'http://emulator' }],
    ['https://emulator:8443', { TENCENTCLOUD_DOMAIN: 'emulator:8443', TENCENTCLOUD_PROTOCOL: 'HTTPS' }],
  ];
  for (const [url, changes] of places) {
    test(url, async () => {
      const expected = { ...usual, CVMSIM_URL: url, ...changes };
      const home = { HOME: '/nonexistent' };
      assert.deepEqual(await evaluated(['--url', `'${url}'`], home), expected);
      assert.deepEqual(await evaluated([], { CVMSIM_URL: url, ...home }), expected);
    });
  }

  test('where CVMSIM_LISTEN says, and nothing else of serve matters', async () => {
    const others = { CVMSIM_THREADS: 'many', CVMSIM_CLOCK: 'sideways' };
    const url = async (env) => (await evaluated([], { ...others, ...env })).CVMSIM_URL;
    assert.equal(await url({ CVMSIM_LISTEN: '0.0.0.0:99' }), 'http://127.0.0.1:99');
    assert.equal(await url({ CVMSIM_LISTEN: '[::]:99' }), 'http://[::1]:99');
    assert.equal(await url({ CVMSIM_LISTEN: '127.0.0.2:99' }), 'http://127.0.0.2:99');
    assert.equal(await url({ CVMSIM_LISTEN: '0.0.0.0:99', CVMSIM_URL: 'http://there:1' }), 'http://there:1');
    assert.equal(await url({ CVMSIM_LISTEN: '' }), 'http://127.0.0.1:8080');
    await refused(['env'], /--url is required/, { env: { CVMSIM_LISTEN: '127.0.0.1:0' } });
    await refused(['env'], /nowhere/, { env: { CVMSIM_LISTEN: 'nowhere' } });
    await succeeds(['coverage'], { CVMSIM_LISTEN: 'nowhere', ...others });
  });

  test('no text of the options gets loose in the shell', async () => {
    for (const url of ["http://a';exit 9;'", 'http://a$(exit 9)', 'http://a%0aexit', 'http://`exit`', 'http://a;b']) {
      const { code, stdout } = await run(['env', '--url', url]);
      if (code === 0) await sh(stdout);
      else assert.equal(code, 2);
    }
  });
});

describe('against a server', { concurrency: 2 }, () => {
  let server, directory, home;
  const cleanups = [];
  before(async () => {
    directory = temporaryDirectory({ after: (cleanup) => cleanups.push(cleanup) });
    home = { CVMSIM_TLS_DIR: directory };
    server = await Server.start(['--tls-listen', '127.0.0.1:0', '--tls-dir', directory]);
  });
  after(async () => {
    await server.stop();
    cleanups.forEach((cleanup) => cleanup());
  });

  const signed = (args, env = {}) =>
    succeeds(['sign', '--url', server.url.origin, ...args], { ...home, ...env });
  const answer = async (args) => JSON.parse(await sh(await signed(args))).Response;

  test('sign: a command that works as it is', async () => {
    assert.equal((await answer(['--action', 'DescribeZones'])).TotalCount > 0, true);
    const { ZoneSet } = await answer(['--action', 'DescribeZones', '--region', 'ap-shanghai']);
    assert.match(ZoneSet[0].Zone, /^ap-shanghai-/);
    const { Error } = await answer(['--action', 'DescribeZones', '--region', 'ap-nowhere']);
    assert.equal(Error.Code, 'UnsupportedRegion');
  });

  test('sign: an action that needs no region gets none, unless it is given', async () => {
    const regions = ['--action', 'DescribeRegions'];
    assert.doesNotMatch(await signed(regions), /X-TC-Region/);
    assert.match(await signed([...regions, '--region', 'ap-tokyo']), /X-TC-Region: ap-tokyo/);
    assert.equal((await answer(regions)).TotalCount > 0, true);
  });

  const names = ["it's", '虚拟机 é', '"quoted"', '$HOME `id` \\ !', "''", 'a\nb'];
  test('sign: data arrives as it is', async () => {
    for (const name of names) {
      const data = JSON.stringify({ Filters: [{ Name: 'instance-name', Values: [name] }] });
      assert.equal((await answer(['--action', 'DescribeInstances', '--data', data])).TotalCount, 0);
      const unknown = await answer(['--action', 'DescribeInstances', '--data', JSON.stringify({ [name]: 1 })]);
      assert.equal(unknown.Error.Code, 'UnknownParameter');
      assert.equal(unknown.Error.Message.includes(name), true, unknown.Error.Message);
    }
    const pretty = '{\n  "Limit": 1\n}';
    assert.match(await signed(['--action', 'DescribeInstances', '--data', pretty]), /\{\n {2}"Limit": 1\n\}/);
    assert.equal((await answer(['--action', 'DescribeInstances', '--data', pretty])).TotalCount, 0);
    // JSON, but no object: for the server to refuse.
    const { Error } = await answer(['--action', 'DescribeInstances', '--data', '[1]']);
    assert.equal(Error.Code, 'InvalidParameter');
  });

  test('sign: other credentials', async () => {
    const by = (...args) => answer(['--action', 'DescribeInstances', ...args]);
    assert.equal((await by('--secret-id', 'AKIDEXAMPLE-sign')).TotalCount, 0);
    assert.equal((await by('--secret-key', "o'ther")).Error.Code, 'AuthFailure.SignatureFailure');
    assert.equal((await by('--secret-id', 'AKID')).Error.Code, 'AuthFailure.SecretIdNotFound');
    const SecretId = 'AKIDsigner';
    await server.admin('POST', 'credentials', { SecretId, SecretKey: 'k', Token: "t'o", ExpiresAt: '2099-01-01T00:00:00Z' });
    const pair = ['--secret-id', SecretId, '--secret-key', 'k'];
    assert.equal((await by(...pair, '--token', "t'o")).TotalCount, 0);
    assert.equal((await by(...pair)).Error.Code, 'AuthFailure.TokenFailure');
  });

  test('https: the certificate is found where the server keeps it', async () => {
    const url = server.urls[1].origin;
    const zones = ['sign', '--action', 'DescribeZones', '--url', url];
    assert.equal(JSON.parse(await sh(await succeeds(zones, home))).Response.TotalCount > 0, true);
    const ca = join(directory, 'ca.pem');
    assert.match(await succeeds(['env', '--url', url], home), new RegExp(`^export NODE_EXTRA_CA_CERTS=${ca}$`, 'm'));
    await refused(['healthcheck', '--url', url], /http only/);
  });

  test("env: the Node SDKs' own credential from the environment, and both ends of the URL", async () => {
    const lines = await succeeds(['env', '--url', server.url.origin]);
    const variables = Object.fromEntries([...lines.matchAll(/^export ([A-Z_]+)=(.*)$/gm)].map((m) => m.slice(1)));
    for (const name of ['TENCENTCLOUD_SECRET_ID', 'TENCENTCLOUD_SECRET_KEY']) process.env[name] = variables[name];
    const { secretId, secretKey } = await new EnvironmentVariableCredential().getCredential();
    const region = variables.TENCENTCLOUD_REGION;
    for (const client of [intlCommonClient, mainlandCommonClient]) {
      const call = client(new URL(variables.CVMSIM_URL), { secretId, secretKey, region });
      assert.equal((await call('DescribeZones')).TotalCount > 0, true);
    }
  });

  test('healthcheck: ready', async () => {
    assert.equal(await succeeds(['healthcheck', '--url', server.url.origin]), '');
    assert.equal(await succeeds(['healthcheck'], { CVMSIM_URL: server.url.origin }), '');
    assert.equal(await succeeds(['healthcheck'], { CVMSIM_LISTEN: `0.0.0.0:${server.port}` }), '');
    assert.equal(await succeeds(['healthcheck', '--url', `http://localhost:${server.port}/`]), '');
  });
});

describe('healthcheck: not ready', { concurrency: 4 }, () => {
  // A server that answers every connection with this text and closes; null: it says nothing.
  async function answering(context, text) {
    const other = net.createServer((socket) => {
      socket.on('error', () => {}).on('data', () => text !== null && socket.end(text));
    });
    await new Promise((resolve) => other.listen(0, '127.0.0.1', resolve));
    context.after(() => other.close());
    return `http://127.0.0.1:${other.address().port}`;
  }
  const cases = [
    ['starting', 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n', /503/],
    ['elsewhere', 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n', /404/],
    ['not HTTP', 'SSH-2.0-OpenSSH_9.2\r\n', /HTTP/],
    ['not HTTP, with a number', 'SSH 200\r\n', /HTTP/],
    ['closing', '', /HTTP/],
    ['silent', null, /time/i],
  ];
  for (const [name, text, pattern] of cases) {
    test(name, async (context) => {
      const url = await answering(context, text);
      await refused(['healthcheck', '--url', url], pattern, { code: 1 });
    });
  }
  test('nobody there', () => refused(['healthcheck', '--url', 'http://127.0.0.1:1'], /refused/, { code: 1 }));
  test('no such host', () => refused(['healthcheck', '--url', 'http://nobody.invalid:1'], /./, { code: 1 }));
});

test('coverage: every action once, with what tests reach', async () => {
  const lines = (await succeeds(['coverage'])).trimEnd().split('\n');
  const actions = new Map(lines.map((line) => line.split(/\s+/)).map(([name, ...rest]) => [name, rest]));
  assert.equal(actions.size, lines.length);
  assert.equal(actions.size, 87);
  assert.deepEqual([...actions.keys()], [...actions.keys()].sort());
  const [support, ...codes] = actions.get('RunInstances');
  assert.equal(support, 'implemented');
  assert.equal(codes.includes('InvalidImageId.NotFound'), true);
  assert.deepEqual(codes, [...new Set(codes)].sort());
  for (const [name, [word]] of actions) assert.match(word, /^(un)?implemented$/, name);
});

describe('wrong options', { concurrency: 4 }, () => {
  const mistakes = [
    [['env', '--listen', '127.0.0.1:0'], /--listen/],
    [['--listen', '127.0.0.1:0', 'env'], /env/],
    [['env', 'serve'], /serve/],
    [['env', '--action', 'DescribeZones'], /--action/],
    [['env', '--url'], /--url/],
    [['sign'], /--action/],
    [['sign', '--action', 'RunInstance'], /RunInstances/],
    [['sign', '--action', 'describezones'], /DescribeZones/],
    [['sign', '--action', ''], /--action/],
    [['sign', '--action', 'DescribeZones', '--data', '{\n'], /--data/],
    [['sign', '--action', 'Describe\nZones'], /DescribeZones/],
    [['sign', '--action', 'DescribeZones', '--data', "{'Limit': 1}"], /--data/],
    [['sign', '--action', 'DescribeZones', '--clock', 'frozen'], /--clock/],
    [['healthcheck', '--auth', 'off'], /--auth/],
    [['coverage', '--url', 'http://127.0.0.1:8080'], /--url/],
    [['coverage', 'all'], /all/],
    [['serve', '--url', 'http://127.0.0.1:8080'], /--url/],
    [['serve', 'env'], /env/],
    [['help'], /help/],
  ];
  for (const [args, pattern] of mistakes) test(args.join(' '), () => refused(args, pattern));
  for (const url of ['', '127.0.0.1:8080', 'ftp://127.0.0.1', 'http://', 'http://a:0', 'http://a:b', 'http://a:99999',
    'http://a/path', 'http://a?q', 'http://a#f', 'http://u:p@a', 'http://a b']) {
    for (const command of [['env'], ['healthcheck'], ['sign', '--action', 'DescribeZones']]) {
      test(`${command[0]} --url '${url}'`, () => refused([...command, '--url', url], /--url/));
    }
  }
  test('CVMSIM_URL', () => refused(['env'], /nowhere/, { env: { CVMSIM_URL: 'nowhere' } }));
});

test('--help and --version', async () => {
  assert.match(await succeeds(['--version']), /^cvmsim [0-9.]+\n$/);
  const help = await succeeds(['--help'], { CVMSIM_THREADS: 'many', CVMSIM_URL: 'nowhere' });
  for (const word of ['serve', 'env', 'sign', 'healthcheck', 'coverage', '--listen', '--action']) {
    assert.match(help, new RegExp(`^ *${word}`, 'm'));
  }
  assert.equal(await succeeds(['-h']), help);
  for (const command of ['serve', 'env', 'sign', 'healthcheck', 'coverage']) {
    assert.match(await succeeds([command, '--help']), new RegExp(`Usage: cvmsim ${command}`));
  }
  assert.match(await succeeds(['--clock', 'frozen', '--help']), /--listen/);
});
