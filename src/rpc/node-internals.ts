/**
 * What Node keeps private, and a server under load needs all the same: the socket below TLS, and the means to
 * stop reading from a connection that HTTP/2 has taken over. Where a later version has moved a field, a
 * connection is read without a pause; test/rpc/node-internals.test.ts says which field it is.
 */

interface HiddenSocket {
  readonly _handle?: { readStop?(): void; readStart?(): void } | null;
  /** Of a TLS socket: the one that it was made of. */
  readonly _parent?: object | null;
}

/** The socket that the system knows: the one below TLS, or the same. */
export function rawSocket(socket: object): object {
  return (socket as HiddenSocket)._parent ?? socket;
}

/**
 * Stops reading from a socket of the system, whoever reads it: what arrives waits in the system's buffers,
 * and where these are full, with the peer. HTTP/2 may begin again by itself, after a write that had to wait.
 */
export function stopReading(socket: object): void {
  (socket as HiddenSocket)._handle?.readStop?.();
}

/** Begins to read from it again. */
export function startReading(socket: object): void {
  (socket as HiddenSocket)._handle?.readStart?.();
}
