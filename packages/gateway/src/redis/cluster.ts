/** All that nodes share, in Redis: three connections, one for commands, one to publish, one to hear. */
import { type Log } from '../log.ts';
import { type NodeId } from '../names.ts';
import { type Shared } from '../shared.ts';
import { RedisBackplane } from './backplane.ts';
import { PUBLISH_TIMEOUT_MS, RedisConnection } from './connect.ts';
import { RedisLeases } from './leases.ts';
import { RedisRoomStore, type OnOperation } from './room-store.ts';
import { type RedisTarget } from './url.ts';

export interface RedisShared extends Shared {
  readonly backplane: RedisBackplane;
}

/**
 * Connects in the background; until then, and during an outage, what needs Redis rejects with `Unavailable`.
 * @param onReturn called whenever Redis can be used again, the first time too
 */
export function openRedis(
  target: RedisTarget,
  node: NodeId,
  log: Log,
  onOperation: OnOperation,
  onReturn: () => void,
): RedisShared {
  const commands = new RedisConnection(target, 'commands', log, onReturn);
  const publisher = new RedisConnection(target, 'publish', log, () => undefined, PUBLISH_TIMEOUT_MS, true);
  const subscriber = new RedisConnection(target, 'subscribe', log, () => backplane.onReady());
  const connections = { commands, publisher, subscriber };
  const backplane = new RedisBackplane(publisher, subscriber, node, log);
  const leases = new RedisLeases(commands, node);

  return {
    store: new RedisRoomStore(commands, onOperation),
    backplane,
    leases,
    trouble() {
      const down = Object.values(connections).some(({ isAnswering }) => !isAnswering);
      return down ? 'redis is out of reach' : undefined;
    },
    probes: () => backplane.readProbes(),
    async close() {
      backplane.close();
      await leases.release().catch(() => undefined);
      await Promise.all([publisher.close(), subscriber.close()]);
      await commands.close();
    },
  };
}
