// An honest client, a process of its own: calls the target that it is told, twenty times a second, and
// answers `report` with how long the calls took since the last, in milliseconds; Infinity: it was not served.
import { callersOf } from "./callers.mjs";

const callers = await callersOf(JSON.parse(process.argv[2]), Number(process.argv[3]));
let target = "AS";
let seen = { took: [], failures: {} };

setInterval(async () => {
  const began = performance.now();
  const now = seen;
  try {
    await callers[target].call();
    now.took.push(performance.now() - began);
  } catch (error) {
    now.took.push(Number.POSITIVE_INFINITY);
    const name = String(error.codeName ?? error.reason ?? error.message);
    now.failures[name] = (now.failures[name] ?? 0) + 1;
  }
}, 50);
process.on("disconnect", () => process.exit(0));
process.on("message", (message) => {
  if (message === "report") {
    process.send(seen);
    seen = { took: [], failures: {} };
  } else {
    target = message;
    process.send({ target });
  }
});
process.send({ ready: true });
