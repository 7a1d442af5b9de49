// What the entrance costs a server that is not overloaded, and what a refusal costs: CPU of the server for
// each call, in rounds that alternate.
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Load } from "./h2-load.mjs";

/** Rounds before the first that counts: V8 compiles what has run often enough. */
const WARM_UP = 3;

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

/**
 * Medians of the server's CPU for an empty call, in microseconds: behind an entrance, without one, and
 * refused by one; and of what the entrance adds within a round.
 */
export async function entranceCost(rounds, ms) {
  const server = fork(fileURLToPath(new URL("entrance-server.mjs", import.meta.url)));
  const answer = () => new Promise((resolve) => server.once("message", resolve));
  const cpu = async () => {
    server.send("cpu");
    return (await answer()).cpu;
  };
  const ports = await answer();
  const message = Buffer.alloc(605);
  message.writeUInt32BE(600, 1);
  const load = { path: "/bench.Empty/Call", deadlineMs: 10_000, connections: 8, message: () => message };
  const taken = { behind: [], without: [], refused: [], added: [] };
  for (let round = -WARM_UP; round < rounds; round++) {
    const behind = await perCall(ports.behind, 4);
    const without = await perCall(ports.without, 4);
    const refused = await perCall(ports.refusing, 4);
    if (round < 0) continue;
    taken.behind.push(behind);
    taken.without.push(without);
    taken.refused.push(refused);
    taken.added.push(behind - without);
  }
  server.kill();
  return Object.fromEntries(Object.entries(taken).map(([name, all]) => [name, median(all)]));

  async function perCall(port, each) {
    const few = new Load({ ...load, port });
    await few.connected();
    const before = await cpu();
    await few.saturate(each, ms);
    const used = (await cpu()) - before;
    const { served, refused } = few.counts;
    few.close();
    return used / (served + refused);
  }
}
