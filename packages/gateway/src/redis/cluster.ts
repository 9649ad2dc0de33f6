/** All that nodes share, in Redis: three connections, one for commands, one to publish, one to hear. */
import { detach, type Log } from '../log.ts';
import { type NodeId } from '../names.ts';
import { type Shared } from '../shared.ts';
import { Unavailable } from '../unavailable.ts';
import { RedisBackplane } from './backplane.ts';
import { RedisConnection } from './connect.ts';
import { RedisLeases } from './leases.ts';
import { Rights } from './rights.ts';
import { RedisRoomStore, type OnOperation } from './room-store.ts';
import { tryCommands } from './try-commands.ts';
import { type RedisTarget } from './url.ts';

const TICK_MS = 4000;
/** In ticks: rights can be taken while we run, too. */
const TRY_EVERY = 3;

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
  const rights = new Rights(log);
  const commands = new RedisConnection(target, 'commands', log, {
    onReady() {
      onReturn();
      areTried = false;
      detach(tryRights(), log, {}, 'trying what redis allows failed');
    },
    rights,
  });
  const backplane = new RedisBackplane(target, node, rights, log);
  const connections = [commands, ...backplane.connections];
  const leases = new RedisLeases(commands, node);
  let areTried = false;
  let ticks = 0;
  const ticker = setInterval(() => {
    ticks += 1;
    if (areTried && rights.trouble === undefined && ticks % TRY_EVERY !== 0) return;
    detach(tryRights(), log, {}, 'trying what redis allows failed');
  }, TICK_MS).unref();

  /** At once on a new connection, and at every tick while something is refused: rights are given while we run. */
  async function tryRights(): Promise<void> {
    if (!commands.isReady) return;
    try {
      const refused = [...(await tryCommands(commands.client)), ...(await backplane.tryRights())];
      areTried = true;
      rights.found(new Map(refused));
    } catch (error) {
      if (!(commands.asUnavailable('rights', error) instanceof Unavailable)) throw error;
    }
  }

  return {
    store: new RedisRoomStore(commands, onOperation),
    backplane,
    leases,
    trouble() {
      const down = connections.some(({ isAnswering }) => !isAnswering);
      return down ? 'redis is out of reach' : undefined;
    },
    refusal: () => rights.trouble,
    probes: () => backplane.readProbes(),
    async close() {
      clearInterval(ticker);
      await leases.release().catch(() => undefined);
      await backplane.close();
      await commands.close();
    },
  };
}
