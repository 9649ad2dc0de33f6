/** Hosts without a room make way for each other fairly. */
import { expect, test } from '@jest/globals';
import { UnpreparedHosts, type UnpreparedHost } from './unprepared-hosts.ts';

const crowdedOut: string[] = [];

function host(name: string, address: string): UnpreparedHost {
  return { address, crowdOut: () => void crowdedOut.push(name) };
}

test('there is room for so many, and the next one crowds out the oldest of the address with most', () => {
  crowdedOut.length = 0;
  const hosts = new UnpreparedHosts(4);
  hosts.add(host('honest', '10.0.0.1'));
  for (let i = 0; i < 3; i += 1) hosts.add(host(`greedy ${i}`, '10.0.0.2'));
  expect(crowdedOut).toEqual([]);
  hosts.add(host('another honest', '10.0.0.3'));
  hosts.add(host('greedy 3', '10.0.0.2'));
  expect(crowdedOut).toEqual(['greedy 0', 'greedy 1']);
});

test('one who floods crowds out nobody else', () => {
  crowdedOut.length = 0;
  const hosts = new UnpreparedHosts(10);
  for (let i = 0; i < 5; i += 1) hosts.add(host(`honest ${i}`, `10.0.1.${i}`));
  for (let i = 0; i < 1000; i += 1) hosts.add(host('greedy', '10.0.0.2'));
  expect(crowdedOut).toHaveLength(995);
  expect(new Set(crowdedOut)).toEqual(new Set(['greedy']));
});

test('the addresses of one IPv6 network count together', () => {
  crowdedOut.length = 0;
  const hosts = new UnpreparedHosts(3);
  hosts.add(host('honest', '10.0.0.1'));
  for (let i = 1; i <= 3; i += 1) hosts.add(host('greedy', `2001:0db8:0001:0002:0000:0000:0000:000${i}`));
  expect(crowdedOut).toEqual(['greedy']);
});

test('who prepared or left makes room, once', () => {
  crowdedOut.length = 0;
  const hosts = new UnpreparedHosts(2);
  const first = host('first', '10.0.0.1');
  hosts.add(first);
  hosts.add(host('second', '10.0.0.1'));
  hosts.remove(first);
  hosts.remove(first);
  hosts.remove(host('unknown', '10.0.0.9'));
  hosts.add(host('third', '10.0.0.1'));
  expect(crowdedOut).toEqual([]);
  hosts.add(host('fourth', '10.0.0.1'));
  expect(crowdedOut).toEqual(['second']);
});
