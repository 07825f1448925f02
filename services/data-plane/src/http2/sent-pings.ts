const MOST_PINGS = 8;
export const PING_BYTES = 8;

type SentPing = { readonly number: number; readonly sentAt: number; readonly onAck: (rttMs: number) => void };

/** PINGs of ours that wait for their ACK (RFC 9113, section 6.7). */
export class SentPings {
  #waiting: SentPing[] | undefined;
  #number = 0;

  /** @returns what to send; undefined when too many wait */
  add(sentAt: number, onAck: (rttMs: number) => void): Buffer | undefined {
    this.#waiting ??= [];
    if (this.#waiting.length >= MOST_PINGS) return undefined;
    this.#number = (this.#number + 1) % 2 ** 32;
    this.#waiting.push({ number: this.#number, sentAt, onAck });
    const payload = Buffer.alloc(PING_BYTES);
    payload.writeUInt32BE(this.#number, 4);
    return payload;
  }

  /** They are answered in order. An ACK of what was not sent means nothing. */
  acknowledge(payload: Buffer, now: number): void {
    const [sent] = this.#waiting ?? [];
    if (sent === undefined || payload.readUInt32BE(0) !== 0 || payload.readUInt32BE(4) !== sent.number) return;
    this.#waiting?.shift();
    sent.onAck(now - sent.sentAt);
  }
}
