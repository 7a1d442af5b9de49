// The service of the empty call, which gives and takes bytes: the floor of benchmarks.
const identity = (bytes) => bytes;

export const EMPTY_SERVICE = {
  call: {
    path: "/bench.Empty/Call",
    requestStream: false,
    responseStream: false,
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  },
};
