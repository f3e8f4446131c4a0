// Mixed load for a long time: lists, creations, changes, refusals, faults, jumps of the clock, snapshots, resets. Memory,
// descriptors and times have to be in the end what they were once everything had warmed up.
//
//   node soak.mjs [MINUTES]
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { call } from './crash.mjs';
import { Server } from './server.mjs';

const minutes = Number(process.argv[2] ?? 10);
const slices = 12;
const clients = 8;

const directory = mkdtempSync(join(tmpdir(), 'cvmsim-soak-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
const server = await Server.start(['--state', join(directory, 'state.db'), '--auth', 'off', '--rate-limits', 'off', '--clock', 'x60']);
const end = Date.now() + minutes * 60_000;
let times = [];

async function timed(action, params) {
  const begun = performance.now();
  const answer = await call(server, action, params);
  times.push(performance.now() - begun);
  return answer;
}

async function client(number) {
  for (let turn = 0; Date.now() < end; ++turn) {
    const run = await timed('RunInstances', {
      ImageId: 'img-487zeit5', InstanceType: 'S5.MEDIUM2', InstanceCount: 3, ClientToken: `${number}-${turn}`,
      Placement: { Zone: 'ap-guangzhou-3' }, InstanceName: `soak-${number}`,
    });
    for (let i = 0; i < 20; ++i) await timed('DescribeInstances', { Filters: [{ Name: 'instance-name', Values: [`soak-${number}`] }] });
    const InstanceIds = run.InstanceIdSet;
    if (InstanceIds === undefined) continue; // A fault, or a reset took the room that there was.
    await timed('DescribeInstancesStatus', { InstanceIds });
    await timed('StopInstances', { InstanceIds });
    await timed('RunInstances', { ImageId: 'none' });
    await timed('TerminateInstances', { InstanceIds });
  }
}

async function tester() {
  for (let turn = 0; Date.now() < end; ++turn) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    if (turn % 5 === 0)
      await server.admin('POST', 'faults', { match: { action: 'RunInstances' }, when: { times: 2 }, do: { error: { code: 'InternalError' } } });
    if (turn % 5 === 1) await server.admin('POST', 'clock/advance', { seconds: 60 });
    if (turn % 5 === 2) await server.admin('POST', 'snapshots/soak');
    if (turn % 50 === 49) await server.admin('POST', 'reset');
  }
}

function memory() {
  return Number(/VmRSS:\s*([0-9]+)/.exec(readFileSync(`/proc/${server.child.pid}/status`))[1]) / 1024;
}

const rows = [];
async function watcher() {
  const length = (minutes * 60_000) / slices;
  for (let slice = 0; slice < slices; ++slice) {
    times = [];
    await new Promise((resolve) => setTimeout(resolve, length * 0.98));
    const sorted = times.sort((a, b) => a - b);
    const at = (share) => sorted[Math.floor(sorted.length * share)];
    rows.push({
      calls: sorted.length, memory_mb: Math.round(memory()), descriptors: readdirSync(`/proc/${server.child.pid}/fd`).length,
      p50_ms: at(0.5).toFixed(2), p99_ms: at(0.99).toFixed(2),
    });
  }
}

await Promise.all([...Array.from({ length: clients }, (_, number) => client(number)), tester(), watcher()]);
console.table(rows);
const mean = (name, part) => part.reduce((sum, row) => sum + Number(row[name]), 0) / part.length;
const [early, late] = [rows.slice(slices / 4, slices / 2), rows.slice(-slices / 4)];
for (const [name, factor, more] of [['memory_mb', 1.1, 8], ['descriptors', 1, 4], ['p50_ms', 1.5, 1], ['p99_ms', 2, 5]])
  assert.ok(mean(name, late) <= factor * mean(name, early) + more, `${name} grew from ${mean(name, early)} to ${mean(name, late)}`);
await server.stop();
console.log('memory, descriptors and times stayed what they were');
