/** A fixed number of rooms is created, and eight players join each, several rooms side by side. They stay open until the end. */
import type { Job, Sample } from './job.ts';
import { Meter } from './meter.ts';
import { cpuTimeOf } from './process-stat.ts';
import { Room } from './room.ts';

/** Of the rooms, so many are opened and closed first, so that compiled code is what is measured. */
const WARMUP_SHARE = 1 / 4;

export async function runOpenings(job: Job): Promise<Sample> {
  const meter = new Meter(job);
  const rooms = Math.max(1, Math.floor(job.sockets / (job.players + 1)));
  for (const room of await openRooms(job, meter, Math.ceil(rooms * WARMUP_SHARE))) {
    await room.empty();
    await room.close();
  }
  const before = { wall: performance.now(), server: cpuTimeOf(job.serverPids), load: process.cpuUsage() };
  await openRooms(job, meter, rooms);
  const wallMs = performance.now() - before.wall;
  const serverMs = cpuTimeOf(job.serverPids).usedMs - before.server.usedMs;
  const load = process.cpuUsage(before.load);
  return {
    values: { perSecond: (rooms / wallMs) * 1000, perCpuSecond: (rooms / serverMs) * 1000 },
    units: rooms,
    serverBusy: serverMs / wallMs,
    serverWaited: 0,
    loadBusy: (load.user + load.system) / 1000 / wallMs,
    integrity: meter.integrity,
    wasStarved: false,
    remarks: meter.remarks,
    failure: '',
  };
}

async function openRooms(job: Job, meter: Meter, count: number): Promise<Room[]> {
  const rooms: Room[] = [];
  let left = count;
  const openSome = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const room = new Room(job.ports, job.players, { onFrom: () => {}, onUnexpected: meter.unexpected });
      await room.fill(job.players);
      rooms.push(room);
    }
  };
  await Promise.all(Array.from({ length: job.rooms }, openSome));
  return rooms;
}
