// The method called: bytes in, bytes out, so that no codec is measured.
const identity = (bytes) => bytes;

export const CALL = {
  path: "/bench.Orders/Call",
  requestStream: false,
  responseStream: false,
  requestSerialize: identity,
  requestDeserialize: identity,
  responseSerialize: identity,
  responseDeserialize: identity,
};
