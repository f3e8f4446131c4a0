// More key pairs than the built-in ones: temporary, expired, disabled, read-only, and gone again.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Server } from './server.mjs';
import { intlClient, plainInstance, signMethods } from './sdk.mjs';

let server;
const directory = mkdtempSync(join(tmpdir(), 'cvmsim-credentials-'));
const start = () => Server.start(['--state', join(directory, 'state.db')]);
before(async () => (server = await start()));
after(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});

const keys = (secretId, more = {}) => ({ secretId, secretKey: 'its own key', ...more });
const add = (SecretId, more = {}) =>
  server.admin('POST', 'credentials', { SecretId, SecretKey: 'its own key', ...more });
const look = (options, action = 'DescribeInstances', parameters = {}) =>
  intlClient(server.url, options)(action, parameters);
const refused = (promise, code) => assert.rejects(promise, (error) => (assert.equal(error.code, code), true));

for (const sign of signMethods) {
  test(`temporary credentials need their token, with ${sign}`, async () => {
    const id = `AKIDtemporary-${sign}`;
    await add(id, { Token: 'the token', ExpiresAt: '2099-01-01T00:00:00Z' });
    assert.equal((await look(keys(id, { sign, token: 'the token' }))).TotalCount, 0);
    await refused(look(keys(id, { sign })), 'AuthFailure.TokenFailure');
    await refused(look(keys(id, { sign, token: 'another' })), 'AuthFailure.TokenFailure');
    await refused(look({ ...keys(id, { sign, token: 'the token' }), secretKey: 'wrong' }), 'AuthFailure.SignatureFailure');
  });
}

test('expired and disabled ones are refused', async () => {
  await add('AKIDexpired', { Token: 't', ExpiresAt: '2020-01-01T00:00:00Z' });
  await refused(look(keys('AKIDexpired', { token: 't' })), 'AuthFailure.TokenFailure');
  await add('AKIDdisabled', { status: 'disabled' });
  await refused(look(keys('AKIDdisabled')), 'AuthFailure.SecretIdNotFound');
  await add('AKIDdisabled', { status: 'enabled' });
  assert.equal((await look(keys('AKIDdisabled'))).TotalCount, 0);
});

test('read-only ones look, and change nothing', async () => {
  await add('AKIDreader', { read_only: true, Uin: '100000000001' });
  await refused(look(keys('AKIDreader'), 'RunInstances', plainInstance), 'UnauthorizedOperation');
  await intlClient(server.url)('RunInstances', plainInstance);
  assert.equal((await look(keys('AKIDreader'))).TotalCount, 1, 'the same account, by its uin');
});

test('keys are never shown back, and mistakes are named', async () => {
  const list = JSON.stringify(await server.admin('GET', 'credentials'));
  assert.ok(list.includes('AKIDreader'));
  assert.ok(!list.includes('its own key') && !list.includes('the token'));
  const post = async (body) => {
    const answer = await fetch(new URL('/_cvmsim/credentials', server.url), { method: 'POST', body: JSON.stringify(body) });
    return [answer.status, (await answer.json()).error.message];
  };
  for (const [body, named] of [
    [{ SecretKey: 'x' }, 'SecretId'], [{ SecretId: 'a/b', SecretKey: 'x' }, 'SecretId'], [{ SecretId: 'a' }, 'SecretKey'],
    [{ SecretId: 'a', SecretKey: 'x', Colour: 1 }, 'Colour'], [{ SecretId: 'a', SecretKey: 'x', ExpiresAt: 'soon' }, 'ExpiresAt'],
    [{ SecretId: 'a', SecretKey: 'x', status: 'odd' }, 'status'], [{ SecretId: 'a', SecretKey: 'x', Uin: 'me' }, 'Uin'],
    [{ SecretId: 'a', SecretKey: 'x', read_only: 1 }, 'read_only'], [{ SecretId: 'a', SecretKey: 'x', AppId: 'b' }, 'AppId'],
  ]) {
    const [status, message] = await post(body);
    assert.equal(status, 400);
    assert.ok(message.includes(named), message);
  }
});

test('they survive a kill, can be deleted, and a reset forgets them', async () => {
  await add('AKIDkept');
  await server.kill();
  server = await start();
  assert.equal((await look(keys('AKIDkept'))).TotalCount, 0);
  await server.admin('DELETE', 'credentials/AKIDkept');
  await refused(look(keys('AKIDkept')), 'AuthFailure.SecretIdNotFound');
  const again = await fetch(new URL('/_cvmsim/credentials/AKIDkept', server.url), { method: 'DELETE' });
  assert.equal(again.status, 404);
  await server.admin('POST', 'reset');
  await refused(look(keys('AKIDreader')), 'AuthFailure.SecretIdNotFound');
});
