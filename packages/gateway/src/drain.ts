/** The end of a node in good order: refuse, give notice, close everybody over a window. */
import { type Peers } from './peers.ts';

/** Everybody comes back at once to the nodes that are left: spread, so that a deploy is no stampede. */
const WINDOW_MS = 2000;
/** For close frames to leave. */
const GRACE_MS = 500;
/** For who was accepted just before to say what it wants, and to be told that the node is going. */
const LAST_WORDS_MS = 1000;
const LAST_FRAMES_MS = 200;

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

/**
 * Nobody new is accepted. Resolves when those who were have been told to come back, or say nothing.
 *
 * At the end of a turn, when the library has just accepted everybody who was waiting for it: the kernel resets those
 * that wait when the listener closes.
 */
export async function lastWords(
  listening: { close(): void },
  connections: { readonly waiting: number },
): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  listening.close();
  const untilMs = performance.now() + LAST_WORDS_MS;
  while (connections.waiting > 0 && performance.now() < untilMs) await after(20);
  await after(LAST_FRAMES_MS);
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
