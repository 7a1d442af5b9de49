// From the samples of a run to its figures: medians, ratios of what was measured in the same round, and
// which targets are reached.

/** The most characters that a proof may take in the request headers. */
const MAX_PROOF_SIZE = 64;

/**
 * @param samples `sockets` and `saturated` by variant, `inProcess` by operation, all in the same rounds.
 * @param proofSize the characters of a session's proof.
 */
export function figuresOf({ sockets, inProcess, saturated }, proofSize) {
  const beyondBareUs = mapValues(sockets, (rounds) =>
    median(rounds.map(({ server }, i) => server - sockets.bare[i].server)),
  );
  const inProcessUs = mapValues(inProcess, median);
  // A server that is full answers as many calls as its processor time allows. That is what counts: how full
  // it was, and the wall, depend on what else the machine does.
  const throughput = {
    sockets: mapValues(sockets, (rounds) => ofBare(rounds, sockets.bare, "server")),
    saturated: mapValues(saturated, (rounds) => ofBare(rounds, saturated.bare, "server")),
  };
  const figures = { beyondBareUs, inProcessUs, throughput, proofSize };
  return {
    overSockets: mapValues(sockets, perCall),
    saturated: mapValues(saturated, perCall),
    ...figures,
    targets: targetsOf(figures),
  };
}

function perCall(rounds) {
  return {
    serverUs: medianOf(rounds, "server"),
    clientUs: medianOf(rounds, "client"),
    wallUs: medianOf(rounds, "wall"),
    /** The server's, of one processor. */
    share: median(rounds.map(({ server, wall }) => server / wall)),
  };
}

function targetsOf({ beyondBareUs, inProcessUs, throughput, proofSize }) {
  const { session, ready: oneShot, jsonwebtoken } = beyondBareUs;
  const jose = inProcessUs["jose HS256"];
  return [
    atMost("session, beyond bare / jose HS256 in process", session / jose, 0.4),
    atMost("session, beyond bare / jsonwebtoken HS256 in an interceptor", session / jsonwebtoken, 1),
    atMost("session, beyond bare / one shot", session / oneShot, 0.3),
    atLeast("session, throughput of bare, grpc-js's client", throughput.sockets.session, 0.8),
    atLeast("session, throughput of bare, saturated", throughput.saturated.session, 0.75),
    atMost("session, characters of proof in request headers", proofSize, MAX_PROOF_SIZE),
    atMost("one shot, beyond bare / jose HS256 in process", oneShot / jose, 1),
  ];
}

function atMost(what, measured, most) {
  return { what, measured, target: `at most ${most}`, reached: measured <= most };
}

function atLeast(what, measured, least) {
  return { what, measured, target: `at least ${least}`, reached: measured >= least };
}

/** How many calls go in the time of one bare call, of the same round. */
function ofBare(rounds, bare, what) {
  return median(rounds.map((sample, i) => bare[i][what] / sample[what]));
}

function medianOf(rounds, what) {
  return median(rounds.map((sample) => sample[what]));
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

function mapValues(object, map) {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, map(value)]));
}
