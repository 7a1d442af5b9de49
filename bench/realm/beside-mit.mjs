// Our KDC beside MIT's, in turns: AS and TGS requests, and whole logins with tickets for five services.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { makeFilledRealm, SERVICES } from "./filled-realm.mjs";
import { HAS_MIT, startMitKdc } from "./mit-kdc.mjs";
import { median } from "./report.mjs";
import { MitSide, TesseraSide } from "./sides.mjs";
import { startTesseraKdc } from "./tessera-kdc.mjs";
import { chunks, walk } from "./users.mjs";

const FEW = 100;
const IN_MEMORY = ["--replay-cache", "memory:"];

/** What is compared; `targets` are the most that CPU of ours to theirs should be. */
const CASES = [
  { name: "1 connection, replays in memory", options: IN_MEMORY, connections: 1, targets: [0.68, 0.5] },
  { name: "32 connections, replays in memory", options: IN_MEMORY, connections: 32, targets: [0.97, 0.7] },
  { name: "1 connection, durable replay rule", options: [], connections: 1, targets: [1, 1] },
  { name: "1 connection, durable, all active", options: [], connections: 1, targets: [1, 1], all: true },
];

export async function besideMit(folder, { active, rounds, requests, warmUp }, report) {
  report.head(
    `Beside krb5kdc (UDP, 32 in flight, no write at a login), ${active} principals: ours, theirs, CPU in µs`,
  );
  const dir = join(folder, "beside");
  await makeFilledRealm(dir, active);
  const mit = await startMitKdc(folder, active);
  try {
    for (const { name, options, connections, targets, all } of CASES) {
      const kdc = await startTesseraKdc(dir, options);
      const users = all ? active : FEW;
      const sides = [new TesseraSide(kdc, connections), new MitSide(mit)];
      report.progress(`${name}: warm-up`);
      const warm = walk(users, 0, Math.max(warmUp, users));
      for (const side of sides) for (const some of chunks(warm, requests)) await asAndTgs(side, some);
      const costs = [];
      for (let round = 0; round < rounds; round++) {
        report.progress(`${name}: round ${round + 1} of ${rounds}`);
        const some = walk(users, round * requests, requests);
        costs.push([await asAndTgs(sides[0], some), await asAndTgs(sides[1], some)]);
      }
      await kdc.stop();
      const title = `${name} (${users} users)`;
      for (const [kind, target] of [
        ["as", targets[0]],
        ["tgs", targets[1]],
      ])
        report.row(
          `${kind.toUpperCase()}, ${title}`,
          {
            ours: median(costs.map(([ours]) => ours[kind])),
            theirs: median(costs.map(([, theirs]) => theirs[kind])),
            ratio: median(costs.map(([ours, theirs]) => ours[kind] / theirs[kind])),
          },
          ["ratio", target],
        );
    }
  } finally {
    mit.child.kill();
    rmSync(dir, { recursive: true });
    rmSync(join(folder, "mit"), { recursive: true });
  }
}

async function asAndTgs(side, users) {
  const { cost, tgts } = await side.logIn(users, { keep: true });
  return { as: cost.cpu, tgs: (await side.getTickets(tgts)).cpu };
}

/** Logins, each followed by tickets for all services; the replay rule is the durable one. */
export async function loginsWithTickets(folder, { users, requests, warmUp }, report) {
  report.head(`A login and tickets for ${SERVICES} services, ${users} users in turn; CPU a user in µs`);
  const dir = join(folder, "logins");
  await makeFilledRealm(dir, users);
  const kdc = await startTesseraKdc(dir);
  const mit = HAS_MIT ? await startMitKdc(folder, users) : undefined;
  try {
    const sides = [new TesseraSide(kdc, 1), ...(mit === undefined ? [] : [new MitSide(mit)])];
    for (const side of sides)
      for (const some of chunks(walk(users, 0, warmUp / SERVICES), requests)) await whole(side, some);
    const costs = [];
    let done = 0;
    for (const some of chunks(walk(users, 0, users), Math.ceil(requests / SERVICES))) {
      report.progress(`logins with tickets: ${done} of ${users}`);
      done += some.length;
      const round = [];
      for (const side of sides) round.push(await whole(side, some));
      costs.push(round);
    }
    const theirs = mit && median(costs.map(([, cost]) => cost));
    const ratio = mit && median(costs.map(([ours, cost]) => ours / cost));
    const { own, files } = kdc.memory();
    const figures = {
      ours: median(costs.map(([ours]) => ours)),
      theirs,
      ratio,
      "own MiB": own,
      "files MiB": files,
    };
    report.row(`1 login, ${SERVICES} tickets`, figures, mit && ["ratio", 1]);
  } finally {
    await kdc.stop();
    mit?.child.kill();
    rmSync(dir, { recursive: true });
  }
}

async function whole(side, users) {
  const { cost, tgts } = await side.logIn(users, { keep: true });
  const five = tgts.flatMap((tgt) => Array.from({ length: SERVICES }, () => tgt));
  const { cpu } = await side.getTickets(five, (i) => i % SERVICES);
  return cost.cpu + SERVICES * cpu;
}
