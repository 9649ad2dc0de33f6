/** What a reader must know before believing a cluster scenario's rows. */
import { framesPerPublish, type Round } from './cluster-rows.ts';
import { format } from './report.ts';
import { spread } from './statistics.ts';

/** More than this of the nodes' time, something else had their core. */
const WAITED = 0.1;
/** Beyond this, cluster and raw relay did not do the same work. */
const UNEQUAL = 0.1;

export function findClusterDoubts(scenario: string, rounds: readonly Round[]): string[] {
  const samples = rounds.flatMap((round) => Object.values(round));
  const waited = samples.filter(({ serverWaited }) => serverWaited >= WAITED).length;
  const doubts =
    waited === 0 ? [] : [`something else ran on the nodes' core in ${waited} of ${samples.length} samples`];
  if (rounds.some((round) => 'raw relay' in round)) doubts.push(...findUnequalBatching(rounds));
  return doubts.map((doubt) => `${scenario}: ${doubt}`);
}

function findUnequalBatching(rounds: readonly Round[]): string[] {
  const ours = framesPerPublish('cluster');
  const theirs = framesPerPublish('raw relay');
  const ratio = spread(rounds.map((round) => ours(round) / theirs(round)));
  if (Math.abs(ratio.median - 1) <= UNEQUAL) return [];
  const [cluster, rawRelay] = [ours, theirs].map((reading) => format(spread(rounds.map(reading)).median));
  return [`unequal batching: ${cluster} frames/publish in the cluster, ${rawRelay} from the raw relay`];
}
