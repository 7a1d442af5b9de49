// The methods called: bytes in, bytes out, so that no codec is measured.
const identity = (bytes) => bytes;

const method = (name, requestStream, responseStream) => ({
  path: `/bench.Orders/${name}`,
  requestStream,
  responseStream,
  requestSerialize: identity,
  requestDeserialize: identity,
  responseSerialize: identity,
  responseDeserialize: identity,
});

/** One message each way. */
export const CALL = method("Call", false, false);
/** A stream to the service. */
export const TAKE = method("Take", true, false);
/** A stream from the service. */
export const SEND = method("Send", false, true);
