/** What an idle socket costs the subject in resident memory, with everything in it: kernel buffers are not. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Job, Sample } from './job.ts';
import { Meter } from './meter.ts';
import { residentBytes } from './process-stat.ts';
import { Room } from './room.ts';

/** Rooms opened and closed first, so that compiled code and a heap of working size are not counted as sockets. */
const WARMUP_ROOMS = 10;

export async function runIdleMemory(job: Job): Promise<Sample> {
  const meter = new Meter(job);
  for (let i = 0; i < WARMUP_ROOMS; i++) {
    const room = await openRoom(job, meter, job.players);
    await room.empty();
    await room.close();
  }
  await wait(job.measureMs);
  const before = residentBytes(job.serverPids[0] ?? 0);
  for (let left = job.sockets; left > 0; left -= job.players) {
    await openRoom(job, meter, Math.min(job.players, left) - 1);
  }
  await wait(job.measureMs);
  const bytesPerSocket = (residentBytes(job.serverPids[0] ?? 0) - before) / job.sockets;
  const busy = { units: 0, serverBusy: 0, serverWaited: 0, loadBusy: 0, wasStarved: false };
  return {
    values: { bytesPerSocket },
    ...busy,
    integrity: meter.integrity,
    remarks: meter.remarks,
    failure: '',
  };
}

/** The host is a socket too. */
async function openRoom(job: Job, meter: Meter, players: number): Promise<Room> {
  const room = new Room(job.ports, job.players, { onFrom: () => {}, onUnexpected: meter.unexpected });
  await room.fill(players);
  return room;
}
