export const PING_BYTES = 8;

/** The number of the PING that follows the announcement of the end; the others count from 1. */
const END = 0;

/** PINGs of ours that wait for their ACK (RFC 9113, section 6.7). The second half of the payload is a number. */
export class SentPings {
  #number = 0;
  /** NaN when none of them waits. */
  #sentAt = Number.NaN;
  #isEndSent = false;

  /** One that asks whether the client is there. One before it that waits is given up. @returns its number */
  add(now: number): number {
    this.#number = this.#number === 0xffff_ffff ? 1 : this.#number + 1;
    this.#sentAt = now;
    return this.#number;
  }

  /** One that asks whether the client has read what was sent before it. @returns its number */
  addEnd(): number {
    this.#isEndSent = true;
    return END;
  }

  /** @returns how long the ACK took of one that asked whether the client is there, in milliseconds */
  acknowledge(payload: Buffer, now: number): number | undefined {
    if (Number.isNaN(this.#sentAt) || !isNumber(payload, this.#number)) return undefined;
    const rttMs = now - this.#sentAt;
    this.#sentAt = Number.NaN;
    return rttMs;
  }

  acknowledgeEnd(payload: Buffer): boolean {
    const isEnd = this.#isEndSent && isNumber(payload, END);
    if (isEnd) this.#isEndSent = false;
    return isEnd;
  }
}

function isNumber(payload: Buffer, number: number): boolean {
  return payload.readUInt32BE(4) === number && payload.readUInt32BE(0) === 0;
}
