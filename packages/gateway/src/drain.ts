/** The end of a node in good order: refuse, give notice, close everybody over a window. */
import { type Peers } from './peers.ts';

/** Everybody comes back at once to the nodes that are left: spread, so that a deploy is no stampede. */
const WINDOW_MS = 2000;
/** For close frames to leave. */
const GRACE_MS = 500;

/** Resolves when everybody is gone. @param noticeMs from now on to the first socket closed */
export async function drain(peers: Peers, noticeMs: number): Promise<void> {
  peers.drain();
  await after(noticeMs);
  const everybody = [...peers.peers];
  const stepMs = everybody.length > 0 ? WINDOW_MS / everybody.length : 0;
  const startedAtMs = performance.now();
  for (const [index, peer] of everybody.entries()) {
    const dueInMs = startedAtMs + index * stepMs - performance.now();
    if (dueInMs > 0) await after(dueInMs);
    peer.end('nodeRestarting');
  }
  if (everybody.length > 0) await after(GRACE_MS);
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
