/** A host that returns every frame to its sender, with one write for all that one read brought. */
import { encodeFrame, OPCODE } from './frames.ts';
import type { Meter } from './meter.ts';
import { createPayload, writeSequence } from './payload.ts';
import { receiveAtHost } from './receivers.ts';
import type { Room } from './room.ts';
import type { Stream } from './tally.ts';
import { encodeTo } from './wire.ts';

export function echoAtHost(room: Room, meter: Meter, payloadBytes: number): Stream[] {
  const replies = room.players.map(({ id }, stream) => {
    const { bytes, dataAt } = encodeTo([id], createPayload(stream, payloadBytes));
    const frame = encodeFrame(OPCODE.binary, bytes);
    return { frame, digitsAt: frame.length - bytes.length + dataAt + 1 };
  });
  let waiting: Buffer[] = [];
  return receiveAtHost(room, meter, payloadBytes, (place, sequence) => {
    const reply = replies[place];
    if (!reply) return;
    writeSequence(reply.frame, reply.digitsAt, 2, sequence);
    if (waiting.length === 0) {
      queueMicrotask(() => {
        room.host.write(Buffer.concat(waiting));
        waiting = [];
      });
    }
    waiting.push(Buffer.from(reply.frame));
  });
}
