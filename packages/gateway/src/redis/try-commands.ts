/** Asks Redis what a gateway will ask, before anybody depends on the answer: does its user have the rights? */
import { Cluster } from 'ioredis';
import { type RedisClient } from './connect.ts';
import { commandOf, isRefusal, textOf, type Refusals } from './rights.ts';
import { Script } from './script.ts';

const TRY_COMMANDS = new Script('try_commands');
const NAME = 'wmbp:{rights}';

/** Tries what goes over the connection for commands. @throws {Error} when Redis does not answer */
export async function tryCommands(client: RedisClient): Promise<Refusals> {
  const refused = new Map<string, string>();
  const isCluster = client instanceof Cluster;
  const args = [NAME, `${NAME}:nobody`, isCluster ? 'SPUBLISH' : 'PUBLISH'];
  const script = async (node: RedisClient): Promise<void> => {
    const { values } = await TRY_COMMANDS.run(node, [], args);
    for (let i = 0; i + 1 < values.length; i += 2) {
      const [command = '', reason = ''] = values.slice(i, i + 2);
      if (isRefusal(reason)) refused.set(command, reason);
    }
  };
  for (const node of isCluster ? client.nodes('master') : [client]) {
    await attempt(refused, () => script(node));
    // Not needed while the server knows our scripts, and then at once.
    await attempt(refused, () => node.eval('return 1', 0));
  }
  return refused;
}

/**
 * Tries what goes over the connection that hears. @param commands by their names, each with a channel
 * @throws {Error} when Redis does not answer
 */
export async function trySubscribing(
  node: number,
  commands: Readonly<Record<string, (channel: string) => Promise<unknown>>>,
): Promise<Refusals> {
  const refused = new Map<string, string>();
  for (const [name, command] of Object.entries(commands))
    await attempt(refused, () => command(`${NAME}:${node}`), name);
  return refused;
}

async function attempt(
  refused: Map<string, string>,
  work: () => Promise<unknown>,
  command?: string,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isRefusal(error)) throw error;
    refused.set(command ?? commandOf(error), textOf(error));
  }
}
