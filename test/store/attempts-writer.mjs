// A process that fails to log in N times as names of its own, all from one address: writer FILE NAME N.
import { LoginAttempts } from "../../dist/store/attempts/login-attempts.js";

const [path, name, times] = process.argv.slice(2);
const attempts = await LoginAttempts.open(path);
const limit = { count: 1_000_000, span: 86_400_000 };
const limits = { nameAndPeer: limit, name: limit, peer: limit };
process.stdout.write("ready\n");
await new Promise((resolve) => process.stdin.once("data", resolve));
for (let i = 0; i < Number(times); i++)
  attempts.begin(name, "192.0.2.1", limits, 1_000_000_000_000).failed(Buffer.from(`${name} ${i}`));
process.exit(0);
