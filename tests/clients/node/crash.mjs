// Kills the program at random moments under parallel writers, starts it again with the same file, and looks whether
// everything that was answered is there, and nothing is half done.
//
//   node crash.mjs [SECONDS] [SEED]
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Server } from './server.mjs';

const writers = 4;

// mulberry32: the same seed makes the same choices, though not the same races.
function randomFrom(seed) {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

export async function call(server, action, params) {
  const response = await fetch(server.url, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json', 'X-TC-Action': action, 'X-TC-Version': '2017-03-12', 'X-TC-Region': 'ap-guangzhou',
    },
    body: JSON.stringify(params),
  });
  return (await response.json()).Response;
}

const order = (number, writer, count, token) => ({
  ImageId: 'img-487zeit5', InstanceType: 'S5.MEDIUM2', InstanceCount: count, ClientToken: token, InstanceName: 'new',
  Placement: { Zone: 'ap-guangzhou-3' },
  VirtualPrivateCloud: { VpcId: 'vpc-00000000', SubnetId: `subnet-${String(number * writers + writer).padStart(8, '0')}` },
});

// What one writer knows: its instances by id, and the one thing it does not know the end of.
class Writer {
  instances = new Map(); // id -> { name }, null until it was changed
  runs = []; // { params, ids }
  open = null;
  answered = 0;

  constructor(number, random) {
    this.number = number;
    this.random = random;
  }

  async work(server, round) {
    for (let turn = 0; ; ++turn) {
      this.open = this.#next(`${round}-${this.number}-${turn}`, round);
      let answer;
      try {
        answer = await call(server, this.open.action, this.open.params);
      } catch {
        return; // It was killed: whether that happened is for the next round to find out.
      }
      if (answer.Error) assert.match(answer.Error.Code, /InstanceStatePending|OperationInProgress/, JSON.stringify(answer));
      else this.#happened(answer);
      ++this.answered;
    }
  }

  #next(token, round) {
    const ids = [...this.instances.keys()];
    if (ids.length === 0 || this.random(3) === 0)
      return { action: 'RunInstances', params: order(round, this.number, 1 + this.random(5), token) };
    const InstanceIds = [ids[this.random(ids.length)]];
    return { action: 'ModifyInstancesAttribute', params: { InstanceIds, InstanceName: token } };
  }

  #happened({ InstanceIdSet }) {
    const { action, params } = this.open;
    if (action === 'RunInstances') {
      this.runs.push({ params, ids: InstanceIdSet });
      InstanceIdSet.forEach((id) => this.instances.set(id, { name: null }));
    } else {
      this.instances.get(params.InstanceIds[0]).name = params.InstanceName;
    }
    this.open = null;
  }

  // Repeats what may have happened: with its ClientToken that makes nothing twice.
  async settle(server, names) {
    for (const { params, ids } of [...this.runs].reverse().slice(0, 3)) {
      const { InstanceIdSet } = await call(server, 'RunInstances', params);
      assert.deepEqual(InstanceIdSet, ids, 'a ClientToken is answered as it was the first time');
    }
    if (this.open?.action === 'RunInstances') this.#happened(await call(server, 'RunInstances', this.open.params));
    const maybe = this.open?.params;
    for (const [id, known] of this.instances) {
      const name = names.get(id);
      if (name === undefined) continue; // Made by the repetition above, after the list was taken.
      if (id === maybe?.InstanceIds?.[0] && name === maybe.InstanceName) known.name = name;
      if (known.name !== null) assert.equal(name, known.name, `${id} has the name that was answered`);
    }
    this.open = null;
  }
}

async function list(server) {
  const names = new Map();
  for (let offset = 0, total = 1; offset < total; offset += 100) {
    const page = await call(server, 'DescribeInstances', { Offset: offset, Limit: 100 });
    total = page.TotalCount;
    page.InstanceSet.forEach(({ InstanceId, InstanceName }) => names.set(InstanceId, InstanceName));
    page.InstanceSet.forEach((one) => assert.notEqual(one.LatestOperationState, undefined));
  }
  return names;
}

// So many rounds, or seconds: { rounds, answered, instances }.
export async function crash({ rounds = Infinity, seconds = Infinity, seed = 1 }) {
  const random = randomFrom(seed);
  const directory = mkdtempSync(join(tmpdir(), 'cvmsim-crash-'));
  const file = join(directory, 'state.db');
  // At this pace instances are PENDING for some hundredths of a second: most kills find some.
  const start = () => Server.start(['--state', file, '--auth', 'off', '--rate-limits', 'off', '--clock', 'x60']);
  const all = Array.from({ length: writers }, (_, number) => new Writer(number, random));
  const end = Date.now() + seconds * 1000;
  let round = 0;
  try {
    for (; round < rounds && Date.now() < end; ++round) {
      const server = await start();
      if (round === 0) await server.admin('PUT', 'quotas', { '*': { instances: 10_000_000 } });
      const names = await list(server);
      for (const writer of all) {
        for (const id of writer.instances.keys()) assert.ok(names.has(id), `${id} was answered and is there`);
        await writer.settle(server, names);
      }
      const known = new Set(all.flatMap((writer) => [...writer.instances.keys()]));
      const there = await list(server);
      assert.equal(there.size, known.size, 'nothing is there that nobody asked for');
      const work = all.map((writer) => writer.work(server, round));
      const snapshots = (async () => {
        try {
          for (;;) await server.admin('POST', 'snapshots/crash');
        } catch {
          // Killed.
        }
      })();
      await new Promise((resolve) => setTimeout(resolve, 20 + random(300)));
      await server.kill();
      await Promise.all([...work, snapshots]);
    }
    const last = await start();
    const instances = (await list(last)).size;
    await last.stop();
    const check = spawnSync('sqlite3', [file, 'pragma integrity_check']);
    if (!check.error) assert.equal(check.stdout.toString().trim(), 'ok');
    return { rounds: round, answered: all.reduce((sum, writer) => sum + writer.answered, 0), instances, checked: !check.error };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const told = await crash({ seconds: Number(process.argv[2] ?? 60), seed: Number(process.argv[3] ?? 1) });
  console.log(`${told.rounds} kills, ${told.answered} calls answered, ${told.instances} instances in the end: nothing was lost`);
}
