/** The figures as tables for people or JSON for machines. */

const PEERS = [
  "OpenSSL C",
  "OpenSSL EVP",
  "openssl speed",
  "node legacy",
  "node des-ede3",
  "node-forge",
  "des.js",
  "crypto-js",
  "ours 3DES",
];

/**
 * Peers that write into a ready buffer, as we do beside them. The others make a new one with each call, and
 * beside them so do we.
 */
const READY_BUFFER = new Set(["OpenSSL C", "OpenSSL EVP", "openssl speed", "ours 3DES"]);

/** Prints all cells and the targets; `json` chooses the form. */
export function printReport({ cells, targets, json, machine }) {
  const rows = cells.map(({ size, mode, direction, withKey, times }) => ({
    size,
    what: `${mode} ${direction}`,
    withKey,
    nanoseconds: median(times.ours),
    newBufferNanoseconds: median(times["ours, new buffer"]),
    ratios: Object.fromEntries(PEERS.filter((peer) => times[peer]).map((peer) => [peer, ratio(times, peer)])),
  }));
  const verdicts = targets.flatMap((target) => {
    const row = rows.find(
      (r) => r.size === target.size && r.what === target.what && r.withKey === target.withKey,
    );
    const measured = row?.ratios[target.than];
    if (measured === undefined) return [];
    return [
      { ...target, measured, reached: target.most ? measured <= target.most : measured >= target.least },
    ];
  });
  if (json) {
    process.stdout.write(`${JSON.stringify({ machine, rows, targets: verdicts }, null, 1)}\n`);
    return;
  }
  print(`DES in TypeScript: our speed divided by theirs, in processor time; medians. ${machine}`);
  print("");
  print("key: whether every call includes the key schedule, or it is made once before. OpenSSL C: its DES_*");
  print(
    "calls into a ready buffer; EVP: the library's public interface, a context for each call; openssl speed:",
  );
  print(
    "no key schedule, no set-up. Beside these, and beside our triple DES, we write into a ready buffer too;",
  );
  print("beside the others we make a new one for each call, as they do.");
  print("");
  print(line(["bytes", "", "key", "ours ns", "new buffer", "ours MB/s", ...PEERS]));
  for (const { size, what, withKey, nanoseconds, newBufferNanoseconds, ratios } of rows) {
    const rate = ((size / nanoseconds) * 1000).toFixed(1);
    const times = [nanoseconds, newBufferNanoseconds].map((ns) => ns.toFixed(0));
    const cells = PEERS.map((peer) => (peer in ratios ? ratios[peer].toFixed(2) : "-"));
    print(line([size, what, withKey ? "yes" : "no", ...times, rate, ...cells]));
  }
  print("");
  print("targets");
  for (const { what, size, withKey, than, least, most, measured, reached } of verdicts) {
    const aim = most ? `at most ${most}` : `at least ${least}`;
    const where = `${size} bytes, ${what}, ${withKey ? "with" : "without"} key schedule, against ${than}`;
    print(
      `  ${reached ? "reached" : "MISSED "}  ${measured.toFixed(2).padStart(6)}  ${aim.padEnd(14)} ${where}`,
    );
  }
  print("");
  print("Repeat: npm run build && node bench/des/main.mjs");
}

/** Our speed to theirs, over the rounds that both have, so that each ratio belongs to one moment. */
function ratio(times, peer) {
  const theirs = times[peer];
  const ours = READY_BUFFER.has(peer) ? times.ours : times["ours, new buffer"];
  if (theirs.length !== ours.length) return median(theirs) / median(ours);
  return median(theirs.map((ns, i) => ns / ours[i]));
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function line([size, what, key, ns, newBuffer, rate, ...rest]) {
  const times = [ns, newBuffer, rate].map((cell) => cell.padStart(10)).join(" ");
  const first = `${String(size).padStart(8)} ${what.padEnd(12)} ${key.padEnd(4)} ${times}`;
  return `${first} ${rest.map((cell) => cell.padStart(14)).join("")}`;
}

function print(text) {
  process.stdout.write(`${text}\n`);
}
