/** The failure that is nobody's fault: what nodes share is out of reach for now. */

/** Ports reject with it when they cannot be reached in a short, bounded time. A peer may try again later. */
export class Unavailable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Unavailable';
  }
}

/** Of one room only, which is being moved from one place to another: all others are in reach, and nothing is lost. */
export class RoomMoving extends Unavailable {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RoomMoving';
  }
}
