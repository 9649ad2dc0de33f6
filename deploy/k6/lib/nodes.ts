/** What nodes say of themselves, on their operators' listener. */
import http from 'k6/http';
import { sleep } from 'k6';

/** Resident memory of the process behind these metrics. @throws {Error} when it does not say */
export function residentBytes(url: string): number {
  return sumOf(read(url), 'process_resident_memory_bytes');
}

/**
 * Sockets, rooms and players that these nodes count together, above so many.
 * @param patienceMs for them to notice that somebody has gone
 */
export function leftBehind(urls: readonly string[], above: number, patienceMs: number): number {
  const LOOK_EVERY_MS = 200;
  for (let waitedMs = 0; ; waitedMs += LOOK_EVERY_MS) {
    let count = -above;
    for (const text of urls.map(read)) {
      count += sumOf(text, 'wmbp_sockets') + sumOf(text, 'wmbp_rooms') + sumOf(text, 'wmbp_players');
    }
    if (count <= 0 || waitedMs >= patienceMs) return Math.max(0, count);
    sleep(LOOK_EVERY_MS / 1000);
  }
}

function read(url: string): string {
  const { status, body } = http.get(url, { tags: { name: 'metrics' } });
  if (status !== 200 || typeof body !== 'string')
    throw new Error(`${url}: expected metrics, came status ${status}`);
  return body;
}

/** All series of a metric together. */
function sumOf(text: string, metric: string): number {
  const values = [...text.matchAll(new RegExp(`^${metric}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].map(([, value]) =>
    Number(value),
  );
  if (values.length === 0) throw new Error(`no ${metric} among the metrics`);
  return values.reduce((sum, value) => sum + value, 0);
}
