/** A phone that sends all it can until it is closed, then prints the close: `flooder.ts PORT PATH BYTES OPCODE`. */
import { clientFrame, closeOf, RawPeer } from './raw-peer.ts';

const [port, path, frameBytes, opcode] = process.argv.slice(2);
const peer = await RawPeer.upgraded(Number(port), String(path));
const frame = clientFrame(0x80 | Number(opcode), Buffer.alloc(Number(frameBytes), 200));
const batch = Buffer.concat(Array.from({ length: Math.ceil(500_000 / frame.length) }, () => frame));
let close: ReturnType<typeof closeOf>;
peer.tcp.on('data', (bytes: Buffer) => {
  // Nothing but pongs comes before it; the close frame ends what is read.
  const at = bytes.lastIndexOf(0x88);
  if (at >= 0) close = closeOf({ opcode: 8, payload: bytes.subarray(at + 2) });
});
process.once('SIGTERM', () => process.exit());
setTimeout(() => process.exit(), 30_000).unref();
while (!close) {
  await Promise.race([peer.write(batch), peer.gone]);
  await new Promise((resolve) => setImmediate(resolve));
  if (peer.tcp.destroyed) break;
}
process.stdout.write(`${JSON.stringify(close ?? 'no close frame')}\n`);
process.exit();
