/** One for all sockets: what was read is sent, or copied, before anything else is read. */
export const CHUNK = Buffer.allocUnsafeSlow(131_072);
