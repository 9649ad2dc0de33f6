/** What a host and the gateway say to each other. Field names and their order are those of the wire. */
import { type PlayerId } from './names.ts';

/** `'all'`: every player of the room (an empty array on the wire). A list may hold unknown ids and repeats. */
export type Addressees = 'all' | readonly PlayerId[];

export type HostCommand =
  | { readonly cmd: 'prepare'; readonly name: string; readonly max_players: number }
  | { readonly cmd: 'start' }
  | { readonly cmd: 'kick'; readonly player: PlayerId }
  | { readonly cmd: 'stop' }
  | { readonly cmd: 'to'; readonly to: Addressees; readonly data: Uint8Array }
  /** `data` is valid UTF-8. */
  | { readonly cmd: 'to_str'; readonly to: Addressees; readonly data: Uint8Array };

export type HostEvent =
  | {
      readonly cmd: 'state';
      readonly name: string;
      readonly players: readonly PlayerId[];
      readonly max_players: number;
      readonly accept_conns: boolean;
    }
  | { readonly cmd: 'prepare_reply'; readonly key: string }
  | { readonly cmd: 'player_joined'; readonly player: PlayerId }
  | { readonly cmd: 'player_left'; readonly player: PlayerId }
  | { readonly cmd: 'from'; readonly from: PlayerId; readonly data: Uint8Array }
  | { readonly cmd: 'from_str'; readonly from: PlayerId; readonly data: string }
  | { readonly cmd: 'stop' }
  | { readonly cmd: 'error'; readonly reason: string };
