// The long checks, in their order: a name, and the command that runs it in the project's folder. It fails by
// its exit code. Its figures are the lines of its output that are indented by two spaces, `  NAME: NUMBER …`.

/** @type {Readonly<Record<string, string>>} */
export const CHECKS = {
  // A million guarded calls while processes are killed, each replayed to every process.
  "guard-chaos": "node --max-old-space-size=8192 test/guard-chaos/main.mjs --least 1000000 --seconds 7200",
  // Whether a short run of the same finds faults that are planted into the guard.
  "guard-chaos-faults": "node test/guard-chaos/planted.mjs",
  // A year of a realm under faults, from a seed of its own: 100,000 exchanges.
  simulation: "node test/simulation/main.mjs --exchanges 100000",
  // Whether the simulation finds bugs that are planted into a copy of the build.
  "simulation-bugs": "node test/simulation/planted.mjs",
  // 100,000 inputs that are nearly good for each decoder, 20,000 calls of each RPC, 200 kills while writing.
  hostile: "node test/hostile/main.mjs",
  // Whether the hostile bytes of `.ci/run` find faults that are planted into a copy of dist.
  "hostile-faults": "node test/hostile/planted.mjs",
  // An AS under ten times the load that it can bear.
  overload: "node bench/overload/main.mjs",
  // Whether the AS's time tells which names exist, over sockets.
  enumeration: "node bench/enumeration/main.mjs",
  // What attacks by raw HTTP/2 cost AS, TGS, V and a guarded service.
  abuse: "node bench/abuse/main.mjs",
};
