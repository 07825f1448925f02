export type Size = {
  readonly streams: number;
  /** That each stream is served; one of them changes. */
  readonly resources: number;
};

/** A server in a process of its own, whatever it is made of. */
export type XdsServer = {
  readonly pid: number;
  readonly port: number;
  readonly typeUrl: string;
  /** Of the clients' nodes. */
  readonly role: string;
  /** Resolves when all streams have acknowledged what they got first. */
  opened(): Promise<void>;
  /** Changes one resource, and gives the milliseconds until the last ACK of it was there. */
  change(acknowledged: Promise<unknown>): Promise<number>;
  stop(): Promise<void>;
};
