// Starts and stops the server program for a test, and speaks its admin API.
import { spawn } from 'node:child_process';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const program =
  process.env.CVMSIM_PROGRAM ?? fileURLToPath(new URL('../../../build/release/cvmsim', import.meta.url));

const patience = 20_000;

// The tests say what the server gets, not the shell they run in.
function cleanEnvironment(extra) {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('CVMSIM_'));
  return { ...Object.fromEntries(kept), ...extra };
}

function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${what} within ${patience} ms`)), patience);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// None outlives the test, however that ends.
const children = new Set();
process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));

function launch(args, env) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: cleanEnvironment(env) });
  children.add(child);
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (output.stderr += text));
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      children.delete(child);
      resolve({ code, signal });
    });
  });
  return { child, output, ended };
}

// Runs the program to its end: { code, signal, stdout, stderr }. One that starts to serve is killed.
export async function run(args, env = {}) {
  const { child, output, ended } = launch(args, env);
  child.stdout.on('data', () => output.stdout.includes('cvmsim ready') && child.kill('SIGKILL'));
  try {
    return { ...(await within(ended, 'end')), ...output };
  } finally {
    child.kill('SIGKILL');
  }
}

export class Server {
  // Listens on a free loopback port, with a fixed seed and no log, unless the arguments say otherwise.
  static async start(args = [], { env = {} } = {}) {
    const server = new Server();
    const seed = args.includes('--seed') ? [] : ['--seed', '7'];
    const given = ['--listen', '127.0.0.1:0', ...seed, '--log-level', 'warn', ...args];
    Object.assign(server, launch(given, env));
    const listeners = 1 + given.filter((arg) => arg === '--tls-listen').length;
    await within(server.#ready(listeners), 'ready line').catch((error) => {
      server.child.kill('SIGKILL');
      throw error;
    });
    return server;
  }

  async #ready(listeners) {
    const lines = () => this.output.stdout.split('\n').slice(0, -1);
    while (lines().length < listeners) {
      const more = new Promise((resolve) => this.child.stdout.once('data', resolve));
      const end = await Promise.race([more.then(() => null), this.ended]);
      if (end) throw new Error(`ended with ${JSON.stringify(end)} before it was ready: ${this.output.stderr}`);
    }
    this.urls = lines().map((line) => {
      assert.match(line, /^cvmsim ready https?:\/\/127\.0\.0\.1:[0-9]+$/);
      return new URL(line.slice('cvmsim ready '.length));
    });
    this.url = this.urls[0];
    this.port = Number(this.url.port);
  }

  // As an orchestrator would: SIGTERM, and the exit code must be 0.
  async stop() {
    this.child.kill('SIGTERM');
    const end = await within(this.ended, 'end after SIGTERM').finally(() => this.child.kill('SIGKILL'));
    assert.deepEqual(end, { code: 0, signal: null }, this.output.stderr);
  }

  async kill() {
    this.child.kill('SIGKILL');
    assert.equal((await within(this.ended, 'end after SIGKILL')).signal, 'SIGKILL');
  }

  async admin(method, path, body) {
    const response = await fetch(new URL(`/_cvmsim/${path}`, this.url), {
      method,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const answer = await response.json();
    assert.equal(response.status, 200, JSON.stringify(answer));
    return answer;
  }

  // Moves the frozen clock of one account, or of all; answers with the transitions applied.
  async advance(seconds, account) {
    const query = account ? `?account=${account}` : '';
    return (await this.admin('POST', `clock/advance${query}`, { seconds })).transitions;
  }
}

export function temporaryDirectory(context) {
  const directory = mkdtempSync(join(tmpdir(), 'cvmsim-clients-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
