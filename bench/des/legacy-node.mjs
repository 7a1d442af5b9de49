/** The child process of `openLegacyNode`: node:crypto's single DES, one sample for each message from the parent. */
import { KEY, nodeCrypto } from "./peers.mjs";

const peer = nodeCrypto("des-ecb", [KEY]);
const kept = new Map();

peer({ size: 8, mode: "ecb", direction: "encrypt", withKey: true })();
process.send("ready");

process.on("message", ({ ms, ...cell }) => {
  const name = JSON.stringify(cell);
  if (!kept.has(name)) kept.set(name, peer(cell));
  const work = kept.get(name);
  let calls = 0;
  const start = process.hrtime.bigint();
  let passed = 0;
  while (passed < ms * 1e6) {
    for (let i = 0; i < (cell.size > 10_000 ? 1 : 64); i++, calls++) work();
    passed = Number(process.hrtime.bigint() - start);
  }
  process.send(passed / calls);
});
