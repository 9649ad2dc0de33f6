/** What a gateway's heap still holds when its garbage is gone: asked of the inspector of its process. */
import { within, type ServerProcess } from '@wmbp/testkit';

/** The setting of gateways that are to be asked. */
export const INSPECTED = { NODE_OPTIONS: '--inspect=127.0.0.1:0' };

/** In MiB. */
export async function liveHeapMib(server: ServerProcess): Promise<number> {
  const url = /ws:\/\/127\.0\.0\.1:\d+\/[\w-]+/.exec(server.errors())?.[0];
  if (url === undefined) throw new Error('the gateway was not started with an inspector');
  const inspector = new WebSocket(url);
  try {
    await within('the inspector', new Promise((resolve) => inspector.addEventListener('open', resolve)));
    await ask(inspector, 1, 'HeapProfiler.collectGarbage');
    const { usedSize } = (await ask(inspector, 2, 'Runtime.getHeapUsage')) as { usedSize: number };
    return usedSize / 2 ** 20;
  } finally {
    inspector.close();
  }
}

function ask(inspector: WebSocket, id: number, method: string): Promise<unknown> {
  const answer = new Promise<unknown>((resolve) => {
    inspector.addEventListener('message', ({ data }: MessageEvent) => {
      const message = JSON.parse(String(data)) as { id?: number; result?: unknown };
      if (message.id === id) resolve(message.result);
    });
  });
  inspector.send(JSON.stringify({ id, method }));
  return within(method, answer);
}
