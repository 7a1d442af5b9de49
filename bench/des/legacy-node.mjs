/**
 * The child process of `openLegacyNode`: node:crypto's single DES, one sample per message from the parent.
 */
import { KEY, nodeCrypto } from "./peers.mjs";

const peer = nodeCrypto("des-ecb", [KEY]);
const kept = new Map();

peer({ size: 8, mode: "ecb", direction: "encrypt", withKey: true })();
process.send("ready");

process.on("message", ({ ms, ...cell }) => {
  const name = JSON.stringify(cell);
  if (!kept.has(name)) kept.set(name, peer(cell));
  const work = kept.get(name);
  const batch = cell.size > 10_000 ? 1 : 256;
  let calls = 0;
  let passed = 0;
  const start = process.cpuUsage();
  while (passed < ms * 1000) {
    for (let i = 0; i < batch; i++) work();
    calls += batch;
    const { user, system } = process.cpuUsage(start);
    passed = user + system;
  }
  process.send((1000 * passed) / calls);
});
