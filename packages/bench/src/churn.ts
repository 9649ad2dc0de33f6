/** Rooms that are opened, filled, emptied and closed, several side by side, without a frame of payload. */
import type { Job, Sample } from './job.ts';
import { Meter } from './meter.ts';
import { Room } from './room.ts';

export async function runChurn(job: Job): Promise<Sample> {
  const meter = new Meter(job);
  let open = job.rooms;
  for (let i = 0; i < job.rooms; i++) {
    churn(job, meter).then(
      () => (open -= 1),
      (error: unknown) => (meter.failure = String(error)),
    );
  }
  const { perCpuSecond, ...measured } = await meter.measure(() => open === 0);
  return { ...measured, values: { perCpuSecond }, integrity: meter.integrity };
}

/** One room's whole life is the unit. */
async function churn(job: Job, meter: Meter): Promise<void> {
  while (meter.isRunning) {
    const room = new Room(job.ports, job.players, { onFrom: () => {}, onUnexpected: meter.unexpected });
    await room.fill(job.players);
    await room.empty();
    await room.close();
    if (room.joined !== job.players || room.left !== job.players) {
      meter.unexpected(`${job.players} players: ${room.joined} joined and ${room.left} left were announced`);
    }
    meter.units += 1;
  }
}
