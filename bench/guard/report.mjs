// The figures as text: the costs and their ratios, and where the server's time goes.

const NAMES = {
  bare: "bare",
  ready: "guarded, AP-REQs made before",
  guarded: "guarded, ticketInterceptor",
  bearer: "bearer token, jose HS256",
};

/** How many functions a profile names. */
const TOP = 45;

/** Prints the figures for people. */
export function printResults({
  machine,
  size,
  overSockets,
  beyondBareUs,
  inProcessUs,
  ratios,
  throughput,
  targets,
}) {
  const number = (value, digits = 1) => value.toFixed(digits).padStart(8);
  console.log(
    `The guard, AES256_CTS_HMAC_SHA384_192, ${size} bytes each way. Processor time, medians. ${machine}`,
  );
  console.log("\nunary calls over a socket, 1 connection, 32 in flight, µs a call");
  console.log(`  ${"".padEnd(34)}  server  client    wall  calls/s, server full  calls/s here`);
  for (const [name, { serverUs, clientUs, wallUs }] of Object.entries(overSockets)) {
    const rates = [1e6 / serverUs, 1e6 / wallUs].map((rate) => String(Math.round(rate)));
    console.log(
      `  ${NAMES[name].padEnd(33)}${number(serverUs)}${number(clientUs)}${number(wallUs)}` +
        `${rates[0].padStart(22)}${rates[1].padStart(14)}`,
    );
  }
  console.log(`  the guard, beyond the bare call  ${number(beyondBareUs.guarded)}`);
  console.log(`  the token, beyond the bare call  ${number(beyondBareUs.bearer)}`);
  console.log("\nin process, µs each");
  for (const name of ["guard, ticket seen before", "guard, ticket never seen"])
    console.log(`  ${name.padEnd(33)}${number(inProcessUs[name])}`);
  console.log(
    `\n  ${"one token verified".padEnd(33)}      µs   ratio: guarded call beyond bare   ratio: in process`,
  );
  for (const { peer, us, overSockets: over, inProcess } of ratios)
    console.log(
      `  ${peer.padEnd(33)}${number(us)}${number(over, 2).padStart(34)}${number(inProcess, 2).padStart(20)}`,
    );
  console.log(
    `\nthroughput of guarded calls / bare calls: ${throughput.byServerCpu.toFixed(2)} by the server's CPU, ` +
      `${throughput.byWall.toFixed(2)} on the wall, client and server on this machine`,
  );
  console.log("\ntargets");
  for (const { what, measured, target, reached } of targets)
    console.log(
      `  ${what.padEnd(42)}${number(measured, 2)}  ${target.padEnd(14)} ${reached ? "reached" : "missed"}`,
    );
}

/** @param times self times by function, from bench/exchange/profile.mjs, of `count` calls each. */
export function profileText({ bare, ready: guarded }, count, json) {
  const groups = { bare: byGroup(bare, count), guarded: byGroup(guarded, count) };
  const floor = new Map(bare.map(({ name, us }) => [name, us / count]));
  const functions = guarded
    .map(({ name, us }) => ({ name, us: us / count, bareUs: floor.get(name) ?? 0 }))
    .toSorted((a, b) => b.us - b.bareUs - (a.us - a.bareUs))
    .slice(0, TOP);
  if (json) return JSON.stringify({ groups, functions }, undefined, 2);
  const cell = (us) => us.toFixed(2).padStart(8);
  const rows = Object.entries(groups.guarded)
    .toSorted((a, b) => b[1] - a[1])
    .map(([group, us]) => `  ${group.padEnd(52)}${cell(us)}${cell(groups.bare[group] ?? 0)}`);
  return [
    `where the server's time goes, µs per call${" ".repeat(14)}  guarded    bare`,
    ...rows,
    "by function, the largest differences first",
    ...functions.map(({ name, us, bareUs }) => `  ${cell(us - bareUs)}  ${name}`),
  ].join("\n");
}

function byGroup(times, count) {
  const groups = {};
  for (const { group, us } of times) groups[group] = (groups[group] ?? 0) + us / count;
  return groups;
}
