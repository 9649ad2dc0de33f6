/** Hosts that all prepare at the same moment, spread over the nodes: each must get a room, no two the same code. */
import { setTimeout as wait } from 'node:timers/promises';
import { encodeFrame, OPCODE } from './frames.ts';
import type { Job, Sample } from './job.ts';
import { Meter } from './meter.ts';
import { cpuTimeOf } from './process-stat.ts';
import { RawSocket } from './socket.ts';
import { decodeEvent, encodePrepare } from './wire.ts';

/** Fewer than the shortest accept queue (512). */
const CONNECTS_AT_ONCE = 256;
const DEADLINE_MS = 30_000;

export async function runCreates(job: Job): Promise<Sample> {
  const meter = new Meter(job);
  const codes = new Set<string>();
  const onCode = (code: string): void => {
    if (codes.has(code)) meter.integrity.doubled += 1;
    codes.add(code);
    meter.units += 1;
  };
  const hosts = await connectHosts(job, meter, onCode);
  const before = { wall: performance.now(), serverMs: cpuTimeOf(job.serverPids).usedMs };
  const prepare = encodeFrame(OPCODE.binary, encodePrepare(job.players));
  for (const host of hosts) host.write(prepare);
  while (meter.units < hosts.length && performance.now() < before.wall + DEADLINE_MS) await wait(1);
  const wallMs = performance.now() - before.wall;
  const serverMs = cpuTimeOf(job.serverPids).usedMs - before.serverMs;
  meter.integrity.lost += hosts.length - meter.units;
  return {
    values: { codes: codes.size, perSecond: (meter.units / wallMs) * 1000 },
    units: meter.units,
    serverBusy: serverMs / wallMs,
    serverWaited: 0,
    loadBusy: 0,
    integrity: meter.integrity,
    wasStarved: false,
    remarks: meter.remarks,
    failure: '',
  };
}

async function connectHosts(
  job: Job,
  meter: Meter,
  onCode: (code: string) => void,
): Promise<readonly RawSocket[]> {
  const hosts: RawSocket[] = [];
  while (hosts.length < job.sockets) {
    const count = Math.min(CONNECTS_AT_ONCE, job.sockets - hosts.length);
    const opened = Array.from({ length: count }, (_, i) => {
      const port = job.ports[(hosts.length + i) % job.ports.length] ?? 0;
      return openHost(port, meter, onCode);
    });
    hosts.push(...(await Promise.all(opened)));
  }
  return hosts;
}

function openHost(port: number, meter: Meter, onCode: (code: string) => void): Promise<RawSocket> {
  return new Promise((resolve) => {
    const host: RawSocket = new RawSocket(
      port,
      'CREATE',
      (_opcode, bytes, start) => {
        const event = decodeEvent(bytes, start);
        const key = event['key'];
        if (event['cmd'] === 'prepare_reply' && typeof key === 'string') onCode(key);
        else if (event['cmd'] !== 'state') meter.unexpected(`a host was told ${JSON.stringify(event)}`);
      },
      () => resolve(host),
    );
    host.onLost = (reason) => meter.unexpected(`a host was lost: ${reason}`);
  });
}
