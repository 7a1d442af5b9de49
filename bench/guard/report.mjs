// The figures as text: the costs and their ratios, and where the server's time goes.

const NAMES = {
  bare: "bare",
  headers: "header and trailer nobody reads",
  session: "session",
  ready: "one shot, AP-REQs made before",
  guarded: "one shot, ticketInterceptor",
  jsonwebtoken: "bearer token, jsonwebtoken HS256",
  bearer: "bearer token, jose HS256",
};
const NAME_WIDTH = 34;
const TARGET_WIDTH = 62;

/** How many functions a profile names. */
const TOP = 45;

/** Prints the figures for people. */
export function printResults(results) {
  const { machine, size, overSockets, beyondBareUs, inProcessUs, throughput, saturated, targets } = results;
  console.log(
    `The guard, AES256_CTS_HMAC_SHA384_192, ${size} bytes each way. Processor time, medians. ${machine}`,
  );
  console.log("\none connection, 32 calls in flight: µs a call; the server's share of a processor");
  printCalls("grpc-js's client", overSockets, throughput.sockets, beyondBareUs);
  printCalls("raw HTTP/2, to fill the server", saturated, throughput.saturated);
  console.log("\nin process: µs each, and what a call costs beyond bare as a ratio to it");
  console.log(row("", "", "session", "one shot"));
  for (const [name, cost] of Object.entries(inProcessUs))
    console.log(row(name, us(cost), ratio(beyondBareUs.session / cost), ratio(beyondBareUs.ready / cost)));
  console.log("\ntargets");
  for (const { what, measured, target, reached } of targets)
    console.log(
      `  ${what.padEnd(TARGET_WIDTH)}${ratio(measured)}  ${target.padEnd(14)} ${reached ? "reached" : "missed"}`,
    );
}

function printCalls(client, variants, ofBare, beyondBareUs) {
  console.log(row(client, "server", "beyond", "client", "wall", "share", "of bare"));
  for (const [name, title] of Object.entries(NAMES)) {
    if (variants[name] === undefined) continue;
    const { serverUs, clientUs, wallUs, share } = variants[name];
    const beyond = us(beyondBareUs?.[name] ?? serverUs - variants.bare.serverUs);
    console.log(
      row(title, us(serverUs), beyond, us(clientUs), us(wallUs), ratio(share), ratio(ofBare[name])),
    );
  }
}

function row(title, ...cells) {
  return `  ${title.padEnd(NAME_WIDTH)}${cells.map((cell) => cell.padStart(9)).join("")}`;
}

function us(value) {
  return value.toFixed(1).padStart(8);
}

function ratio(value) {
  return value.toFixed(2).padStart(8);
}

/**
 * @param bare @param other self times by function, from bench/exchange/profile.mjs, of `count` calls each.
 */
export function profileText(bare, other, variant, count, json) {
  const groups = { bare: byGroup(bare, count), [variant]: byGroup(other, count) };
  const floor = new Map(bare.map(({ name, us }) => [name, us / count]));
  const functions = other
    .map(({ name, us }) => ({ name, us: us / count, bareUs: floor.get(name) ?? 0 }))
    .toSorted((a, b) => b.us - b.bareUs - (a.us - a.bareUs))
    .slice(0, TOP);
  if (json) return JSON.stringify({ groups, functions }, undefined, 2);
  const cell = (us) => us.toFixed(2).padStart(8);
  const rows = Object.entries(groups[variant])
    .toSorted((a, b) => b[1] - a[1])
    .map(([group, us]) => `  ${group.padEnd(52)}${cell(us)}${cell(groups.bare[group] ?? 0)}`);
  return [
    `where the server's time goes, µs per call${" ".repeat(14)} ${variant.padStart(7)}    bare`,
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
