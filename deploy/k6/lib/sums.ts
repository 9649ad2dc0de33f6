/** What came of the frames between a host and its players. */
import { type Host } from './host.ts';
import { counts } from './metrics.ts';

/** Nothing is on its way any more between peers whose sockets live. */
export function isQuiet(host: Host): boolean {
  return [...host.players.values()].every(
    (player) =>
      player.closeCode !== undefined ||
      (player.toHost.behind(player.sent) === 0 &&
        player.answers.behind(player.answersSent) === 0 &&
        player.fromHost.behind(host.sentToAll) === 0),
  );
}

/**
 * Call once, when all of them are at their end.
 * @param isCut whether a socket with this close was closed while others still talked to it
 */
export function countFrames(
  host: Host,
  isCut: (closeCode: number | undefined) => boolean = () => false,
): void {
  let [sent, received, answers, lost, doubled, outOfOrder, cut] = [host.sentToAll, 0, 0, 0, 0, 0, 0];
  for (const player of host.players.values()) {
    sent += player.sent + player.answersSent;
    answers += player.answers.received;
    const mayBeCut = isCut(host.closeCode) || isCut(player.closeCode);
    for (const [tally, used] of [
      [player.toHost, player.sent],
      [player.answers, player.answersSent],
      [player.fromHost, player.sentToAll],
    ] as const) {
      received += tally.received;
      doubled += tally.doubled;
      outOfOrder += tally.outOfOrder;
      lost += tally.missing;
      if (mayBeCut) cut += tally.behind(used);
      else lost += tally.behind(used);
    }
  }
  counts.framesSent.add(sent);
  counts.framesReceived.add(received);
  counts.answersReceived.add(answers);
  counts.framesLost.add(lost);
  counts.framesDoubled.add(doubled);
  counts.framesOutOfOrder.add(outOfOrder);
  counts.framesCut.add(cut);
}
